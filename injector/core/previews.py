"""
What would become of the pods of a workload: the same admission, on an object that is not in a cluster yet.

Objects that are no workload pass through unchanged, and so does a workload to whose pods nothing happens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from injector.core import admission, conformity, patches, reviews, workloads
from injector.core.errors import WorkloadError
from injector.core.model import Namespace, Object, Policy, Review, Verdict
from injector.core.selection import Catalog
from injector.core.workloads import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One workload and what would become of its pods."""

    holder: Object
    """The object as given."""
    result: Object
    """The object with the injected pod in it; the same object if nothing changed."""
    kind: Kind
    pod: Object
    """The pod as the API server would be asked to create it."""
    namespace: Namespace
    verdict: Verdict


def preview(
    holder: Object, kind: Kind, namespace: Namespace, catalog: Catalog, policy: Policy, expired: Callable[[], bool]
) -> Preview:
    """Admit the pod of *holder*; raises WorkloadError, ReviewError (no usable pod) and OurFault."""
    pod = reviews.check_pod(workloads.pod_of(holder, kind, namespace.name))
    if problem := conformity.problem_of("PodSpec", pod["spec"], "spec"):
        raise WorkloadError(f"the pod's {problem}")
    review = Review(uid="", api_version=reviews.VERSIONS[0], namespace=namespace.name, object=pod)
    verdict = admission.admit(review, namespace, catalog, policy, expired)
    result = holder
    if verdict.patch:
        patches.prove(pod, verdict.patch, verdict.pod)
        result = workloads.put_back(holder, kind, pod, verdict.pod)
    return Preview(holder=holder, result=result, kind=kind, pod=pod, namespace=namespace, verdict=verdict)

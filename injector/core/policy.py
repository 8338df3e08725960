"""
What a fragment may ask for: an allow-list per scope, so that what nobody thought of is refused.

Writers of cluster templates are as mighty as cluster administrators, yet host paths, privileges and identities need
the operator's word (``privileged_templates``). Templates of a namespace may do what its pods may do anyway, at the
level *restricted*, and read no Secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from injector.core import pod_security
from injector.core.errors import ForbiddenField

if TYPE_CHECKING:
    from collections.abc import Iterator

    from injector.core.model import Fragment, Object, Policy

CLUSTER_POD_FIELDS = frozenset({
    "activeDeadlineSeconds", "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy",
    "enableServiceLinks", "hostAliases", "hostUsers", "imagePullSecrets", "nodeSelector", "overhead",
    "preemptionPolicy", "priorityClassName", "readinessGates", "resourceClaims", "resources",
    "runtimeClassName", "schedulerName", "schedulingGates", "securityContext", "setHostnameAsFQDN",
    "shareProcessNamespace", "terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints",
})  # fmt: skip
"""Fields of a pod's spec that a cluster template may fill in."""

PRIVILEGED_POD_FIELDS = frozenset({"hostIPC", "hostNetwork", "hostPID", "nodeName", "serviceAccountName"})
"""Fields that need the operator's word as well."""

NAMESPACE_VOLUMES = frozenset({"configMap", "downwardAPI", "emptyDir", "projected"})
"""Sources of volumes in templates of a namespace."""


def check(fragment: Fragment, policy: Policy) -> None:
    """Raise ForbiddenField with the first thing that this template may not ask for, and who could allow it."""
    template = fragment.template
    is_cluster = template.namespace == policy.release_namespace
    problems = _cluster_problems(fragment, policy) if is_cluster else _namespace_problems(fragment)
    problem = next(problems, None)
    if problem is None:
        return
    if is_cluster:
        hint = f"list {template.name!r} under privilegedTemplates to allow it"
    else:
        hint = "a template of a namespace may not"
    raise ForbiddenField(f"{problem}: {hint}")


def _cluster_problems(fragment: Fragment, policy: Policy) -> Iterator[str]:
    is_privileged = fragment.template.name in policy.privileged_templates
    for name in fragment.pod:
        if name not in CLUSTER_POD_FIELDS and not (is_privileged and name in PRIVILEGED_POD_FIELDS):
            if name not in PRIVILEGED_POD_FIELDS:
                raise ForbiddenField(f"pod.{name} may not be set by a template")
            yield f"pod.{name} is set"
    if not is_privileged:
        yield from pod_security.baseline_problems(fragment)


def _namespace_problems(fragment: Fragment) -> Iterator[str]:
    for name in fragment.pod:
        yield f"pod.{name} is set"
    for name in fragment.application:
        if name not in ("env", "volumeMounts"):
            yield f"{name} of the application's containers is set"
    yield from pod_security.baseline_problems(fragment)
    yield from pod_security.restricted_problems(fragment)
    for volume in fragment.volumes:
        yield from _namespace_volume(volume)
    for container in (*fragment.sidecars, *fragment.init_containers, fragment.application):
        yield from _secret_variables(container)


def _namespace_volume(volume: Object) -> Iterator[str]:
    yield from (
        f"volume {volume['name']!r} is a {source}" for source in volume if source not in {"name", *NAMESPACE_VOLUMES}
    )
    for source in (volume.get("projected") or {}).get("sources") or ():
        if not set(source) <= {"configMap", "downwardAPI"}:
            yield f"volume {volume['name']!r} projects {', '.join(sorted(source))}"


def _secret_variables(container: Object) -> Iterator[str]:
    for variable in container.get("env") or ():
        if "secretKeyRef" in (variable.get("valueFrom") or {}):
            yield f"variable {variable['name']!r} reads a Secret"
    for source in container.get("envFrom") or ():
        if "secretRef" in source:
            yield f"envFrom reads Secret {source['secretRef'].get('name')!r}"

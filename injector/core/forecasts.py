"""
What is worth telling whoever applies a workload: its pods are made by a controller, and what they are told nobody sees.

Only mistakes are: who gets what he asked for hears nothing, nor does who asked for nothing. Nothing is refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from injector.core import admission, misplacements, previews, workloads
from injector.core.model import Namespace, Object, Policy, Verdict
from injector.core.previews import Preview
from injector.core.reasons import Reason
from injector.core.selection import Catalog
from injector.core.workloads import Kind

_PRESENT = (Reason.INJECTED, Reason.ALREADY_INJECTED)


def forecast(
    holder: Object, kind: Kind, namespace: Namespace, catalog: Catalog, policy: Policy, expired: Callable[[], bool]
) -> Verdict:
    """Return what its pods would get, always allowed; raises WorkloadError, ReviewError (no usable pod), OurFault."""
    preview = previews.preview(holder, kind, namespace, catalog, policy, expired)
    verdict = preview.verdict
    return Verdict(reason=verdict.reason, decisions=verdict.decisions, warnings=tuple(_warn(preview, policy)))


def _warn(preview: Preview, policy: Policy) -> Iterator[str]:
    denials = (admission.describe(decision) for decision in preview.verdict.decisions if decision.denies)
    misplaced = misplacements.find(preview.holder, preview.kind, preview.namespace, policy.domain)
    mistakes = (*denials, *preview.verdict.warnings, *misplaced)
    if mistakes:
        yield f"pods of {workloads.title_of(preview.holder)} {_outcome(preview.verdict)}"
    yield from mistakes


def _outcome(verdict: Verdict) -> str:
    if not verdict.allowed:
        return "will be refused"
    names = [decision.template for decision in verdict.decisions if decision.reason in _PRESENT]
    return f"get {', '.join(names) or 'nothing'}"

"""
What can be said against a template before any pod meets it: it is tried on sample pods, twice each.

A second call on the result of the first must change nothing (the law of idempotence). A template that reads back what
it writes breaks that, and only a trial shows it. Further findings are warnings: what a namespace at the level
*restricted* or with a ResourceQuota would refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from injector.core import admission, parameters, pod_security, rounds, samples, schemas, sources
from injector.core.errors import PillionError
from injector.core.model import Fragment, Namespace, OnError, Review
from injector.core.reasons import Reason
from injector.core.rounds import Failure, Surroundings
from injector.core.selection import Catalog

if TYPE_CHECKING:
    from injector.core.model import JSON, Object, Policy, Template, Verdict

NAMESPACE = "sample"
"""The namespace of the sample pods of a cluster template."""

TOLERATED = frozenset({Reason.REFUSED, Reason.CONFLICT})
"""What a template may well say to a sample pod: it is made for others."""


class Severity(StrEnum):
    """What becomes of a template with such a finding."""

    ERROR = "error"
    """``/validate`` refuses it."""
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say against a template."""

    severity: Severity
    message: str
    detail: str = ""
    """The message with the line of the template and a caret, where there is one."""


def lint(template: Template, policy: Policy) -> tuple[Finding, ...]:
    """Try *template* on the sample pods; each finding once."""
    trial = _Trial(template, policy)
    return tuple(dict.fromkeys(trial.findings()))


class _Trial:
    """One template on many pods, asked for by name so that its selectors and default do not matter."""

    def __init__(self, template: Template, policy: Policy) -> None:
        self.template = replace(
            template,
            namespace_selector=None,
            pod_selector=None,
            is_default=False,
            on_error=OnError.DENY,
            host_network=True,
        )
        self.unfit, values = _fitting(template)
        self.policy = replace(
            policy, parameters={template.name: {**values, **policy.parameters.get(template.name, {})}}
        )
        name = NAMESPACE if template.namespace == policy.release_namespace else template.namespace
        self.namespace = Namespace(name=name)

    def findings(self) -> Iterator[Finding]:
        """Yield what is found, the same finding again for each pod that shows it."""
        if self.unfit:
            return
        for native in (True, False):
            policy = replace(self.policy, native_sidecars=native)
            for pod in self._pods(policy):
                yield from self._try(pod, policy)

    def _pods(self, policy: Policy) -> Iterator[Object]:
        """Yield the sample pods, and each again with overlays of all that the template brings to any of them."""
        pods = [self._asking(pod) for pod in samples.PODS.values()]
        fragments = [fragment for pod in pods if (fragment := self._fragment(pod, policy))]
        brought = frozenset().union(*(fragment.containers for fragment in fragments))
        for pod in pods:
            yield pod
            yield from samples.overlays(pod, brought)

    def _asking(self, pod: Object) -> Object:
        domain = self.policy.domain
        metadata = pod["metadata"]
        labels = {**metadata.get("labels", {}), domain.inject: "true"}
        annotations = {**metadata.get("annotations", {}), domain.templates: self.template.reference}
        return {**pod, "metadata": {**metadata, "labels": labels, "annotations": annotations}}

    def _try(self, pod: Object, policy: Policy) -> Iterator[Finding]:
        first = self._admit(pod, policy)
        if not first.allowed:
            yield from _denials(first)
            return
        if not first.patch:
            return
        second = self._admit(first.pod, policy)
        if not second.allowed:
            yield from _denials(second)
        elif second.patch:
            yield _reads_back(second)
        fragment = self._fragment(pod, policy)
        if fragment is not None:
            yield from self._blind_conditions(fragment)
            yield from _warnings(fragment)

    def _blind_conditions(self, fragment: Fragment) -> Iterator[Finding]:
        """Yield the tags that ask for a volume which the template brings itself: it is never shown its own parts."""
        for program in self.template.programs.values():
            for tag in sources.tags(program.source, program.delimiters):
                for name in sorted(fragment.volume_names):
                    if "volumes" in tag and re.search(rf"""["']{re.escape(name)}["']""", tag):
                        message = (
                            f"key {program.key}: {tag!r} reads back volume {name!r}, which the template brings itself"
                            " and never sees; decide by something that the pod's author writes"
                        )
                        yield Finding(Severity.ERROR, message)

    def _admit(self, pod: Object, policy: Policy) -> Verdict:
        catalog = Catalog({self.template.reference: self.template})
        return admission.admit(self._review(pod), self.namespace, catalog, policy, _never)

    def _fragment(self, pod: Object, policy: Policy) -> Fragment | None:
        """Return what the template renders to; None if its condition is false or it fails."""
        given = parameters.read(pod["metadata"].get("annotations") or {}, self.namespace, policy)
        surroundings = Surroundings(
            review=self._review(pod), namespace=self.namespace, policy=policy, given=given, expired=_never
        )
        try:
            return next(iter(rounds.settle([self.template], pod, surroundings).fragments), None)
        except (Failure, PillionError):
            return None

    def _review(self, pod: Object) -> Review:
        return Review(uid="", api_version="", namespace=self.namespace.name, object=pod)


def _never() -> bool:
    return False


def _fitting(template: Template) -> tuple[bool, dict[str, JSON]]:
    """Return values for the parameters without a default; whether none could be made up that the schemas accept."""
    values = samples.values(template)
    unfit = any(schemas.problem_of(template.parameters[name], value) for name, value in values.items())
    return unfit, values


def _denials(verdict: Verdict) -> Iterator[Finding]:
    for decision in verdict.decisions:
        if decision.denies and decision.reason not in TOLERATED:
            yield Finding(Severity.ERROR, admission.describe(decision), decision.detail)


def _reads_back(second: Verdict) -> Finding:
    changed = next(operation.path for operation in reversed(second.patch))
    return Finding(
        Severity.ERROR,
        f"a second call would change {changed} again: the template reads back what it writes; decide by what the pod's"
        " author wrote, not by what the template adds",
    )


def _warnings(fragment: Fragment) -> Iterator[Finding]:
    for problem in pod_security.restricted_problems(fragment):
        yield Finding(
            Severity.WARNING, f"{problem}: namespaces at the Pod Security level 'restricted' would refuse the pod"
        )
    for container in (*fragment.sidecars, *fragment.init_containers):
        yield from _unmeasured(container)


def _unmeasured(container: Object) -> Iterator[Finding]:
    resources = container.get("resources") or {}
    wanted = [(part, name) for part in ("requests", "limits") for name in ("cpu", "memory")]
    missing = [f"{part}.{name}" for part, name in wanted if name not in (resources.get(part) or {})]
    if missing:
        message = f"container {container['name']!r} sets no {', '.join(missing)}: a ResourceQuota would refuse the pod"
        yield Finding(Severity.WARNING, message)

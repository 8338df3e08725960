"""
Who answers at which path: from the bytes of a review to an answer, with the templates of the moment. No HTTP.

    /mutate               pods: the engine
    /validate             template ConfigMaps, when they are applied: refused with the line and a caret, or warned of
    /validate-workloads   Deployments and their kin, when they are applied: warned of what their pods will be told
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from injector.core import admission, forecasts, linting, reviews, templates, workloads
from injector.core.admission import Answer
from injector.core.errors import ReviewError, TemplateError, WorkloadError
from injector.core.linting import Finding, Severity
from injector.core.model import Namespace, Object, Policy, Review, Verdict
from injector.core.reasons import Reason
from injector.shell.snapshots import Snapshot

HELM_RELEASE = ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace")
"""Annotations by which Helm marks what belongs to a release."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """Injects pods."""

    snapshot: Callable[[], Snapshot]
    find_namespace: Callable[[str], Namespace]
    """May raise UnknownNamespace."""
    policy: Policy

    def __call__(self, body: bytes, expired: Callable[[], bool]) -> Answer:
        """Answer the review of a pod; raises ReviewError and OurFault."""
        return admission.answer(body, self.find_namespace, self.snapshot().catalog, self.policy, expired)


@dataclass(frozen=True, slots=True)
class Validation:
    """Judges template ConfigMaps before they are stored."""

    policy: Policy
    release_name: str
    """The Helm release whose templates are never refused: an upgrade must not lock itself out."""
    check: Callable[[Object], None]
    """Tries a ConfigMap where it can do no harm; raises TemplateError."""

    def __call__(self, body: bytes, expired: Callable[[], bool]) -> Answer:
        """Answer the review of a ConfigMap; raises ReviewError and OurFault."""
        del expired  # the check has limits of its own
        review = reviews.decode(body)
        verdict = self._judge(review)
        return Answer(reviews.encode(review, verdict, b""), review, verdict)

    def _judge(self, review: Review) -> Verdict:
        if review.kind != "ConfigMap":
            return Verdict(reason=Reason.OTHER_KIND)
        if review.operation not in {"CREATE", "UPDATE"}:
            return Verdict(reason=Reason.OTHER_OPERATION)
        metadata = _mapping(_object_of(review), "metadata")
        if _mapping(metadata, "labels").get(self.policy.domain.template_label) != "true":
            return Verdict(reason=Reason.NO_TEMPLATES)
        findings = list(self._findings({**review.object, "metadata": {"namespace": review.namespace, **metadata}}))
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        if errors and not self._is_ours(review.namespace, _mapping(metadata, "annotations")):
            return Verdict(reason=Reason.TEMPLATE_BROKEN, denial="\n".join(f.detail or f.message for f in errors))
        reason = Reason.TEMPLATE_BROKEN if errors else Reason.TEMPLATE_ACCEPTED
        return Verdict(reason=reason, warnings=tuple(finding.message for finding in findings))

    def _findings(self, configmap: Object) -> Iterator[Finding]:
        try:
            self.check(configmap)
            template = templates.parse(configmap, self.policy)
        except TemplateError as error:
            yield Finding(Severity.ERROR, str(error), error.with_caret())
            return
        if template.namespace != self.policy.release_namespace and not self.policy.namespace_templates:
            message = f"templates serve pods from namespace {self.policy.release_namespace!r} only: move it there"
            yield Finding(Severity.WARNING, message)
            return
        yield from linting.lint(template, self.policy)

    def _is_ours(self, namespace: str, annotations: Object) -> bool:
        found = tuple(annotations.get(key) for key in HELM_RELEASE)
        home = self.policy.release_namespace
        return namespace == home and found == (self.release_name, home)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Tells what the pods of a workload will get; it refuses nothing."""

    snapshot: Callable[[], Snapshot]
    find_namespace: Callable[[str], Namespace]
    """May raise UnknownNamespace."""
    policy: Policy

    def __call__(self, body: bytes, expired: Callable[[], bool]) -> Answer:
        """Answer the review of a workload, always allowed; raises ReviewError and OurFault."""
        review = reviews.decode(body)
        try:
            verdict = self._judge(review, expired)
        except WorkloadError as error:
            raise ReviewError(str(error)) from error
        return Answer(reviews.encode(review, verdict, b""), review, verdict)

    def _judge(self, review: Review, expired: Callable[[], bool]) -> Verdict:
        holder = _object_of(review)
        kind = workloads.kind_of(holder)
        if kind is None or not kind.path:
            return Verdict(reason=Reason.OTHER_KIND)
        if review.operation not in {"CREATE", "UPDATE"}:
            return Verdict(reason=Reason.OTHER_OPERATION)
        namespace = self.find_namespace(review.namespace)
        return forecasts.forecast(holder, kind, namespace, self.snapshot().catalog, self.policy, expired)


def _object_of(review: Review) -> Object:
    if not isinstance(review.object, dict):
        raise ReviewError(f"request.object is a {type(review.object).__name__}, expected a mapping")
    return review.object


def _mapping(holder: Object, key: str) -> Object:
    found = holder.get(key) or {}
    if not isinstance(found, dict):
        raise ReviewError(f"the ConfigMap's {key} is a {type(found).__name__}, expected a mapping")
    return found

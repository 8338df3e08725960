"""
The straight line: from the bytes of a review to the bytes of its answer.

    decode → choose → render → merge → diff → prove → encode

Whose fault an error is decides what becomes of the pod:

* the pod author's (unknown template, bad parameter, conflict, refusal): denied if the template was asked for by name,
  skipped if it came by default, unless the template's ``on-error`` says otherwise;
* the template's (broken, failed, forbidden field, unstable): skipped with a warning, unless ``on-error: deny``;
* ours: an OurFault goes through to the caller, who answers 503 so that the webhook's ``failurePolicy`` decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import orjson

from injector.core import conformity, errors, parameters, patches, reviews, rounds, selection, status, tokens
from injector.core.errors import AuthorError, Expired, ReviewError, TemplateError, UnprovenPatch
from injector.core.merging import Draft
from injector.core.model import (
    EMPTY,
    Decision,
    Fragment,
    Namespace,
    Native,
    Object,
    OnError,
    Patch,
    Policy,
    Review,
    Template,
    Verdict,
)
from injector.core.parameters import Given
from injector.core.reasons import SENTENCES, Reason
from injector.core.rounds import Failure, Settled, Surroundings
from injector.core.selection import Catalog

REASONS: dict[type[Exception], Reason] = {
    errors.BadParameter: Reason.BAD_PARAMETER,
    errors.Conflict: Reason.CONFLICT,
    errors.Refused: Reason.REFUSED,
    errors.UnknownTemplate: Reason.UNKNOWN_TEMPLATE,
    errors.LimitExceeded: Reason.LIMIT_EXCEEDED,
    errors.ForbiddenField: Reason.FORBIDDEN_FIELD,
    errors.UnstableTemplate: Reason.UNSTABLE_TEMPLATE,
}
"""The reason of each error; any other of a template is ``render-failed``."""


class Answer(NamedTuple):
    """The bytes for the API server, and what was decided, for logs and metrics."""

    body: bytes
    review: Review
    verdict: Verdict


def answer(
    body: bytes,
    find_namespace: Callable[[str], Namespace],
    catalog: Catalog,
    policy: Policy,
    expired: Callable[[], bool],
) -> Answer:
    """Answer one AdmissionReview; raises ReviewError (HTTP 400) and OurFault (HTTP 503), nothing else."""
    review = reviews.decode(body)
    namespace = find_namespace(review.namespace)
    try:
        verdict = admit(review, namespace, catalog, policy, expired)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise _disbelief(review, error) from error
    return Answer(write(review, verdict), review, verdict)


def write(review: Review, verdict: Verdict) -> bytes:
    """Return the bytes of the answer; raises UnprovenPatch if the patch does not turn the one pod into the other."""
    patch = b""
    if verdict.patch:
        patches.prove(review.object, verdict.patch, verdict.pod)
        patch = orjson.dumps(patches.as_json(verdict.patch))
    return reviews.encode(review, verdict, patch)


def _disbelief(review: Review, error: Exception) -> ReviewError | UnprovenPatch:
    """
    Return whose fault an unforeseen error is: the pod's, if it has types that no API server lets through.

    An API server has read the pod before it calls, so only a forged review gets here, and no other pays for the check.
    """
    try:
        reviews.check_pod(review.object)
    except ReviewError as problem_inside:
        return problem_inside
    problem = conformity.problem_of("PodSpec", review.object.get("spec"), "spec")
    if problem:
        return ReviewError(f"the pod's {problem}")
    return UnprovenPatch(f"no patch could be made: {type(error).__name__}")


def admit(
    review: Review, namespace: Namespace, catalog: Catalog, policy: Policy, expired: Callable[[], bool]
) -> Verdict:
    """Decide on one pod; raises OurFault only."""
    if review.kind != "Pod":
        return Verdict(reason=Reason.OTHER_KIND)
    if review.operation != "CREATE":
        return Verdict(reason=Reason.OTHER_OPERATION)
    if reason := selection.exclude(review, namespace, policy):
        return Verdict(reason=reason)
    annotations = (review.object.get("metadata") or {}).get("annotations") or {}
    request = selection.read_request(annotations, policy)
    if request.problem:
        return _conclude((Decision(reason=Reason.BAD_REQUEST, message=request.problem, denies=True),))
    choice = selection.choose(request, review.object, namespace, catalog, policy)
    given = parameters.read(annotations, namespace, policy)
    surroundings = Surroundings(review=review, namespace=namespace, policy=policy, given=given, expired=expired)
    injection = _inject(choice.candidates, surroundings)
    ignored = _ignored_parameters(given, choice.candidates, policy)
    decisions = (*choice.decisions, *injection.decisions)
    notes = (*ignored, *injection.draft.notes)
    if not injection.settled.fragments or any(decision.denies for decision in decisions):
        return _conclude(decisions, notes)
    pod = status.record(injection.draft.finish(), injection.settled.fragments, policy.domain)
    pod = tokens.mount(review.object, pod)
    return _conclude(decisions, notes, pod, patches.diff(review.object, pod))


class _Injection(NamedTuple):
    """All candidates, rendered and merged, less those that failed."""

    draft: Draft
    settled: Settled
    decisions: tuple[Decision, ...]


def _inject(candidates: tuple[tuple[Template, bool], ...], surroundings: Surroundings) -> _Injection:
    """Render and merge the candidates; one that fails drops out, and the others start anew without it."""
    by_name = {template.reference: asked for template, asked in candidates}
    wanted = [template for template, _ in candidates]
    failed: list[Decision] = []
    while True:
        if surroundings.expired():
            raise Expired("the deadline of the request is over")
        try:
            settled = rounds.settle(wanted, surroundings.review.object, surroundings)
            draft, decisions = _merge_all(settled, surroundings)
        except Failure as failure:
            failed.append(_blame(failure, by_name[failure.template.reference]))
            wanted.remove(failure.template)
            continue
        declined = (_decline(template, by_name[template.reference]) for template in settled.declined)
        return _Injection(draft=draft, settled=settled, decisions=(*failed, *declined, *decisions))


def _merge_all(settled: Settled, surroundings: Surroundings) -> tuple[Draft, list[Decision]]:
    """Merge every fragment in order; a Conflict is charged to the later template."""
    produced = frozenset().union(*(fragment.containers for fragment in settled.fragments))
    draft, decisions = Draft(surroundings.review.object, produced), []
    earlier: set[str] = set()
    try:
        for fragment in settled.fragments:
            _check_unique(fragment, earlier)
            native = _is_native(fragment.template, surroundings.policy)
            reason = Reason.INJECTED if draft.merge(fragment, native=native) else Reason.ALREADY_INJECTED
            earlier |= fragment.containers
            template = fragment.template
            decisions.append(Decision(reason=reason, template=template.reference, revision=template.revision))
        for fragment in settled.fragments:
            draft.check_mounts(fragment)
    except errors.Conflict as error:
        raise Failure(fragment.template, error) from error
    return draft, decisions


def _check_unique(fragment: Fragment, earlier: set[str]) -> None:
    for name in sorted(fragment.containers & earlier):
        raise errors.Conflict(f"another template brings a container named {name!r} too")


def _is_native(template: Template, policy: Policy) -> bool:
    return policy.native_sidecars if template.native is Native.AUTO else template.native is Native.ALWAYS


def _blame(failure: Failure, asked_by_name: bool) -> Decision:  # noqa: FBT001 - a fact of the request, not a switch
    template, error = failure.template, failure.error
    is_authors = isinstance(error, AuthorError)
    denies = template.on_error is OnError.DENY or (is_authors and asked_by_name and template.on_error is None)
    return Decision(
        reason=REASONS.get(type(error), Reason.RENDER_FAILED),
        template=template.reference,
        revision=template.revision,
        message=str(error),
        detail=error.with_caret() if isinstance(error, TemplateError) else "",
        denies=denies,
        warns=not denies,
    )


def _decline(template: Template, asked_by_name: bool) -> Decision:  # noqa: FBT001 - as above
    return Decision(
        reason=Reason.WHEN_FALSE, template=template.reference, revision=template.revision, warns=asked_by_name
    )


def _ignored_parameters(given: Given, candidates: Iterable[tuple[Template, bool]], policy: Policy) -> Iterator[str]:
    chosen = {template.name for template, _ in candidates}
    for name, texts in given.pod.items():
        for parameter in texts if name not in chosen else ():
            key = f"{name}{policy.domain.parameter_suffix}{parameter}"
            yield f"annotation {key!r} is ignored: template {name!r} is not injected into this pod"


def _conclude(
    decisions: tuple[Decision, ...], notes: tuple[str, ...] = (), pod: Object = EMPTY, patch: Patch = ()
) -> Verdict:
    """Return the verdict on all decisions."""
    denials = [decision for decision in decisions if decision.denies]
    warnings = [describe(decision) for decision in decisions if decision.warns]
    return Verdict(
        reason=denials[0].reason if denials else _overall(decisions),
        decisions=decisions,
        pod=pod,
        patch=patch,
        warnings=(*warnings, *notes),
        denial="\n".join(_deny(decision) for decision in denials),
    )


def _overall(decisions: tuple[Decision, ...]) -> Reason:
    reasons = [decision.reason for decision in decisions]
    for reason in (Reason.INJECTED, Reason.ALREADY_INJECTED):
        if reason in reasons:
            return reason
    return reasons[0] if reasons else Reason.NO_TEMPLATES


def describe(decision: Decision) -> str:
    """Return one decision as a sentence that ends with the reason's word."""
    subject = f"template {decision.template!r}: " if decision.template else ""
    return f"{subject}{decision.message or SENTENCES[decision.reason]} ({decision.reason})"


def _deny(decision: Decision) -> str:
    return f"{describe(decision._replace(message=decision.detail or decision.message))}"

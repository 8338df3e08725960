"""How decisions are told to people: one line a workload, and what they should know below it. Text only, no output."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from injector.cli import colours
from injector.core import misplacements, workloads
from injector.core.model import Decision, Policy, Verdict
from injector.core.previews import Preview
from injector.core.reasons import SENTENCES, Reason

FAILURES = frozenset({
    Reason.BAD_REQUEST, Reason.UNKNOWN_TEMPLATE, Reason.BAD_PARAMETER, Reason.CONFLICT, Reason.REFUSED,
    Reason.TEMPLATE_BROKEN, Reason.RENDER_FAILED, Reason.LIMIT_EXCEEDED, Reason.FORBIDDEN_FIELD,
    Reason.UNSTABLE_TEMPLATE,
})  # fmt: skip
"""Reasons that say that something is wrong, and not merely that something was not wanted."""


def failed(preview: Preview) -> bool:
    """Whether the pod was denied or any of its templates failed."""
    return any(decision.denies or decision.reason in FAILURES for decision in preview.verdict.decisions)


def title_of(preview: Preview) -> str:
    """Return ``deployment/web``, with its namespace unless it is the default one."""
    title = workloads.title_of(preview.holder)
    return title if preview.namespace.name == "default" else f"{title} in {preview.namespace.name}"


def report(preview: Preview, policy: Policy) -> Iterator[str]:
    """Yield the line of one workload and those below it."""
    verdict = preview.verdict
    yield f"{colours.strong(title_of(preview))}: {_outcome(verdict)}"
    for line in verdict.denial.splitlines():
        yield f"  {line}"
    for warning in verdict.warnings:
        yield f"  {colours.warning('warning:')} {warning}"
    for hint in misplacements.find(preview.holder, preview.kind, preview.namespace, policy.domain):
        yield f"  {colours.warning('hint:')} {hint}"


def unified(before: str, after: str, title: str, context: int = 3) -> Iterator[str]:
    """Yield the coloured lines of a unified diff between two texts, with *context* lines around each change."""
    names = {"fromfile": title, "tofile": f"{title}, injected"}
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), **names, n=context, lineterm="")
    return colours.difference(lines)


def _outcome(verdict: Verdict) -> str:
    if not verdict.allowed:
        return f"{colours.bad('denied')} ({verdict.reason})"
    if not verdict.decisions:
        return f"not injected: {SENTENCES[verdict.reason]} ({verdict.reason})"
    return "; ".join(part for part in _parts(verdict.decisions) if part)


def _parts(decisions: Iterable[Decision]) -> Iterator[str]:
    injected = [decision for decision in decisions if decision.reason is Reason.INJECTED]
    already = [decision for decision in decisions if decision.reason is Reason.ALREADY_INJECTED]
    others = [decision for decision in decisions if decision not in (*injected, *already)]
    if injected:
        yield f"{colours.good('injected')} {', '.join(map(_revised, injected))}"
    if already:
        yield f"unchanged {', '.join(map(_revised, already))}"
    if others:
        yield f"skipped {', '.join(f'{decision.template}: {decision.reason}' for decision in others)}"


def _revised(decision: Decision) -> str:
    return f"{decision.template} {colours.faint(f'(rev {decision.revision})')}"


def count(number: int, noun: str) -> str:
    """Return ``1 file`` or ``2 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

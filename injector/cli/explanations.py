"""
A decision, told in full: the conditions in the order in which they are asked, then every template. Text only.

The order is that of ``core/selection.py``: what stands before the reason of the verdict held, what stands after it was
never asked. So nothing is decided here a second time.
"""

from __future__ import annotations

from collections.abc import Iterator

from injector.cli import colours
from injector.core import misplacements, parameters, workloads
from injector.core.errors import BadParameter
from injector.core.model import BrokenTemplate, Decision, Namespace, Policy, Template
from injector.core.previews import Preview
from injector.core.reasons import SENTENCES, Reason
from injector.core.selection import Catalog

CONDITIONS = (
    (Reason.EXCLUDED_NAMESPACE, "the namespace is not excluded"),
    (Reason.MIRROR_POD, "the pod is no mirror of a node's static pod"),
    (Reason.OPTED_OUT, "the pod does not opt out"),
    (Reason.NOT_REQUESTED, "the namespace or the pod opts in"),
    (Reason.OS_MISMATCH, "the pod runs on Linux"),
    (Reason.BAD_REQUEST, "the templates it asks for can be read"),
    (Reason.NO_TEMPLATES, "there is a template for it"),
)
"""What is asked of the pod as a whole, in order: the reason if it does not hold, and the sentence if it does."""

_BAD_SIGN, _GOOD_SIGN, _NEUTRAL_SIGN = "✗", "✓", "·"
_GOOD = (Reason.INJECTED, Reason.ALREADY_INJECTED)


def is_bare(preview: Preview) -> bool:
    """Whether the pod gets nothing."""
    return preview.verdict.reason not in _GOOD


def explain(preview: Preview, catalog: Catalog, policy: Policy) -> Iterator[str]:
    """Yield the lines on one workload."""
    yield colours.strong(f"{workloads.title_of(preview.holder)} in namespace {preview.namespace.name}")
    blocking = _blocking(preview)
    for reason, sentence in CONDITIONS:
        if reason is blocking:
            message = next((decision.message for decision in preview.verdict.decisions if decision.message), "")
            yield f"  {colours.bad(_BAD_SIGN)} {message or SENTENCES[reason]} {colours.faint(f'({reason})')}"
            break
        yield f"  {colours.good(_GOOD_SIGN)} {sentence}"
    if blocking:
        yield from (f"      {line}" for line in _fix(blocking, preview, catalog, policy))
    for hint in misplacements.find(preview.holder, preview.kind, preview.namespace, policy.domain):
        yield f"  {colours.warning('!')} {hint}"
    if not blocking:
        if preview.verdict.denial:
            yield f"  {colours.bad(_BAD_SIGN)} the pod is denied: see below"
        yield from _templates(preview, catalog, policy)


def _blocking(preview: Preview) -> Reason | None:
    reason = preview.verdict.reason
    whole = not any(decision.template for decision in preview.verdict.decisions)
    return reason if whole and reason in dict(CONDITIONS) else None


def _fix(reason: Reason, preview: Preview, catalog: Catalog, policy: Policy) -> Iterator[str]:
    """Yield what to type or to write so that the condition holds."""
    domain, namespace = policy.domain, preview.namespace.name
    place = ".".join((*preview.kind.path, "metadata"))
    match reason:
        case Reason.NOT_REQUESTED:
            yield "for all pods of the namespace:"
            yield _typed(f"kubectl label namespace {namespace} {domain.injection}=enabled")
            yield f"for the pods of this {preview.holder['kind']} only, in {place}.labels:"
            yield _typed(f'{domain.inject}: "true"')
        case Reason.OPTED_OUT:
            yield f"remove from {place}.labels:"
            yield _typed(f'{domain.inject}: "false"')
        case Reason.EXCLUDED_NAMESPACE:
            yield f"never injected: {', '.join(sorted({*policy.excluded_namespaces, policy.release_namespace}))}"
        case Reason.MIRROR_POD:
            yield "its file on the node decides: write the sidecar there"
        case Reason.NO_TEMPLATES:
            names = [name for name, found in catalog.templates.items() if isinstance(found, Template)]
            yield f"ask for one by name in {place}.annotations:"
            yield _typed(f"{domain.templates}: {min(names, default='NAME')}")


def _typed(text: str) -> str:
    return f"  {colours.command(text)}"


def _templates(preview: Preview, catalog: Catalog, policy: Policy) -> Iterator[str]:
    yield "  templates"
    decided = {decision.template for decision in preview.verdict.decisions}
    for decision in preview.verdict.decisions:
        yield from _template(decision, catalog.templates.get(decision.template), preview, policy)
    asked = ".".join((*preview.kind.path, "metadata", "annotations"))
    others = sorted(name for name in catalog.templates if name not in decided)
    if others:
        yield f"    {_NEUTRAL_SIGN} not asked for: {', '.join(others)}"
        yield f"        in {asked}: {colours.command(f'{policy.domain.templates}: {others[0]}')}"


def _template(
    decision: Decision, template: Template | BrokenTemplate | None, preview: Preview, policy: Policy
) -> Iterator[str]:
    reason = colours.faint(f"({decision.reason})")
    if decision.reason in _GOOD:
        would = "would be injected" if preview.verdict.denial else SENTENCES[decision.reason]
        sign, text = colours.good(_GOOD_SIGN), f"{would}, revision {decision.revision}"
    elif decision.denies or decision.warns:
        sign, text = colours.bad(_BAD_SIGN), decision.detail or decision.message or SENTENCES[decision.reason]
    else:
        sign, text = colours.faint(_NEUTRAL_SIGN), decision.detail or decision.message or SENTENCES[decision.reason]
    first, *rest = text.splitlines()
    yield f"    {sign} {colours.strong(decision.template)}: {first} {reason}"
    yield from (f"        {line}" for line in rest)
    if isinstance(template, Template):
        lines = (
            _parameters(template, preview, policy)
            if decision.reason in _GOOD
            else _remedy(decision.reason, template, policy)
        )
        yield from (f"        {line}" for line in lines)


def _remedy(reason: Reason, template: Template, policy: Policy) -> Iterator[str]:
    """Yield what the template asks for that the pod does not meet."""
    match reason:
        case Reason.SELECTOR_MISMATCH:
            if template.pod_selector:
                yield f"it takes pods with labels {colours.command(template.pod_selector.text)}"
            if template.namespace_selector:
                yield f"it takes namespaces with labels {colours.command(template.namespace_selector.text)}"
        case Reason.WHEN_FALSE if template.when:
            yield f"its condition: {colours.command(' '.join(template.when.program.source.split()))}"
        case Reason.HOST_NETWORK:
            yield "its ConfigMap would need the annotation"
            yield _typed(f'{policy.domain.name}/host-network: "true"')


def _parameters(template: Template, preview: Preview, policy: Policy) -> Iterator[str]:
    """Yield every parameter with its value and where that comes from."""
    annotations = (preview.pod["metadata"].get("annotations")) or {}
    try:
        values = parameters.resolve(template, parameters.read(annotations, preview.namespace, policy), policy)
    except BadParameter:
        return
    shown = {name: _shown(value) for name, value in values.items()}
    names, texts = max(map(len, shown), default=0), max(map(len, shown.values()), default=0)
    for name, text in shown.items():
        origin = _origin(template, name, annotations, preview.namespace, policy)
        yield f"{name:<{names}} = {colours.command(f'{text:<{texts}}')}  {colours.faint(origin)}"


def _origin(template: Template, name: str, annotations: dict[str, str], namespace: Namespace, policy: Policy) -> str:
    key = f"{template.name}{policy.domain.parameter_suffix}{name}"
    if key in annotations:
        return f"pod annotation {key}"
    if key in namespace.annotations:
        return f"namespace annotation {key}"
    if name in policy.parameters.get(template.name, {}):
        return "--set"
    return "schema default"


def _shown(value: object) -> str:
    import orjson

    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else text[:59] + "…"

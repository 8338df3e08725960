"""A template as people read it: one line in a list, or all about it with a pod that asks for it. Text only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import orjson

from injector.cli import colours
from injector.core.model import BrokenTemplate, Object, Policy, Template
from injector.core.schemas import Parameter
from injector.core.selection import Catalog
from injector.shell import texts

_EXAMPLES = 3
"""Parameters that an example sets."""


def table(catalog: Catalog) -> Iterator[str]:
    """Yield the lines of a list of all templates."""
    rows = [_row(catalog.templates[name]) for name in sorted(catalog.templates)]
    yield from _aligned(("NAME", "DEFAULT", "ON-ERROR", "REVISION", "DESCRIPTION"), rows)


def describe(template: Template, policy: Policy) -> Iterator[str]:
    """Yield all about one template."""
    yield f"{colours.strong(template.reference)}  {template.description}"
    yield ""
    yield from _properties(template)
    yield ""
    if template.parameters:
        rows = [_parameter(parameter) for parameter in template.parameters.values()]
        yield from _aligned(("PARAMETER", "TYPE", "DEFAULT", "DESCRIPTION"), rows)
    else:
        yield "It has no parameters."
    yield ""
    yield colours.strong("A pod that asks for it:")
    yield ""
    yield from (f"  {colours.command(line)}" for line in example(template, policy))


def example(template: Template, policy: Policy) -> Iterator[str]:
    """Yield a pod in YAML that gets the template."""
    prefix = template.name + policy.domain.parameter_suffix
    chosen = sorted(template.parameters.values(), key=lambda parameter: parameter.has_default)[:_EXAMPLES]
    annotations = {} if template.is_default else {policy.domain.templates: template.reference}
    annotations |= {f"{prefix}{parameter.name}": _as_annotation(parameter) for parameter in chosen}
    labels = {policy.domain.inject: "true", **_selected(template)}
    metadata: Object = {"name": "example", "labels": labels}
    if annotations:
        metadata["annotations"] = annotations
    spec = {"containers": [{"name": "app", "image": "example.com/app:1.0"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    yield from texts.dump([pod]).splitlines()


def _row(template: Template | BrokenTemplate) -> tuple[str, ...]:
    is_default = "yes" if template.is_default else "no"
    on_error = template.on_error or "by fault"
    if isinstance(template, BrokenTemplate):
        return template.reference, is_default, on_error, "broken", template.problem
    return template.reference, is_default, on_error, template.revision, template.description


def _properties(template: Template) -> Iterator[str]:
    rows = {
        "revision": f"{template.revision}{template.version and f', version {template.version}'}",
        "who gets it": "every pod that opts in" if template.is_default else "pods that ask for it by name",
        "pods": template.pod_selector.text if template.pod_selector else "",
        "namespaces": template.namespace_selector.text if template.namespace_selector else "",
        "if it fails": template.on_error or "the author's fault denies if asked for by name, else it is skipped",
        "brings": ", ".join(template.programs),
    }
    for name, text in rows.items():
        if text:
            yield f"  {name + ':':<13} {text}"


def _parameter(parameter: Parameter) -> tuple[str, ...]:
    schema = parameter.schema
    kind = " | ".join(map(str, schema["enum"])) if "enum" in schema else str(schema.get("type", "any"))
    default = orjson.dumps(parameter.default).decode() if parameter.has_default else "(required)"
    return parameter.name, kind, default, str(schema.get("description", ""))


def _as_annotation(parameter: Parameter) -> str:
    value = parameter.default
    if not parameter.has_default:
        return "…"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _selected(template: Template) -> dict[str, str]:
    """Return labels that the template's pod selector wants, as far as one value is named."""
    requirements = template.pod_selector.requirements if template.pod_selector else ()
    return {
        requirement.key: min(requirement.values)
        for requirement in requirements
        if requirement.wanted and requirement.values
    }


def _aligned(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for number, line in enumerate(lines):
        cells = "   ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip()
        yield cells if number else colours.faint(cells)

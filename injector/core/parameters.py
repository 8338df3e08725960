"""
Parameters of one template for one pod.

Lowest to highest: the schema's default, the chart's values, the namespace's annotations, the pod's annotations.
An annotation is ``<template>.<domain>/<parameter>``; its text is read by the declared type.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

from injector.core import schemas
from injector.core.errors import BadParameter
from injector.core.model import JSON, Namespace, Policy, Template

Texts: TypeAlias = dict[str, dict[str, str]]
"""What annotations say, by template and parameter."""


class Given(NamedTuple):
    """What the annotations of a pod and of its namespace say of parameters, whatever the template."""

    namespace: Texts
    pod: Texts


def read(annotations: Mapping[str, str], namespace: Namespace, policy: Policy) -> Given:
    """Read the *annotations* of a pod and those of its namespace, once for all templates."""
    suffix = policy.domain.parameter_suffix
    return Given(_texts(namespace.annotations, suffix), _texts(annotations, suffix))


def resolve(template: Template, given: Given, policy: Policy) -> dict[str, JSON]:
    """Return every declared parameter's value; raises BadParameter with all that is wrong at once."""
    values = {name: declared.default for name, declared in template.parameters.items() if declared.has_default}
    problems: list[str] = []
    if chart := policy.parameters.get(template.name):
        problems += _take_values(template, chart, values)
    prefix = template.name + policy.domain.parameter_suffix
    for holder, texts in (("namespace", given.namespace), ("pod", given.pod)):
        if template.name in texts:
            problems += _take_annotations(template, holder, prefix, texts[template.name], values)
    if len(values) < len(template.parameters):
        problems += _missing(template, prefix, values)
    if problems:
        raise BadParameter("; ".join(problems))
    return values


def _texts(annotations: Mapping[str, str], suffix: str) -> Texts:
    found: Texts = {}
    for key, text in annotations.items():
        if suffix in key:
            name, _, parameter = key.partition(suffix)
            found.setdefault(name, {})[parameter] = text
    return found


def _take_values(template: Template, given: Mapping[str, JSON], values: dict[str, JSON]) -> Iterator[str]:
    for name, value in given.items():
        if name not in template.parameters:
            yield f"the chart's value {name!r} is no parameter{_near(name, template)}"
        elif problem := schemas.problem_of(template.parameters[name], value):
            yield f"the chart's value of {name!r}: {problem}"
        else:
            values[name] = value


def _take_annotations(
    template: Template, holder: str, prefix: str, texts: Mapping[str, str], values: dict[str, JSON]
) -> Iterator[str]:
    for name, text in texts.items():
        if name not in template.parameters:
            yield f"annotation {prefix + name!r} of the {holder} names no parameter{_near(name, template)}"
            continue
        try:
            values[name] = schemas.read(template.parameters[name], str(text))
        except BadParameter as error:
            yield f"annotation {prefix + name!r} of the {holder}: {error}"


def _missing(template: Template, prefix: str, values: Mapping[str, JSON]) -> Iterator[str]:
    for name in template.parameters:
        if name not in values:
            yield f"parameter {name!r} has no default: set annotation {prefix + name!r}"


def _near(name: str, template: Template) -> str:
    near = difflib.get_close_matches(name, template.parameters, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    known = ", ".join(sorted(template.parameters))
    return f"; it has: {known}" if known else "; it has none"

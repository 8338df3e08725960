"""
Parameters of one template for one pod.

Lowest to highest: the schema's default, the chart's values, the namespace's annotations, the pod's annotations.
An annotation is ``<template>.<domain>/<parameter>``; its text is read by the declared type.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from injector.core import schemas
from injector.core.errors import BadParameter
from injector.core.model import JSON, Namespace, Policy, Template


def resolve(
    template: Template, annotations: Mapping[str, str], namespace: Namespace, policy: Policy
) -> dict[str, JSON]:
    """Return every declared parameter's value; raises BadParameter with all that is wrong at once."""
    prefix = template.name + policy.domain.parameter_suffix
    values = {name: declared.default for name, declared in template.parameters.items() if declared.has_default}
    problems: list[str] = []
    chart = policy.parameters.get(template.name, {})
    if chart:
        problems += _take_values(template, chart, values)
    for holder, source in (("namespace", namespace.annotations), ("pod", annotations)):
        problems += _take_annotations(template, holder, prefix, source, values)
    problems += _missing(template, prefix, values)
    if problems:
        raise BadParameter("; ".join(problems))
    return values


def owners(annotations: Mapping[str, str], policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield template name and annotation key of every annotation that has the form of a parameter."""
    suffix = policy.domain.parameter_suffix
    for key in annotations:
        name, found, _ = key.partition(suffix)
        if found:
            yield name, key


def _take_values(template: Template, given: Mapping[str, JSON], values: dict[str, JSON]) -> Iterator[str]:
    for name, value in given.items():
        if name not in template.parameters:
            yield f"the chart's value {name!r} is no parameter{_near(name, template)}"
        elif problem := schemas.problem_of(template.parameters[name], value):
            yield f"the chart's value of {name!r}: {problem}"
        else:
            values[name] = value


def _take_annotations(
    template: Template, holder: str, prefix: str, annotations: Mapping[str, str], values: dict[str, JSON]
) -> Iterator[str]:
    for key, text in annotations.items():
        if not key.startswith(prefix):
            continue
        name = key[len(prefix) :]
        if name not in template.parameters:
            yield f"annotation {key!r} of the {holder} names no parameter{_near(name, template)}"
            continue
        try:
            values[name] = schemas.read(template.parameters[name], str(text))
        except BadParameter as error:
            yield f"annotation {key!r} of the {holder}: {error}"


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

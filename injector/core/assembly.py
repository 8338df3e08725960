"""
From a template and what it is shown to its fragment: condition, rendering, binding, checks.

The same template that reads the same parts makes the same fragment, so fragments are remembered twice: by what the
template *reads* (then nothing is rendered), and by what it *rendered* (then nothing is bound and checked again).
Never by the pod or the request.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeAlias

import orjson

from injector.core import binding, fragments, inputs, policy, rendering
from injector.core.model import Fragment, Policy, Template
from injector.core.rendering import Rendered, Scope

REMEMBERED = 256
"""Fragments that a memory holds before it forgets them all."""

REMEMBERED_BYTES = 16_384
"""What a fragment may be made from to be remembered; more is made anew each time, to bound the memory."""


class Memory:
    """Fragments by what they were made from; when it is full it starts anew, which needs no lock."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, tuple[Template, Policy, Fragment | None]] = {}

    def find(self, key: Hashable, template: Template, rules: Policy) -> tuple[Fragment | None] | None:
        """Return the fragment (None: the condition was false) in a tuple; None if it is not known."""
        entry = self._entries.get((id(template), id(rules), key))
        # An id may be another object's by now: the entry says whose it was.
        return (entry[2],) if entry is not None and entry[0] is template and entry[1] is rules else None

    def keep(self, key: Hashable, template: Template, rules: Policy, fragment: Fragment | None) -> None:
        """Remember *fragment*."""
        if len(self._entries) >= REMEMBERED:
            self._entries = {}
        self._entries[id(template), id(rules), key] = (template, rules, fragment)


Content: TypeAlias = tuple[str | bytes, ...]

_BY_INPUTS = Memory()
_BY_CONTENT = Memory()


def assemble(
    template: Template, shown: Mapping[str, Any], rules: Policy, expired: Callable[[], bool]
) -> Fragment | None:
    """Return the template's fragment; None if its condition is false. Raises TemplateError, AuthorError, Expired."""
    read = inputs.read(template.inputs, shown)
    if read is None or len(read) > REMEMBERED_BYTES:
        return _render(template, rendering.build_scope(expired=expired, **shown), rules)
    if known := _BY_INPUTS.find(read, template, rules):
        return known[0]
    fragment = _render(template, rendering.build_scope(expired=expired, **shown), rules)
    _BY_INPUTS.keep(read, template, rules, fragment)
    return fragment


def _render(template: Template, scope: Scope, rules: Policy) -> Fragment | None:
    if template.when is not None and not rendering.evaluate(template.when, scope):
        return None
    rendered = tuple(rendering.render(program, scope) for program in template.programs.values())
    content = _content(rendered)
    if content is None:
        return _bind(template, rendered, rules)
    if known := _BY_CONTENT.find(content, template, rules):
        return known[0]
    fragment = _bind(template, rendered, rules)
    _BY_CONTENT.keep(content, template, rules, fragment)
    return fragment


def _content(rendered: tuple[Rendered, ...]) -> Content | None:
    """Return texts and values, to be compared strictly by type; None if that is too much to remember."""
    try:
        values = orjson.dumps([part.values for part in rendered])
    except TypeError:
        return None
    texts = tuple(part.text for part in rendered)
    return (*texts, values) if len(values) + sum(map(len, texts)) <= REMEMBERED_BYTES else None


def _bind(template: Template, rendered: tuple[Rendered, ...], rules: Policy) -> Fragment:
    parts = {key: binding.bind(part, key=key) for key, part in zip(template.programs, rendered, strict=True)}
    fragment = fragments.assemble(template, parts, rules.domain)
    policy.check(fragment, rules)
    return fragment

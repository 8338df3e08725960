"""
From rendered text and its values to JSON: the values are put into the parsed YAML, never pasted into its text.

Places in errors are translated back to the lines of the template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from injector.core import documents, rendering
from injector.core.bound import OPEN, SPLICE
from injector.core.errors import Place, TemplateError
from injector.core.slots import Slot, slot_of

if TYPE_CHECKING:
    from injector.core.model import JSON
    from injector.core.rendering import Rendered
    from injector.core.trees import Node

Splices: TypeAlias = "tuple[tuple[int, str], ...]"
"""Lines, counted from 0, that are one mapping or list, and their text for YAML."""

_ATTEMPTS = 16
_ALONE = re.compile(f"( *)({OPEN}[vy]([0-9]+)\ue001)")


def bind(rendered: Rendered, *, key: str) -> JSON:
    """Return the value of what was rendered; raises TemplateError with the place in the template."""
    try:
        return _tree(rendered, slot_of(key)).fill(rendered.values)
    except TemplateError as error:
        error.place = _place(rendered, error.place, key)
        raise


def _tree(rendered: Rendered, slot: Slot) -> Node:
    """Parse the text; a mapping or list alone on its line becomes part of the mapping or list around it."""
    text = rendered.text
    splices = tuple(_splices(rendered)) if rendered.has_trees else ()
    if not splices:
        return documents.parse(text, slot)
    return (_cached if len(text) <= documents.CACHED_CHARACTERS else _spliced)(text, splices, slot)


def _splices(rendered: Rendered) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(rendered.text.split("\n")):
        if match := _ALONE.fullmatch(line):
            match rendered.values[int(match[3])]:
                case dict():
                    yield number, f"{match[1]}{match[2]}: {SPLICE}"
                case list():
                    yield number, f"{match[1]}- {match[2]}{SPLICE}"


def _spliced(text: str, splices: Splices, slot: Slot) -> Node:
    """Parse *text* with those of *splices* that fit: a list alone on its line within brackets, say, is one item."""
    left, first = dict(splices), None
    for _ in range(_ATTEMPTS):
        try:
            return documents.parse_once(_replaced(text, left), slot)
        except TemplateError as error:
            first = first or error
            misfits = [number for number in left if number < error.place.line]
            if not misfits:
                break
            del left[misfits[-1]]
    try:
        return documents.parse_once(text, slot)
    except TemplateError as error:
        raise first or error from error


_cached = lru_cache(maxsize=256)(_spliced)


def _replaced(text: str, lines: Mapping[int, str]) -> str:
    return "\n".join(lines.get(number, line) for number, line in enumerate(text.split("\n")))


def _place(rendered: Rendered, place: Place, key: str) -> Place:
    line = rendering.source_line(rendered, place.line)
    lines = rendered.program.source.split("\n")
    if not 1 <= line <= len(lines):
        return Place(key=key)
    source = lines[line - 1]
    return Place(key=key, line=line, column=_column(rendered, place, source), source=source)


def _column(rendered: Rendered, place: Place, source: str) -> int:
    """Return the column in the source: the same as in the rendered line, or where a tag has made them different."""
    if not place.column:
        return len(source) - len(source.lstrip()) + 1
    before = rendered.text.split("\n")[place.line - 1][: place.column - 1]
    pairs = enumerate(zip(before, source, strict=False))
    return next((number for number, (one, other) in pairs if one != other), len(before)) + 1

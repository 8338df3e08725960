"""
From rendered text and its values to JSON: the values are put into the parsed YAML, never pasted into its text.

Places in errors are translated back to the lines of the template.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from injector.core import documents, rendering
from injector.core.bound import OPEN, SPLICE
from injector.core.errors import Place, TemplateError

if TYPE_CHECKING:
    from injector.core.documents import Node
    from injector.core.model import JSON
    from injector.core.rendering import Rendered

_ALONE = re.compile(f"(?m)^( *)({OPEN}[vy]([0-9]+)\ue001)$")


def bind(rendered: Rendered, *, key: str) -> JSON:
    """Return the value of what was rendered; raises TemplateError with the place in the template."""
    try:
        return _tree(rendered, documents.slot_of(key)).fill(rendered.values)
    except TemplateError as error:
        error.place = _place(rendered, error.place, key)
        raise


def _tree(rendered: Rendered, slot: documents.Slot) -> Node:
    """Parse the text; where a mapping or list stands alone on its line, so that it is spliced in."""
    if not any(isinstance(value, dict | list) for value in rendered.values):
        return documents.parse(rendered.text, slot)
    spliced = _ALONE.sub(lambda match: _spliced(match, rendered.values), rendered.text)
    try:
        return documents.parse(spliced, slot)
    except TemplateError:
        if spliced == rendered.text:
            raise
        return documents.parse(rendered.text, slot)


def _spliced(match: re.Match[str], values: tuple[JSON, ...]) -> str:
    match values[int(match[3])]:
        case dict():
            return f"{match[1]}{match[2]}: {SPLICE}"
        case list():
            return f"{match[1]}- {match[2]}{SPLICE}"
        case _:
            return match[0]


def _place(rendered: Rendered, place: Place, key: str) -> Place:
    line = rendering.source_line(rendered, place.line)
    lines = rendered.program.source.split("\n")
    if not 1 <= line <= len(lines):
        return Place(key=key)
    source = lines[line - 1]
    is_literal = place.column and rendered.text.split("\n")[place.line - 1] == source
    column = place.column if is_literal else len(source) - len(source.lstrip()) + 1
    return Place(key=key, line=line, column=column, source=source)

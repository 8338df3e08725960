"""
Parsed YAML with places left open for values: the same tree is filled again and again, each time with other values.

Parts without tokens are built once and shared by all results, which nobody changes. How text becomes such a tree is
no business of this module.
"""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from injector.core.bound import Kind, indented, inline
from injector.core.errors import LimitExceeded, Place, RenderError, TemplateError
from injector.core.scalars import as_text, as_yaml
from injector.core.slots import Slot, settle

if TYPE_CHECKING:
    from injector.core.model import JSON

Values: TypeAlias = "Items[JSON]"


@dataclass(frozen=True, slots=True)
class Static:
    """A part without tokens."""

    value: JSON

    def fill(self, _values: Values) -> JSON:
        """Return the shared value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Whole:
    """A plain scalar that is exactly one token: the value itself."""

    index: int
    slot: Slot

    def fill(self, values: Values) -> JSON:
        """Return the bound value."""
        return settle(values[self.index], self.slot)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, and the token after it if *kind* is not empty."""

    before: str
    kind: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True)
class Pieces:
    """Text with tokens in it: always a string."""

    pieces: tuple[Piece, ...]
    is_literal: bool
    line: int
    column: int
    """Where it stands, counted from 0."""

    def fill(self, values: Values) -> str:
        """Return the text with the values' texts in it."""
        found: list[str] = []
        for number, piece in enumerate(self.pieces):
            found.append(piece.before)
            if piece.kind:
                text = self._text(piece, values)
                found.append(self._laid_out(text, number) if "\n" in text and self.is_literal else text)
        return "".join(found)

    def _text(self, piece: Piece, values: Values) -> str:
        value = values[piece.index]
        if piece.kind == Kind.YAML:
            return as_yaml(value)
        try:
            return inline(value)
        except RenderError as error:
            raise fault(error.problem, self.line, self.column) from None

    def _laid_out(self, text: str, number: int) -> str:
        """Indent a text of several lines to the column of its token, if it stands alone on its line."""
        *lines_before, column = self.pieces[number].before.split("\n")
        after = self.pieces[number + 1].before if number + 1 < len(self.pieces) else ""
        if column.strip(" ") or (number > 0 and not lines_before) or after[:1] not in ("", "\n"):
            return text
        try:
            return indented(text.rstrip("\n"), column)
        except LimitExceeded as error:
            raise LimitExceeded(error.problem, Place(line=self.line + 1)) from None


@dataclass(frozen=True, slots=True)
class Entry:
    """A key, as text if it holds no token, and what stands there; without a key a mapping to be spliced in."""

    key: str | Whole | Pieces | None
    node: Node
    line: int
    column: int

    def name(self, values: Values) -> str:
        """Return the key's text."""
        match self.key.fill(values) if isinstance(self.key, Whole | Pieces) else self.key:
            case dict():
                what = "a mapping"
            case list():
                what = "a list"
            case None:
                what = "null"
            case text:
                return as_text(text)
        raise fault(f"a key must be a text, got {what}", self.line, self.column)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping with tokens somewhere in it."""

    entries: tuple[Entry, ...]
    slot: Slot

    def fill(self, values: Values) -> dict[str, JSON]:
        """Return the mapping; a key twice is an error."""
        found: dict[str, JSON] = {}
        for entry in self.entries:
            value = entry.node.fill(values)
            if entry.key is None:
                for name, item in settle(value, self.slot).items():
                    _add(found, name, item, entry)
            else:
                _add(found, entry.key if type(entry.key) is str else entry.name(values), value, entry)
        return found


def _add(found: dict[str, JSON], name: str, value: JSON, entry: Entry) -> None:
    if name in found:
        raise fault(f"the key {name!r} stands here twice", entry.line, entry.column)
    found[name] = value


@dataclass(frozen=True, slots=True)
class Spliced:
    """A list whose items belong into the list around it."""

    index: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list with tokens somewhere in it."""

    items: tuple[Node | Spliced, ...]
    slot: Slot

    def fill(self, values: Values) -> list[JSON]:
        """Return the list."""
        found: list[JSON] = []
        for item in self.items:
            if isinstance(item, Spliced):
                found += settle(values[item.index], self.slot)
            else:
                found.append(item.fill(values))
        return found


Node: TypeAlias = "Static | Whole | Pieces | Mapping | Sequence"


def fault(problem: str, line: int, column: int = -1) -> TemplateError:
    """Return an error at a line and column of the text, which count from 0 here and from 1 in the error."""
    return RenderError(problem, Place(line=line + 1, column=column + 1))

"""
YAML with tokens: from text to a tree that values can be put into, again and again.

The tree depends on the text alone, so it is cached by it; parts without tokens are built once and shared by all
results, which nobody changes. Anchors, tags, merge keys, duplicate keys and a second document are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from injector.core.bound import OPEN, SPLICE, TOKEN, Kind
from injector.core.errors import LimitExceeded, Place, RenderError, TemplateError
from injector.core.scalars import as_text, as_yaml, resolve

if TYPE_CHECKING:
    from injector.core.model import JSON

DEPTH_LIMIT = 32
EVENT_LIMIT = 20_000

_FORGED = re.compile(r"\\(?:u[eE]00[0-4]|U0000[eE]00[0-4])")
_SPLICED = re.compile(f"(?:- )?({OPEN}[vyj][0-9]+\ue001)(?:: )?{SPLICE}")


class Slot(Enum):
    """What a place in the tree means for scalars."""

    ANY = "any"
    TEXT = "text"
    """A scalar here is a string, written as it is in the source."""
    TEXTS = "texts"
    """A mapping or list whose scalars are such strings."""
    VARIABLES = "variables"
    """A list of environment variables."""
    VARIABLE = "variable"


_SLOTS = {
    **dict.fromkeys(("labels", "annotations", "nodeSelector", "matchLabels", "args", "command"), Slot.TEXTS),
    "env": Slot.VARIABLES,
}


def slot_of(key: str) -> Slot:
    """Return what the place under a key means, wherever it stands."""
    return _SLOTS.get(key, Slot.ANY)


def _below(slot: Slot, key: str) -> Slot:
    """Return what the place under *key* of a mapping means that stands at *slot*."""
    if slot is Slot.TEXTS or (slot is Slot.VARIABLE and key == "value"):
        return Slot.TEXT
    return slot_of(key)


def _item(slot: Slot) -> Slot:
    """Return what an item of a list means that stands at *slot*."""
    match slot:
        case Slot.TEXTS:
            return Slot.TEXT
        case Slot.VARIABLES:
            return Slot.VARIABLE
        case _:
            return Slot.ANY


def settle(value: JSON, slot: Slot) -> JSON:
    """Return a bound value with its scalars as strings where strings belong."""
    match value:
        case dict():
            return {key: settle(item, _below(slot, key)) for key, item in value.items()}
        case list():
            return [settle(item, _item(slot)) for item in value]
        case None | str():
            return value
        case _:
            return as_text(value) if slot is Slot.TEXT else value


@dataclass(frozen=True, slots=True)
class Static:
    """A part without tokens."""

    value: JSON

    def fill(self, _values: tuple[JSON, ...]) -> JSON:
        """Return the shared value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Whole:
    """A plain scalar that is exactly one token: the value itself."""

    index: int
    slot: Slot

    def fill(self, values: tuple[JSON, ...]) -> JSON:
        """Return the bound value."""
        return settle(values[self.index], self.slot)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Text with tokens in it: always a string."""

    pieces: tuple[tuple[str, str, int], ...]
    """Text before a token, the token's kind (empty: none) and index."""
    is_literal: bool
    line: int

    def fill(self, values: tuple[JSON, ...]) -> str:
        """Return the text with the values' texts in it."""
        found: list[str] = []
        for number, (before, kind, index) in enumerate(self.pieces):
            found.append(before)
            if kind:
                text = _text_in_text(values[index], kind, self.line)
                found.append(self._laid_out(text, number) if "\n" in text and self.is_literal else text)
        return "".join(found)

    def _laid_out(self, text: str, number: int) -> str:
        """Indent a text of several lines to the column of its token, if it stands alone on its line."""
        column = self.pieces[number][0].rpartition("\n")[2]
        starts_line = "\n" in self.pieces[number][0] or number == 0
        after = self.pieces[number + 1][0] if number + 1 < len(self.pieces) else ""
        if column.strip() or not starts_line or after[:1] not in ("", "\n"):
            return text
        return text.rstrip("\n").replace("\n", "\n" + column)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping with tokens somewhere in it; an entry without key is a mapping to be spliced in."""

    entries: tuple[tuple[Static | Whole | Pieces | None, Node, int], ...]
    slot: Slot

    def fill(self, values: tuple[JSON, ...]) -> dict[str, JSON]:
        """Return the mapping; a key twice is an error."""
        found: dict[str, JSON] = {}
        for key, node, line in self.entries:
            if key is None:
                part = settle(node.fill(values), self.slot)
                for name in part:
                    _check_new(name, found, line)
                found.update(part)
                continue
            name = key.fill(values)
            if not isinstance(name, str):
                name = _key_text(name, line)
            _check_new(name, found, line)
            found[name] = node.fill(values)
        return found


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list with tokens somewhere in it; an item marked as spliced is a list to be spliced in."""

    items: tuple[tuple[Node, bool], ...]
    slot: Slot

    def fill(self, values: tuple[JSON, ...]) -> list[JSON]:
        """Return the list."""
        found: list[JSON] = []
        for node, is_spliced in self.items:
            if is_spliced:
                found.extend(settle(node.fill(values), self.slot))
            else:
                found.append(node.fill(values))
        return found


Node: TypeAlias = Static | Whole | Pieces | Mapping | Sequence


def parse_plain(text: str, *, key: str) -> JSON:
    """Return the value of a text without tokens; raises TemplateError with the place in *text*."""
    if OPEN in text:
        raise TemplateError("a character is reserved for bound values", Place(key=key))
    try:
        return parse(text, Slot.ANY).fill(())
    except TemplateError as error:
        line = error.place.line
        lines = text.split("\n")
        source = lines[line - 1] if 1 <= line <= len(lines) else ""
        error.place = Place(key=key, line=line, column=error.place.column, source=source)
        raise


@lru_cache(maxsize=4096)
def parse(text: str, slot: Slot) -> Node:
    """Return the tree of a text; raises TemplateError whose place is in the text, counted from 1."""
    if "\\" in text and (forged := _FORGED.search(text)):
        raise _error(f"{forged[0]!r} is reserved for bound values", text.count("\n", 0, forged.start()))
    try:
        events = _events(text)
        first = next(events)
        node = Static(None) if isinstance(first, yaml.DocumentEndEvent) else _node(first, events, slot, in_flow=False)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise _error("a second document: a key holds one", event.start_mark.line)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _error(
            f"no valid YAML: {error.problem or error}", mark.line if mark else -1, mark.column if mark else -1
        ) from error
    except yaml.YAMLError as error:
        raise RenderError(f"no valid YAML: {' '.join(str(error).split())}") from error
    return node


def _events(text: str) -> Iterator[yaml.Event]:
    """Yield the events of the first document and what follows; libyaml reads them without recursion."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        if count > EVENT_LIMIT:
            raise LimitExceeded(f"the YAML has more than {EVENT_LIMIT} parts")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_LIMIT:
            line = event.start_mark.line + 1
            raise LimitExceeded(f"the YAML is nested more than {DEPTH_LIMIT} deep", Place(line=line))
        if isinstance(event, yaml.StreamStartEvent) or (count == 1 and isinstance(event, yaml.DocumentStartEvent)):
            continue
        if isinstance(event, yaml.StreamEndEvent):
            if count == 1:
                yield yaml.DocumentEndEvent()
            return
        yield event


def _node(event: yaml.Event, events: Iterator[yaml.Event], slot: Slot, *, in_flow: bool) -> Node:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise _error(
            "anchors and aliases are not available: write the value twice or use a parameter", event.start_mark.line
        )
    if getattr(event, "tag", None) not in (None, "!"):
        raise _error(f"the tag {event.tag!r} is not available", event.start_mark.line)
    match event:
        case yaml.MappingStartEvent():
            return _mapping(event, events, slot)
        case yaml.SequenceStartEvent():
            return _sequence(event, events, slot)
        case _:
            return _scalar(event, slot, in_flow=in_flow)


def _mapping(start: yaml.MappingStartEvent, events: Iterator[yaml.Event], slot: Slot) -> Node:
    entries: list[tuple[Static | Whole | Pieces | None, Node, int]] = []
    is_flow = bool(start.flow_style)
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        line = event.start_mark.line
        key = _key(event, events)
        name = key.value if isinstance(key, Static) else ""
        after = next(events)
        if isinstance(key, Whole) and isinstance(after, yaml.ScalarEvent) and after.value == SPLICE:
            entries.append((None, Whole(key.index, Slot.ANY), line))
        else:
            entries.append((key, _node(after, events, _below(slot, name), in_flow=is_flow), line))
    if all(isinstance(key, Static) and isinstance(node, Static) for key, node, _ in entries):
        return Static(Mapping(tuple(entries), slot).fill(()))
    return Mapping(tuple(entries), slot)


def _key(event: yaml.Event, events: Iterator[yaml.Event]) -> Static | Whole | Pieces:
    if not isinstance(event, yaml.ScalarEvent):
        raise _error("a key must be a plain text", event.start_mark.line)
    if event.value == "<<" and not event.style:
        raise _error("'<<' is not available: use the filter combine", event.start_mark.line, event.start_mark.column)
    node = _node(event, events, Slot.TEXT, in_flow=False)
    if isinstance(node, Static) and node.value is None:
        return Static(event.value)
    assert isinstance(node, Static | Whole | Pieces)
    return Whole(node.index, Slot.ANY) if isinstance(node, Whole) else node


def _sequence(start: yaml.SequenceStartEvent, events: Iterator[yaml.Event], slot: Slot) -> Node:
    items: list[tuple[Node, bool]] = []
    is_flow = bool(start.flow_style)
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        if isinstance(event, yaml.ScalarEvent) and not event.style and event.value.endswith(SPLICE):
            match = TOKEN.match(event.value)
            assert match
            items.append((Whole(int(match[2]), Slot.ANY), True))
        else:
            items.append((_node(event, events, _item(slot), in_flow=is_flow), False))
    if all(isinstance(node, Static) for node, _ in items):
        return Static([node.fill(()) for node, _ in items])
    return Sequence(tuple(items), slot)


def _scalar(event: Any, slot: Slot, *, in_flow: bool) -> Static | Whole | Pieces:
    text: str = event.value
    is_plain = not event.style
    if OPEN not in text:
        return Static(_literal(text, slot) if is_plain else text)
    if SPLICE in text:
        text = _SPLICED.sub(r"\1", text)
    whole = TOKEN.fullmatch(text)
    if whole and is_plain:
        if whole[1] == Kind.JOINED and in_flow:
            raise _error("join makes one text, not items: insert the list itself", event.start_mark.line)
        return Whole(int(whole[2]), slot)
    return Pieces(tuple(_pieces(text)), event.style == "|", event.start_mark.line)


def _literal(text: str, slot: Slot) -> JSON:
    value = resolve(text)
    return value if slot is not Slot.TEXT or value is None else text


def _pieces(text: str) -> Iterator[tuple[str, str, int]]:
    position = 0
    for match in TOKEN.finditer(text):
        yield text[position : match.start()], match[1], int(match[2])
        position = match.end()
    yield text[position:], "", 0


def _text_in_text(value: JSON, kind: str, line: int) -> str:
    if kind == Kind.YAML:
        return as_yaml(value).rstrip("\n")
    if value is None:
        raise _error("null stands inside a text: give it a value with | default('…', true)", line)
    if isinstance(value, dict | list):
        what = "mapping" if isinstance(value, dict) else "list"
        raise _error(f"a {what} stands inside a text: write it alone, or use | to_json", line)
    return as_text(value)


def _key_text(name: JSON, line: int) -> str:
    if isinstance(name, dict | list):
        raise _error("a mapping or list cannot be a key", line)
    return as_text(name)


def _check_new(name: str, found: dict[str, JSON], line: int) -> None:
    if name in found:
        raise _error(f"the key {name!r} stands here twice", line)


def _error(problem: str, line: int, column: int = -1) -> RenderError:
    """Return an error at a line and column of the text, which count from 0 here."""
    return RenderError(problem, Place(line=line + 1, column=column + 1))

"""
From YAML text with tokens to a tree that values can be put into.

The tree depends on the text alone, so it is cached by it. Anchors, tags, merge keys, duplicate keys and a second
document are refused. libyaml reads without recursion, and nothing deeper than the limit is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from injector.core import limits
from injector.core.bound import OPEN, SPLICE, TOKEN, Kind
from injector.core.errors import LimitExceeded, Place, RenderError, TemplateError
from injector.core.scalars import resolve
from injector.core.slots import Slot, below, item_of
from injector.core.trees import Entry, Mapping, Piece, Pieces, Sequence, Spliced, Static, Whole, fault

if TYPE_CHECKING:
    from injector.core.model import JSON
    from injector.core.trees import Node

CACHED_CHARACTERS = 16_384
"""Longer texts are parsed anew each time, to bound the memory of the cache."""

_FORGED = re.compile(r"\\(?:u[eE]00[0-4]|U0000[eE]00[0-4])")
_SPLICED = re.compile(f"(?:- )?({OPEN}[vyj][0-9]+\ue001)(?:: )?{SPLICE}")

Event: TypeAlias = Any
"""An event of PyYAML, whose types leave out what all events of its C parser have: marks."""


def parse_plain(text: str, *, key: str) -> JSON:
    """Return the value of a text without tokens; raises TemplateError with the place in *text*."""
    if OPEN in text:
        raise TemplateError("a character is reserved for bound values", Place(key=key))
    try:
        return parse_once(text, Slot.ANY).fill(())
    except TemplateError as error:
        line = error.place.line
        lines = text.split("\n")
        source = lines[line - 1] if 1 <= line <= len(lines) else ""
        error.place = Place(key=key, line=line, column=error.place.column, source=source)
        raise


def parse(text: str, slot: Slot) -> Node:
    """Return the tree of a text; raises TemplateError whose place is in the text, counted from 1."""
    return _parse_cached(text, slot) if len(text) <= CACHED_CHARACTERS else parse_once(text, slot)


def parse_once(text: str, slot: Slot) -> Node:
    """Return what ``parse`` returns, for a text that will hardly come again."""
    if "\\" in text and (forged := _FORGED.search(text)):
        raise fault(f"{forged[0]!r} is reserved for bound values", text.count("\n", 0, forged.start()))
    try:
        return _document(_events(text), slot)
    except yaml.MarkedYAMLError as error:
        raise _misread(error) from error
    except yaml.reader.ReaderError as error:
        raise _unreadable(error, text) from error
    except UnicodeEncodeError as error:
        raise RenderError(f"no valid YAML: {error}") from error


_parse_cached = lru_cache(maxsize=1024)(parse_once)


def _document(events: Iterator[Event], slot: Slot) -> Node:
    first = next(events, None)
    node = Static(None) if first is None else _node(first, events, slot)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            raise fault("a second document: a key holds one", *_at(event))
    return node


def _events(text: str) -> Iterator[Event]:
    """Yield the events of the first document, and what follows; raises LimitExceeded."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > limits.VALUE_DEPTH:
            raise _too_much(f"the YAML is nested more than {limits.VALUE_DEPTH} deep", event)
        if count > limits.EVENTS:
            raise _too_much(f"the YAML has more than {limits.EVENTS} parts", event)
        is_frame = isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent)
        if not is_frame and not (count == 1 and isinstance(event, yaml.DocumentStartEvent)):
            yield event


def _misread(error: Any) -> TemplateError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (-1, -1)
    return fault(f"no valid YAML: {error.problem or error}", line, column)


def _unreadable(error: yaml.reader.ReaderError, text: str) -> TemplateError:
    *lines, last = text.encode()[: error.position].decode(errors="replace").split("\n")
    return fault(f"no valid YAML: the character {chr(error.character)!r} is not allowed", len(lines), len(last))


def _at(event: Event) -> tuple[int, int]:
    return event.start_mark.line, event.start_mark.column


def _too_much(problem: str, event: Event) -> LimitExceeded:
    line, column = _at(event)
    return LimitExceeded(problem, Place(line=line + 1, column=column + 1))


def _node(event: Event, events: Iterator[Event], slot: Slot, *, in_list: bool = False) -> Node:
    """Return the tree that starts with *event*; *in_list* if it is an item of a list in brackets."""
    line, column = _at(event)
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise fault("anchors and aliases are not available: write the value twice or use a parameter", line, column)
    if event.tag is not None:
        raise fault(f"the tag {event.tag!r} is not available", line, column)
    match event:
        case yaml.MappingStartEvent():
            return _mapping(events, slot)
        case yaml.SequenceStartEvent():
            return _sequence(events, slot, is_flow=bool(event.flow_style))
        case _:
            return _scalar(event, slot, in_list=in_list)


def _mapping(events: Iterator[Event], slot: Slot) -> Node:
    entries: list[Entry] = []
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        line, column = _at(event)
        key = _key(event, events)
        after = next(events)
        if isinstance(key, Whole) and isinstance(after, yaml.ScalarEvent) and after.value == SPLICE:
            entries.append(Entry(None, Whole(key.index, Slot.ANY), line, column))
        else:
            name = key if isinstance(key, str) else ""
            entries.append(Entry(key, _node(after, events, below(slot, name)), line, column))
    mapping = Mapping(tuple(entries), slot)
    is_static = all(isinstance(entry.key, str) and isinstance(entry.node, Static) for entry in entries)
    return Static(mapping.fill(())) if is_static else mapping


def _key(event: Event, events: Iterator[Event]) -> str | Whole | Pieces:
    line, column = _at(event)
    if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and not event.style:
        raise fault("'<<' is not available: use the filter combine", line, column)
    match _node(event, events, Slot.TEXT):
        case Static(value=None):
            return str(event.value)
        case Static(value=str() as text):
            return text
        case Whole() | Pieces() as key:
            return key
        case _:
            raise fault("a key must be a text, got a mapping or a list", line, column)


def _sequence(events: Iterator[Event], slot: Slot, *, is_flow: bool) -> Node:
    items: list[Node | Spliced] = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        if isinstance(event, yaml.ScalarEvent) and not event.style and event.value.endswith(SPLICE):
            items.append(Spliced(int(event.value[2:-2])))
        else:
            items.append(_node(event, events, item_of(slot), in_list=is_flow))
    if all(isinstance(item, Static) for item in items):
        return Static([item.value for item in items if isinstance(item, Static)])
    return Sequence(tuple(items), slot)


def _scalar(event: Event, slot: Slot, *, in_list: bool) -> Node:
    text: str = event.value
    line, column = _at(event)
    is_plain = not event.style
    if OPEN not in text:
        return Static(_literal(text, slot) if is_plain else text)
    if SPLICE in text:
        text = _SPLICED.sub(r"\1", text)
    whole = TOKEN.fullmatch(text)
    if not whole or not is_plain:
        return Pieces(tuple(_pieces(text)), event.style == "|", line, column)
    if whole[1] == Kind.JOINED and in_list:
        raise fault("join makes one text, not items: insert the list itself", line, column)
    return Whole(int(whole[2]), slot)


def _literal(text: str, slot: Slot) -> JSON:
    value = resolve(text)
    return text if slot is Slot.TEXT and value is not None else value


def _pieces(text: str) -> Iterator[Piece]:
    position = 0
    for match in TOKEN.finditer(text):
        yield Piece(text[position : match.start()], match[1], int(match[2]))
        position = match.end()
    yield Piece(text[position:])

"""
Kubernetes objects out of libyaml's events, without recursion: libyaml's own composer ends the process on deep nesting.

Nothing is read here, and places are libyaml's marks. What a scalar means is decided in ``core/scalars.py``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from injector.core import scalars
from injector.core.model import JSON, Object

DEPTH = 100
"""Mappings and lists inside each other."""
ALIASED = 10 << 20
"""Characters and items that the aliases of one document may stand for."""

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Root:
    """The value of one document and the line where it begins."""

    line: int
    value: JSON


def _refuse(problem: str, event: yaml.Event) -> NoReturn:
    mark: Any = event.start_mark  # libyaml's own kind of mark, which its stubs do not allow here
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


@dataclass(slots=True)
class _Open:
    """A mapping or list that has not ended yet."""

    anchor: str | None
    value: Any
    size: int = 1
    key: str | None = None
    """The key that waits for its value."""
    merges: bool = False
    """Whether that key is ``<<``."""
    merged: list[Object] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)


class Builder:
    """Puts libyaml's events together, one document after the other."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[JSON, int]] = {}
        self._aliased = 0
        self._line = 0

    def take(self, event: yaml.Event) -> Iterator[Root]:
        """Take the next event; yield the document that it completes, if any."""
        match event:
            case yaml.ScalarEvent():
                yield from self._take_scalar(event)
            case yaml.MappingStartEvent():
                self._begin(event, {})
            case yaml.SequenceStartEvent():
                self._begin(event, [])
            case yaml.CollectionEndEvent():
                yield from self._end(event)
            case yaml.AliasEvent():
                yield from self._add(*self._aliased_by(event), event)
            case yaml.DocumentStartEvent():
                self._anchors, self._aliased = {}, 0

    def _begin(self, event: yaml.CollectionStartEvent, value: JSON) -> None:
        if len(self._open) == DEPTH:
            _refuse(f"it is nested more than {DEPTH} deep", event)
        if self._wants_key():
            _refuse("a key must be a plain word or a string", event)
        if event.tag not in (None, "!", f"{_TAG}map", f"{_TAG}seq"):
            _refuse(f"the tag {_short(event.tag)!r} means nothing to Kubernetes; remove it", event)
        if not self._open:
            self._line = _line(event)
        self._open.append(_Open(event.anchor, value))

    def _end(self, event: yaml.Event) -> Iterator[Root]:
        ended = self._open.pop()
        for other in ended.merged:
            for key, value in other.items():
                ended.value.setdefault(key, value)
        self._remember(ended.anchor, ended.value, ended.size)
        yield from self._add(ended.value, ended.size, event)

    def _take_scalar(self, event: yaml.ScalarEvent) -> Iterator[Root]:
        size = len(event.value) + 1
        if self._wants_key():
            top = self._open[-1]
            top.merges = event.value == "<<" and event.implicit[0] and not event.style
            self._put_key(event.value if top.merges else _key(_scalar(event), event), event)
            self._remember(event.anchor, top.key, size)
            top.size += size
            return
        value = _scalar(event)
        if not self._open:
            self._line = _line(event)
        self._remember(event.anchor, value, size)
        yield from self._add(value, size, event)

    def _add(self, value: JSON, size: int, event: yaml.Event) -> Iterator[Root]:
        if not self._open:
            if value is not None:
                yield Root(self._line, value)
            return
        top = self._open[-1]
        top.size += size
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:
            self._put_key(_key(value, event), event)
        elif top.merges:
            top.merged += _mappings(value, event)
            top.key = None
        else:
            top.value[top.key] = value
            top.key = None

    def _put_key(self, key: str, event: yaml.Event) -> None:
        top, line = self._open[-1], _line(event)
        if key in top.lines:
            _refuse(f"the key {key!r} stands here a second time, the first is in line {top.lines[key]}", event)
        top.key, top.lines[key] = key, line

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _remember(self, anchor: str | None, value: JSON, size: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, size)

    def _aliased_by(self, event: yaml.AliasEvent) -> tuple[JSON, int]:
        if event.anchor not in self._anchors:
            inside = any(frame.anchor == event.anchor for frame in self._open)
            problem = "stands inside its own anchor" if inside else "has no anchor before it"
            _refuse(f"the alias {f'*{event.anchor}'!r} {problem}", event)
        value, size = self._anchors[event.anchor]
        self._aliased += size
        if self._aliased > ALIASED:
            _refuse(f"the aliases of this document stand for more than {ALIASED >> 20} MiB", event)
        return value, size


def _scalar(event: yaml.ScalarEvent) -> JSON:
    text: str = event.value
    match (event.tag or "").removeprefix(_TAG):
        case "" if event.implicit[0]:
            return _resolve(text, event)
        case "" | "!" | "str":
            return text
        case "binary":
            return _decode(text, event)
        case "int" | "float" | "bool" | "null" as kind:
            return _as_kind(kind, _resolve(text, event), event)
        case _:
            _refuse(f"the tag {_short(event.tag)!r} means nothing to Kubernetes; remove it", event)


def _resolve(text: str, event: yaml.Event) -> JSON:
    if text.lower().lstrip("+-") in (".inf", ".nan"):
        _refuse(f"{text} is no number that JSON can hold; write it in quotes if it is a text", event)
    return scalars.resolve(text)


def _as_kind(kind: str, value: JSON, event: yaml.ScalarEvent) -> JSON:
    if kind == "float" and type(value) is int:
        return float(value)
    if type(value) is not {"int": int, "float": float, "bool": bool, "null": type(None)}[kind]:
        _refuse(f"{event.value!r} is no {kind}, which its tag {_short(event.tag)!r} asks for", event)
    return value


def _decode(text: str, event: yaml.Event) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        _refuse("what stands after '!!binary' is no base64 of a text", event)


def _key(value: JSON, event: yaml.Event) -> str:
    match value:
        case str():
            return value
        case float():
            return f"{value:g}"
        case bool() | int():
            return scalars.as_text(value)
        case _:
            _refuse("a key must be a plain word or a string", event)


def _mappings(value: JSON, event: yaml.Event) -> list[Object]:
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in found):
        _refuse("'<<' merges a mapping or a list of mappings, and this is neither", event)
    return found


def _short(tag: str | None) -> str:
    return f"!!{tag.removeprefix(_TAG)}" if tag and tag.startswith(_TAG) else str(tag)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0

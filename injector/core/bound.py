"""
What a template's expressions yield on their way into YAML: values stay values, and only the template's own text is text.

A printed value becomes a *token* in the text: a private-use character, its kind, its index, and another such
character. ``binding`` parses the text and puts the values in, so a value can never add a field, close a quote or
change a type. Nothing of Jinja or YAML is known here.
"""

from __future__ import annotations

import re
from collections.abc import ItemsView, KeysView, ValuesView
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from injector.core.errors import LimitExceeded, RenderError
from injector.core.scalars import as_text, as_yaml

if TYPE_CHECKING:
    from injector.core.model import JSON

OPEN, CLOSE, SPLICE = "\ue000", "\ue001", "\ue002"
COMMENT_OPEN, COMMENT_CLOSE = "\ue003", "\ue004"
RESERVED = re.compile("[\ue000-\ue004]")
"""Characters that neither a template's source nor an escape in it may hold."""

TOKEN = re.compile(f"{OPEN}([vyj])([0-9]+){CLOSE}")
VALUE_NODES = 20_000
"""Items of a value, shared parts counted each time."""
VALUE_CHARACTERS = 262_144


class Kind(StrEnum):
    """How a value was printed."""

    VALUE = "v"
    YAML = "y"
    """Through ``to_yaml``: the value where it is a whole plain scalar, its YAML text elsewhere."""
    JOINED = "j"
    """Through ``join``: refused as an item of a flow sequence."""


class Text(str):
    """Captured text of a template: a string with its values resolved, which prints as its ``source`` with tokens."""

    __slots__ = ("source",)
    source: str

    def __new__(cls, plain: str, source: str) -> Text:
        """Return *plain* that prints as *source*."""
        text = super().__new__(cls, plain)
        text.source = source
        return text


class Joined(str):
    """What ``join`` made of a list."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Yaml:
    """A value through ``to_yaml``."""

    value: JSON

    def __str__(self) -> str:
        return as_yaml(self.value)


@dataclass(frozen=True, slots=True)
class Layout:
    """A value through ``indent`` or ``nindent``: placed, not changed."""

    value: Any
    lead: str
    width: int

    def __str__(self) -> str:
        return self.lead + text_of(self.value).replace("\n", "\n" + " " * self.width)


class Values(list[Any]):
    """The values printed so far by one rendering."""

    __slots__ = ()

    def emit(self, value: Any) -> str:
        """Return the text that stands for *value*."""
        match value:
            case Text():
                return value.source
            case Layout(value=inner, lead=lead, width=width):
                return lead + self.emit(inner).replace("\n", "\n" + " " * width)
            case Yaml(value=inner):
                return self._token(Kind.YAML, inner)
            case Joined():
                return self._token(Kind.JOINED, str(value))
            case _:
                return self._token(Kind.VALUE, value)

    def resolve(self, text: str) -> str:
        """Return *text* with each token as the text of its value."""
        return TOKEN.sub(lambda match: text_of(self[int(match[2])]), text) if OPEN in text else text

    def _token(self, kind: Kind, value: Any) -> str:
        self.append(plain(value))
        return f"{OPEN}{kind}{len(self) - 1}{CLOSE}"


def text_of(value: Any) -> str:
    """Return *value* as the text that filters on strings work on: a scalar as YAML writes it, else YAML."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Yaml | Layout):
        return str(value)
    return as_yaml(plain(value))


def plain(value: Any) -> JSON:
    """Return *value* as JSON of its own: keys are strings, tuples lists; raises RenderError for anything else."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value) if type(value) is not str else value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - not a number
            raise RenderError(f"{value} is no number that JSON can hold")
        return value
    return _plain_tree(value, [VALUE_NODES])


def _plain_tree(value: Any, left: list[int]) -> JSON:
    left[0] -= 1
    if left[0] < 0:
        raise LimitExceeded(f"a value has more than {VALUE_NODES} items")
    match value:
        case dict():
            return {_key(key): _plain_tree(item, left) for key, item in value.items()}
        case list() | tuple() | KeysView() | ValuesView() | ItemsView():
            return [_plain_tree(item, left) for item in value]
        case Yaml(value=inner) | Layout(value=inner):
            return _plain_tree(inner, left)
        case None | bool() | int() | float() | str():
            return plain(value)
        case _:
            raise RenderError(f"{type(value).__name__!r} is nothing that YAML can hold")


def _key(key: Any) -> str:
    return str(key) if isinstance(key, str) else as_text(key)

"""
What a template's expressions yield on their way into YAML: values stay values, only the template's own text is text.

A printed value becomes a *token* in the text: a private-use character, its kind, its index, and another such
character. ``binding`` parses the text and puts the values in, so a value can never add a field, close a quote or
change a type. Nothing of Jinja or YAML is known here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from injector.core import limits
from injector.core.errors import LimitExceeded, RenderError
from injector.core.scalars import LARGEST, SMALLEST, as_text, as_yaml

if TYPE_CHECKING:
    from injector.core.model import JSON

OPEN, CLOSE, SPLICE = "\ue000", "\ue001", "\ue002"
COMMENT_OPEN, COMMENT_CLOSE = "\ue003", "\ue004"
RESERVED = re.compile("[\ue000-\ue004\ud800-\udfff]")
"""What neither a template's source nor an escape in it may hold: our marks, and halves of characters."""

TOKEN = re.compile(f"{OPEN}([vyj])([0-9]+){CLOSE}")

PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types of values that are one item and stay as they are."""

HOLDERS = (dict, list)
"""What JSON holds values in. Types are tuples here: ``isinstance`` takes them ten times as fast as a union."""

SEQUENCES: tuple[type[Any], ...] = (list, tuple, range, type({}.keys()), type({}.values()), type({}.items()))
"""What becomes a list."""


class Kind:
    """How a value was printed: the letter in its token."""

    VALUE = "v"
    YAML = "y"
    """Through ``to_yaml``: the value where it is a whole plain scalar, its YAML text elsewhere."""
    JOINED = "j"
    """Through ``join``: refused as an item of a flow sequence."""


_VALUE = OPEN + Kind.VALUE


class Text(str):
    """Captured text of a template: a string with its values resolved, which prints as its ``source`` with tokens."""

    __slots__ = ("source",)
    source: str

    def __new__(cls, plain: str, source: str) -> Self:
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
        return self.place(text_of(self.value))

    def place(self, text: str) -> str:
        """Return *text* where this layout puts it."""
        return self.lead + indented(text, " " * self.width)


def indented(text: str, column: str) -> str:
    """Return *text* with all lines but the first and empty ones behind *column*; raises LimitExceeded."""
    if len(text) + text.count("\n") * len(column) > limits.OUTPUT:
        raise LimitExceeded(f"an indented text grows beyond {limits.OUTPUT} characters")
    first, *rest = text.split("\n")
    return "\n".join([first, *(column + line if line else line for line in rest)])


PLACED = (Yaml, Layout)
"""What becomes text only where it is printed."""

TEXTS = (str, *PLACED)
"""What is text, or will be."""


class Values(list[Any]):
    """The values printed so far by one rendering."""

    __slots__ = ("is_captured",)

    def __init__(self) -> None:
        super().__init__()
        self.is_captured = False
        """Whether a macro or set block may print the same value several times."""

    def emit(self, value: Any) -> str:
        """Return the text that stands for *value*."""
        if type(value) in PLAIN:  # nearly always, and ten times as fast
            token = f"{_VALUE}{len(self)}{CLOSE}"
            self.append(value if type(value) is str and value.isascii() else plain(value))
            return token
        match value:
            case Text():
                return value.source
            case Layout(value=inner):
                return value.place(self.emit(inner))
            case Yaml(value=inner):
                return self._token(Kind.YAML, inner)
            case Joined():
                return self._token(Kind.JOINED, str(value))
            case _:
                return self._token(Kind.VALUE, value)

    def capture(self, text: str, weigh: Callable[[Any], Any]) -> Text:
        """Return template text that is a string with its values wherever it is not printed; *weigh* sees each value."""
        if OPEN not in text:
            return Text(text, text)
        self.is_captured = True
        return Text(self._resolved(text, weigh), text)

    def check_size(self, text: str) -> None:
        """Raise LimitExceeded if *text* repeats its values too often."""
        if self.is_captured:
            uses = Counter(int(index) for _, index in TOKEN.findall(text))
            sizes = [(uses[index], *measure(self[index])) for index in uses]
            check_size(sum(n * items for n, items, _ in sizes), sum(n * letters for n, _, letters in sizes))

    def _resolved(self, text: str, weigh: Callable[[Any], Any]) -> str:
        found: list[str] = []
        position = size = 0
        for match in TOKEN.finditer(text):
            value = weigh(self[int(match[2])])
            found += [text[position : match.start()], as_yaml(value) if match[1] == Kind.YAML else text_of(value)]
            position = match.end()
            size += len(found[-1])
            if size > limits.TEXT:
                raise LimitExceeded(f"a text grows beyond {limits.TEXT} characters")
        return "".join([*found, text[position:]])

    def _token(self, kind: str, value: Any) -> str:
        self.append(plain(value))
        return f"{OPEN}{kind}{len(self) - 1}{CLOSE}"


def measure(value: Any) -> tuple[int, int]:
    """
    Return how many items and characters a value has, as ``==`` or ``str`` would walk it.

    Shared parts count each time; raises LimitExceeded as soon as there are too many.
    """
    todo, items, characters = [value], 0, 0
    while todo:
        item = todo.pop()
        items += 1
        if type(item) is str:
            characters += len(item)
        elif isinstance(item, dict):
            todo += item
            todo += item.values()
            check_size(items + len(todo), characters)
        elif isinstance(item, SEQUENCES):
            todo += item
            check_size(items + len(todo), characters)
        elif isinstance(item, PLACED):
            todo.append(item.value)
        elif isinstance(item, str):
            characters += max(len(item), len(item.source)) if isinstance(item, Text) else len(item)
    check_size(items, characters)
    return items, characters


def check_size(items: int, characters: int) -> None:
    """Raise LimitExceeded if a value, or all that is printed, is too large."""
    if items > limits.VALUE_ITEMS or characters > limits.VALUE_CHARACTERS:
        raise LimitExceeded(
            f"values grow beyond {limits.VALUE_ITEMS} items or {limits.VALUE_CHARACTERS} characters: print less"
        )


def text_of(value: Any) -> str:
    """Return *value* as the text that filters on strings work on: a scalar as YAML writes it, else YAML."""
    if type(value) is str:
        return value
    if isinstance(value, TEXTS):
        return str(value)
    value = plain(value)
    return as_yaml(value) if isinstance(value, HOLDERS) else as_text(value)


def inline(value: Any) -> str:
    """Return *value* as part of a longer text; raises RenderError for what has no text of its own."""
    if type(value) is str:
        return value
    if isinstance(value, TEXTS):
        return str(value)
    if value is None:
        raise RenderError("null stands inside a text: give it a value with | default('…', true)")
    if isinstance(value := plain(value), HOLDERS):
        what = "mapping" if isinstance(value, dict) else "list"
        raise RenderError(f"a {what} stands inside a text: write it alone, or use | to_json")
    return as_text(value)


def plain(value: Any, depth: int = 0) -> JSON:
    """Return *value* as JSON of its own: keys are strings, tuples lists; raises RenderError for anything else."""
    match value:
        case None | bool():
            return value
        case str():
            return _plain_text(value)
        case int():
            return _plain_number(value, is_sound=SMALLEST <= value <= LARGEST)
        case float():
            return _plain_number(value, is_sound=math.isfinite(value))
        case Yaml(value=inner) | Layout(value=inner):
            return plain(inner, depth)
    if depth == limits.VALUE_DEPTH:
        raise LimitExceeded(f"a value is nested more than {limits.VALUE_DEPTH} deep")
    match value:
        case dict():
            return {_key(key): plain(item, depth + 1) for key, item in value.items()}
        case _ if isinstance(value, SEQUENCES):
            return [plain(item, depth + 1) for item in value]
        case _:
            raise RenderError(f"{type(value).__name__!r} is nothing that YAML can hold")


def _plain_text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise RenderError(f"{value[error.start]!r} is half a character: no text can hold it") from None
    return value if type(value) is str else str(value)


def _plain_number(value: float, *, is_sound: bool) -> float:
    if not is_sound:
        raise RenderError(f"{value} is no number that Kubernetes can hold")
    return value


def _key(key: Any) -> str:
    return plain(key) if isinstance(key, str) else as_text(plain(key))

"""
The filters on texts and single values, under the names of Ansible and of Helm.

Each takes plain values, gives plain values, and refuses to grow them beyond the limits.
"""

from __future__ import annotations

import base64
import binascii
import math
import shlex
from typing import Any

import orjson
from jinja2 import Undefined

from injector.core import limits, patterns
from injector.core.bound import Layout, Yaml, plain, text_of
from injector.core.budgets import refuse
from injector.core.errors import RenderError

_STRIPPED = 64
"""Characters that ``trim`` can be given: each is compared with each of the text."""

_DIGITS = 20


def present(value: Any) -> Any:
    """Return *value*; raises RenderError or UndefinedError for what is absent."""
    if isinstance(value, Undefined):
        str(value)
    return value


def text(value: Any) -> str:
    """Return *value* as a string: ``8080`` becomes ``"8080"``, a mapping its YAML."""
    return text_of(present(value))


def default(value: Any, fallback: Any = "", boolean: Any = False) -> Any:  # noqa: FBT002 - Jinja's signature
    """Return *fallback* for what is absent, with *boolean* also for what is false."""
    return fallback if isinstance(value, Undefined) or (boolean and not value) else value


def mandatory(value: Any, message: Any = "a mandatory value is absent") -> Any:
    """Return *value*; raises RenderError for what is absent, null or empty text, as Helm's ``required`` does."""
    if isinstance(value, Undefined) or value is None or value == "":
        raise RenderError(text(message))
    return value


def ternary(value: Any, if_true: Any, if_false: Any = None) -> Any:
    """Return one of two by the truth of *value*."""
    return if_true if present(value) else if_false


def to_yaml(value: Any, **_options: Any) -> Yaml:
    """Return *value*, written as YAML where only text fits."""
    return Yaml(plain(present(value)))


def to_json(value: Any, **_options: Any) -> str:
    """Return compact JSON text."""
    return orjson.dumps(plain(present(value))).decode()


def from_json(value: Any) -> Any:
    """Return the value of JSON text."""
    try:
        return orjson.loads(text(value))
    except orjson.JSONDecodeError as error:
        raise RenderError(f"from_json: the text is no JSON: {error}") from error


def b64encode(value: Any) -> str:
    """Return the text in Base64."""
    return base64.b64encode(text(value).encode()).decode()


def b64decode(value: Any) -> str:
    """Return the text that Base64 stands for."""
    try:
        return base64.b64decode(text(value), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise RenderError(f"b64decode: the text is no Base64 of UTF-8: {error}") from error


def regex_replace(value: Any, pattern: Any, replacement: Any = "") -> str:
    r"""Replace every match of an RE2 pattern; ``\1`` stands for a group."""
    return patterns.replace(text(value), pattern, replacement)


def shell_quote(value: Any) -> str:
    """Return the text as one word of a POSIX shell."""
    return shlex.quote(text(value))


def nindent(value: Any, width: Any = 4) -> Layout:
    """Place the value on a line of its own, *width* spaces in."""
    _check_width(width)
    return Layout(present(value), "\n" + " " * width, width)


def indent(value: Any, width: Any = 4, first: Any = False, *_: Any) -> Layout:  # noqa: FBT002 - Jinja's signature
    """Place the lines of the value *width* spaces in, the first line only if *first*."""
    _check_width(width)
    return Layout(present(value), " " * width if first else "", width)


def _check_width(width: Any) -> None:
    if not isinstance(width, int) or not 0 <= width <= limits.INDENT:
        raise RenderError(f"an indent is {width!r}, expected a number from 0 to {limits.INDENT}")


def lower(value: Any) -> str:
    """Return the text in small letters."""
    return text(value).lower()


def upper(value: Any) -> str:
    """Return the text in capital letters."""
    return text(value).upper()


def title(value: Any) -> str:
    """Return the text with a capital letter at the start of each word."""
    return text(value).title()


def capitalize(value: Any) -> str:
    """Return the text with a capital letter at its start."""
    return text(value).capitalize()


def trim(value: Any, characters: Any = None) -> str:
    """Return the text without white space, or *characters*, at both ends."""
    if characters is not None:
        check_stripped(characters)
    return text(value).strip(characters)


def check_stripped(characters: Any) -> None:
    """Refuse more characters to strip than can be compared with each of a text."""
    if len(text(characters)) > _STRIPPED:
        refuse(f"more than {_STRIPPED} characters to strip")


def replace(value: Any, old: Any, new: Any, count: Any = None) -> str:
    """Replace one text by another."""
    whole, old, new = text(value), text(old), text(new)
    if (whole.count(old) + 1) * len(new) + len(whole) > limits.TEXT:
        refuse(f"replace: the text grows beyond {limits.TEXT} characters")
    return whole.replace(old, new, -1 if count is None else count)


def to_int(value: Any, fallback: Any = 0) -> Any:
    """Return a whole number, or *fallback*."""
    try:
        return int(_short(value))
    except (ValueError, TypeError, OverflowError):
        return fallback


def to_float(value: Any, fallback: Any = 0.0) -> Any:
    """Return a number, or *fallback*."""
    try:
        number = float(_short(value))
    except (ValueError, TypeError, OverflowError):
        return fallback
    return number if math.isfinite(number) else fallback


def _short(value: Any) -> Any:
    """Return what may be a number; raises ValueError for a text that is too long to be one."""
    written = present(value)
    if not isinstance(written, str):
        return written
    if len(written.strip()) > limits.INTEGER_BITS // 4:
        raise ValueError(written[:10])
    return written.strip()


def absolute(value: Any) -> Any:
    """Return the number without its sign."""
    return abs(present(value))


def rounded(value: Any, digits: Any = 0) -> Any:
    """Return the number with *digits* decimals; a whole number if none are asked for."""
    if not isinstance(digits, int) or abs(digits) > _DIGITS:
        raise RenderError(f"round: expected up to {_DIGITS} digits, got {digits!r}")
    return round(present(value), digits) if digits else round(present(value))

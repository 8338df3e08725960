"""
The filters, tests and functions that templates may use, under the names of Ansible and of Helm.

Each takes plain values, gives plain values, and refuses to grow them beyond ``guards``' limits. ``indent`` and
``nindent`` only place a value; ``to_yaml`` keeps it a value where a value fits.
"""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import orjson
import re2
from jinja2 import Undefined

from injector.core.bound import Joined, Layout, Yaml, plain, text_of
from injector.core.errors import Refused, RenderError
from injector.core.guards import RANGE_LIMIT, TEXT_LIMIT, refuse

PATTERN_LIMIT = 4096
"""Characters of a text that a regular expression is matched against."""
INDENT_LIMIT = 64


def present(value: Any) -> Any:
    """Return *value*; raises UndefinedError for what is absent."""
    if isinstance(value, Undefined):
        str(value)
    return value


def _text(value: Any) -> str:
    return text_of(present(value))


def _items(value: Any) -> Any:
    """Return what a loop sees: what is absent or null is empty."""
    return () if value is None else value


def default(value: Any, fallback: Any = "", boolean: Any = False) -> Any:  # noqa: FBT002 - Jinja's signature
    """Return *fallback* for what is absent, with *boolean* also for what is false."""
    return fallback if isinstance(value, Undefined) or (boolean and not value) else value


def mandatory(value: Any, message: str = "a mandatory value is absent") -> Any:
    """Return *value*; raises RenderError for what is absent, null or empty text, as Helm's ``required`` does."""
    if isinstance(value, Undefined) or value is None or value == "":
        raise RenderError(str(message))
    return value


def ternary(value: Any, if_true: Any, if_false: Any = None) -> Any:
    """Return one of two by the truth of *value*."""
    return if_true if present(value) else if_false


def to_yaml(value: Any, **_options: Any) -> Yaml:
    """Return *value*, written as YAML where only text fits."""
    return Yaml(plain(present(value)))


def to_json(value: Any, **_options: Any) -> str:
    """Return compact JSON text."""
    try:
        return orjson.dumps(plain(present(value))).decode()
    except TypeError as error:
        raise RenderError(f"to_json: {error}") from error


def from_json(value: Any) -> Any:
    """Return the value of JSON text."""
    try:
        return orjson.loads(_text(value))
    except orjson.JSONDecodeError as error:
        raise RenderError(f"from_json: the text is no JSON: {error}") from error


def b64encode(value: Any) -> str:
    """Return the text in Base64."""
    return base64.b64encode(_text(value).encode()).decode()


def b64decode(value: Any) -> str:
    """Return the text that Base64 stands for."""
    try:
        return base64.b64decode(_text(value), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise RenderError(f"b64decode: the text is no Base64 of UTF-8: {error}") from error


def combine(value: Any, *others: Any, recursive: Any = False) -> dict[str, Any]:
    """Return the mappings laid over each other, the last on top, as Ansible does."""
    result: dict[str, Any] = {}
    for mapping in (value, *others):
        if not isinstance(present(mapping), dict):
            raise RenderError(f"combine: expected mappings, got {type(mapping).__name__}")
        result = _laid_over(result, mapping) if recursive else {**result, **mapping}
    return result


def _laid_over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _laid_over(below[key], item)
        for key, item in above.items()
        if isinstance(item, dict) and isinstance(below.get(key), dict)
    }
    return {**below, **above, **both}


def regex_replace(value: Any, pattern: str, replacement: str = "") -> str:
    """Replace every match of an RE2 pattern; ``\\1`` stands for a group."""
    try:
        return str(re2.sub(pattern, replacement, _searchable(value)))
    except (re2.error, IndexError) as error:
        raise RenderError(
            f"regex_replace: {pattern!r} is no regular expression of RE2: {_re2_reason(error)}"
        ) from error


def regex_search(value: Any, pattern: str) -> bool:
    """Whether an RE2 pattern matches anywhere."""
    try:
        return bool(re2.search(pattern, _searchable(value)))
    except re2.error as error:
        raise RenderError(f"search: {pattern!r} is no regular expression of RE2: {_re2_reason(error)}") from error


def _searchable(value: Any) -> str:
    text = _text(value)
    return (
        text
        if len(text) <= PATTERN_LIMIT
        else refuse(f"a text of more than {PATTERN_LIMIT} characters meets a pattern")
    )


def _re2_reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode() if isinstance(reason, bytes) else str(reason)


def shell_quote(value: Any) -> str:
    """Return the text as one word of a POSIX shell."""
    return shlex.quote(_text(value))


def quote(value: Any) -> str:
    """Return the value as a string: ``8080`` becomes ``"8080"``."""
    return _text(value)


def nindent(value: Any, width: int = 4) -> Layout:
    """Place the value on a line of its own, *width* spaces in."""
    _check_width(width)
    return Layout(present(value), "\n" + " " * width, width)


def indent(value: Any, width: int = 4, first: Any = False, *_: Any) -> Layout:  # noqa: FBT002 - Jinja's signature
    """Place the lines of the value *width* spaces in, the first line only if *first*."""
    _check_width(width)
    return Layout(present(value), " " * width if first else "", width)


def _check_width(width: Any) -> None:
    if not isinstance(width, int) or not 0 <= width <= INDENT_LIMIT:
        raise RenderError(f"an indent is {width!r}, expected a number from 0 to {INDENT_LIMIT}")


def join(value: Any, separator: Any = "", attribute: str | None = None) -> Joined:
    """Return the items as one text."""
    items = [_text(_attribute(item, attribute) if attribute else item) for item in _items(value)]
    if sum(map(len, items)) + len(str(separator)) * len(items) > TEXT_LIMIT:
        refuse(f"join: the text grows beyond {TEXT_LIMIT} characters")
    return Joined(str(separator).join(items))


def replace(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    """Replace one text by another."""
    text, old, new = _text(value), _text(old), _text(new)
    if (text.count(old) + 1) * len(new) + len(text) > TEXT_LIMIT:
        refuse(f"replace: the text grows beyond {TEXT_LIMIT} characters")
    return text.replace(old, new, -1 if count is None else count)


def to_int(value: Any, fallback: int = 0) -> int:
    """Return a whole number, or *fallback*."""
    try:
        return int(_text(value)[:40]) if isinstance(value, str) else int(present(value))
    except (ValueError, TypeError, OverflowError):
        return fallback


def to_float(value: Any, fallback: float = 0.0) -> float:
    """Return a number, or *fallback*."""
    try:
        return float(_text(value)[:40]) if isinstance(value, str) else float(present(value))
    except (ValueError, TypeError, OverflowError):
        return fallback


def _attribute(item: Any, path: Any) -> Any:
    """Return what stands at a dotted path of mappings; None where there is nothing."""
    for part in str(path).split("."):
        item = item.get(part) if isinstance(item, dict) else None
    return item


def map_attribute(value: Any, filter_name: str = "", *args: Any, attribute: str = "", default: Any = None) -> list[Any]:
    """Return one field of each item, ``map(attribute='name')``, or each item through a filter of texts, ``map('lower')``."""
    if attribute:
        found = (_attribute(item, attribute) for item in _items(value))
        return [default if item is None else item for item in found]
    if filter_name not in _MAPPED:
        raise RenderError(f"map: expected attribute='…' or one of {', '.join(sorted(_MAPPED))}, got {filter_name!r}")
    return [_MAPPED[filter_name](item, *args) for item in _items(value)]


def _picker(*, by_attribute: bool, wanted: bool) -> Callable[..., list[Any]]:
    """Return ``select``, ``reject``, ``selectattr`` or ``rejectattr``."""

    def pick(value: Any, *args: Any) -> list[Any]:
        path, args = (args[0], args[1:]) if by_attribute else (None, args)
        test = args[0] if args else "truthy"
        if test not in _PICKED:
            raise RenderError(f"there is no test {test!r} here: use one of {', '.join(sorted(_PICKED))}")
        condition = _PICKED[test]
        subjects = ((item, _attribute(item, path) if by_attribute else item) for item in _items(value))
        return [item for item, subject in subjects if bool(condition(subject, *args[1:])) is wanted]

    return pick


def sort(value: Any, reverse: Any = False, case_sensitive: Any = True, attribute: str | None = None) -> list[Any]:  # noqa: FBT002
    """Return the items in order."""
    del case_sensitive
    key = (lambda item: _attribute(item, attribute)) if attribute else None
    try:
        return sorted(_items(value), key=key, reverse=bool(reverse))
    except TypeError as error:
        raise RenderError(f"sort: the items cannot be compared: {error}") from error


def unique(value: Any) -> list[Any]:
    """Return each item once, in the order of first appearance."""
    seen: set[bytes] = set()
    found = []
    for item in _items(value):
        mark = to_json(item).encode()
        if mark not in seen:
            seen.add(mark)
            found.append(item)
    return found


def dictsort(value: Any) -> list[tuple[Any, Any]]:
    """Return the pairs of a mapping in order of their keys."""
    return sorted(present(value).items(), key=lambda pair: str(pair[0])) if value else []


def items(value: Any) -> list[tuple[Any, Any]]:
    """Return the pairs of a mapping."""
    return list(value.items()) if value else []


def first(value: Any) -> Any:
    """Return the first item; null where there is none."""
    return next(iter(_items(value)), None)


def last(value: Any) -> Any:
    """Return the last item; null where there is none."""
    found = list(_items(value))
    return found[-1] if found else None


def fail(message: Any = "the template refuses this pod") -> NoReturn:
    """Refuse the pod with a sentence (Helm's ``fail``)."""
    raise Refused(str(message))


def limited_range(*bounds: int) -> range:
    """Return a range of at most 1,000 numbers."""
    found = range(*bounds)
    return found if len(found) <= RANGE_LIMIT else refuse(f"a range has more than {RANGE_LIMIT} numbers")


def _total(value: Iterable[Any], attribute: str | None = None, start: float = 0) -> Any:
    total: Any = start
    for item in _items(value):
        number = _attribute(item, attribute) if attribute else item
        if not isinstance(number, int | float):
            raise RenderError(f"sum: {number!r} is no number")
        total += number
    return total


def _length(value: Any) -> int:
    return len(value) if hasattr(value, "__len__") else sum(1 for _ in _items(value))


_MAPPED: dict[str, Callable[..., Any]] = {
    "lower": lambda value: _text(value).lower(),
    "upper": lambda value: _text(value).upper(),
    "trim": lambda value: _text(value).strip(),
    "string": _text,
    "int": to_int,
    "float": to_float,
    "length": _length,
    "quote": quote,
    "replace": replace,
    "regex_replace": regex_replace,
    "b64encode": b64encode,
}
"""Filters that ``map`` can apply to each item."""

_PICKED: dict[str, Callable[..., Any]] = {
    "truthy": bool,
    "defined": lambda value: value is not None,
    "none": lambda value: value is None,
    **dict.fromkeys(("eq", "equalto", "=="), lambda value, other: value == other),
    **dict.fromkeys(("ne", "!="), lambda value, other: value != other),
    "in": lambda value, other: value in other,
    "match": lambda value, pattern: value is not None and regex_search(value, f"^(?:{pattern})"),
    "search": lambda value, pattern: value is not None and regex_search(value, pattern),
}
"""Tests that ``select`` and its kin can apply to each item."""

FILTERS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("to_yaml", "to_nice_yaml", "toYaml"), to_yaml),
    **dict.fromkeys(("to_json", "toJson", "tojson"), to_json),
    **dict.fromkeys(("from_json", "fromJson"), from_json),
    **dict.fromkeys(("b64encode", "b64enc"), b64encode),
    **dict.fromkeys(("b64decode", "b64dec"), b64decode),
    **dict.fromkeys(("default", "d"), default),
    **dict.fromkeys(("length", "count"), _length),
    **{name: _MAPPED[name] for name in ("lower", "upper", "string")},
    "trim": lambda value, characters=None: _text(value).strip(characters),
    "title": lambda value: _text(value).title(),
    "capitalize": lambda value: _text(value).capitalize(),
    "combine": combine,
    "ternary": ternary,
    **dict.fromkeys(("mandatory", "required"), mandatory),
    "regex_replace": regex_replace,
    "shell_quote": shell_quote,
    "quote": quote,
    "indent": indent,
    "nindent": nindent,
    "join": join,
    "replace": replace,
    "int": to_int,
    "float": to_float,
    "first": first,
    "last": last,
    "items": items,
    "dictsort": dictsort,
    "list": lambda value: list(_items(value)),
    "sort": sort,
    "unique": unique,
    "reverse": lambda value: present(value)[::-1] if isinstance(value, str) else list(_items(value))[::-1],
    "min": lambda value: min(_items(value), default=None),
    "max": lambda value: max(_items(value), default=None),
    "sum": _total,
    "abs": lambda value: abs(present(value)),
    "round": lambda value, digits=0: round(present(value), digits) if digits else round(present(value)),
    "map": map_attribute,
    "select": _picker(by_attribute=False, wanted=True),
    "reject": _picker(by_attribute=False, wanted=False),
    "selectattr": _picker(by_attribute=True, wanted=True),
    "rejectattr": _picker(by_attribute=True, wanted=False),
}
"""All filters but ``from_yaml``, which ``rendering`` adds because it parses YAML."""

JINJA_TESTS = (
    "defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence", "iterable",
    "true", "false", "odd", "even", "divisibleby", "lower", "upper", "eq", "equalto", "==", "ne", "!=", "lt", "lessthan",
    "<", "le", "<=", "gt", "greaterthan", ">", "ge", ">=", "in",
)  # fmt: skip
"""Tests taken over from Jinja."""

TESTS: dict[str, Callable[..., Any]] = {
    "match": lambda value, pattern: regex_search(value, f"^(?:{pattern})"),
    "search": regex_search,
}

FUNCTIONS: dict[str, Callable[..., Any]] = {"range": limited_range, "dict": dict, "fail": fail}

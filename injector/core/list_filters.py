"""
The filters on lists and mappings: they pick, order and add up, and never look deeper than a dotted path says.

``map``, ``select`` and their kin know a fixed table of filters and tests, so what they cost can be told beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from injector.core import limits, patterns, text_filters
from injector.core.bound import Layout, Yaml, plain
from injector.core.budgets import refuse
from injector.core.errors import RenderError
from injector.core.text_filters import present, text

_PATH_CHARACTERS = 256


def members(value: Any) -> Iterable[Any]:
    """Return what a loop sees: what is absent or null is empty."""
    if value is None:
        return ()
    if not isinstance(value, Iterable):
        raise RenderError(f"expected a list, got {value!r}")
    return value


def length(value: Any) -> int:
    """Return how many characters, items or keys there are."""
    value = str(value) if isinstance(value, Yaml | Layout) else members(value)
    return len(value) if hasattr(value, "__len__") else sum(1 for _ in value)


def first(value: Any) -> Any:
    """Return the first item; null where there is none."""
    return next(iter(members(value)), None)


def last(value: Any) -> Any:
    """Return the last item; null where there is none."""
    found = list(members(value))
    return found[-1] if found else None


def listed(value: Any) -> list[Any]:
    """Return the items, the keys of a mapping or the characters of a text."""
    return list(members(value))


def items(value: Any) -> list[tuple[Any, Any]]:
    """Return the pairs of a mapping."""
    if not members(value):
        return []
    if not isinstance(value, dict):
        raise RenderError(f"expected a mapping, got {value!r}")
    return list(value.items())


def dictsort(value: Any) -> list[tuple[Any, Any]]:
    """Return the pairs of a mapping in order of their keys."""
    return sorted(items(value), key=lambda pair: str(pair[0]))


def reverse(value: Any) -> Any:
    """Return the items, or the text, from the end to the start."""
    return value[::-1] if isinstance(value, str) else listed(value)[::-1]


def sort(value: Any, reverse: Any = False, case_sensitive: Any = True, attribute: Any = None) -> list[Any]:  # noqa: FBT002 - Jinja's signature
    """Return the items in order, which tells capital letters from small ones."""
    del case_sensitive
    path = _path(attribute)
    return sorted(members(value), key=lambda item: _field(item, path), reverse=bool(reverse))


def unique(value: Any) -> list[Any]:
    """Return each item once, in the order of first appearance."""
    found: dict[bytes, Any] = {}
    for item in members(value):
        found.setdefault(orjson.dumps(plain(present(item))), item)
    return list(found.values())


def join(value: Any, separator: Any = "", attribute: Any = None) -> str:
    """Return the items as one text."""
    path, between = _path(attribute), text(separator)
    found = [text(_field(item, path)) for item in members(value)]
    if sum(map(len, found)) + len(between) * len(found) > limits.TEXT:
        refuse(f"join: the text grows beyond {limits.TEXT} characters")
    return between.join(found)


def smallest(value: Any) -> Any:
    """Return the smallest item; null where there is none."""
    return min(members(value), default=None)


def largest(value: Any) -> Any:
    """Return the largest item; null where there is none."""
    return max(members(value), default=None)


def total(value: Any, attribute: Any = None, start: Any = 0) -> Any:
    """Return the sum of numbers, or of one field of each item."""
    path = _path(attribute)
    return sum((_number(_field(item, path)) for item in members(value)), _number(start))


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):
        raise RenderError(f"sum: {value!r} is no number")
    return value


def mapped(value: Any, name: str = "", *args: Any, attribute: Any = None, default: Any = None) -> list[Any]:
    """Return a field of each item, ``map(attribute='name')``, or each item through a filter, ``map('lower')``."""
    if attribute is not None:
        path = _path(attribute)
        found = (_field(item, path) for item in members(value))
        return [default if item is None else item for item in found]
    if name not in _MAPPED:
        raise RenderError(f"map: expected attribute='…' or one of {', '.join(sorted(_MAPPED))}, got {name!r}")
    return list(_bounded(_MAPPED[name](item, *args) for item in members(value)))


def _bounded(found: Iterable[Any]) -> Iterable[Any]:
    """Yield what is found until its texts are too long together."""
    characters = 0
    for item in found:
        characters += len(item) if isinstance(item, str) else 0
        if characters > limits.VALUE_CHARACTERS:
            refuse(f"map: the texts grow beyond {limits.VALUE_CHARACTERS} characters")
        yield item


def select(value: Any, test: str = "truthy", *args: Any) -> list[Any]:
    """Return the items that pass a test."""
    return [item for item, passes in _tested(value, None, test, args) if passes]


def reject(value: Any, test: str = "truthy", *args: Any) -> list[Any]:
    """Return the items that do not pass a test."""
    return [item for item, passes in _tested(value, None, test, args) if not passes]


def selectattr(value: Any, attribute: Any, test: str = "truthy", *args: Any) -> list[Any]:
    """Return the items of which a field passes a test."""
    return [item for item, passes in _tested(value, attribute, test, args) if passes]


def rejectattr(value: Any, attribute: Any, test: str = "truthy", *args: Any) -> list[Any]:
    """Return the items of which a field does not pass a test."""
    return [item for item, passes in _tested(value, attribute, test, args) if not passes]


def _tested(value: Any, attribute: Any, test: str, args: tuple[Any, ...]) -> Iterable[tuple[Any, bool]]:
    if test not in _TESTS:
        raise RenderError(f"there is no test {test!r} here: use one of {', '.join(sorted(_TESTS))}")
    if test == "in" and args and length(value) * length(args[0]) > limits.COMPARISONS:
        refuse(f"a search for {length(value)} items among {length(args[0])} takes too long")
    path = _path(attribute)
    for item in members(value):
        yield item, bool(_TESTS[test](_field(item, path), *args))


def _path(attribute: Any) -> tuple[str, ...]:
    """Return the parts of a dotted path; none for the item itself."""
    if attribute is None:
        return ()
    if len(str(attribute)) > _PATH_CHARACTERS:
        refuse(f"an attribute has more than {_PATH_CHARACTERS} characters")
    return tuple(str(attribute).split("."))


def _field(item: Any, path: tuple[str, ...]) -> Any:
    """Return what stands at a path of mappings; null where there is nothing."""
    for part in path:
        item = item.get(part) if isinstance(item, dict) else None
    return item


_MAPPED: dict[str, Callable[..., Any]] = {
    "lower": text_filters.lower,
    "upper": text_filters.upper,
    "trim": text_filters.trim,
    "string": text,
    "int": text_filters.to_int,
    "float": text_filters.to_float,
    "length": length,
    "quote": text,
    "replace": text_filters.replace,
    "regex_replace": text_filters.regex_replace,
    "b64encode": text_filters.b64encode,
}
"""Filters that ``map`` can apply to each item."""

_TESTS: dict[str, Callable[..., Any]] = {
    "truthy": bool,
    "defined": lambda value: value is not None,
    "none": lambda value: value is None,
    **dict.fromkeys(("eq", "equalto", "=="), lambda value, other: value == other),
    **dict.fromkeys(("ne", "!="), lambda value, other: value != other),
    "in": lambda value, other: value in other,
    "match": lambda value, pattern: value is not None and patterns.match(text(value), pattern),
    "search": lambda value, pattern: value is not None and patterns.search(text(value), pattern),
}
"""Tests that ``select`` and its kin can apply to each item."""

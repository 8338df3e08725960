"""The filters, tests and functions that templates may use: one table of names, those of Ansible and of Helm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from injector.core import documents, limits, list_filters, patterns, text_filters
from injector.core.bound import Joined
from injector.core.budgets import refuse
from injector.core.errors import Refused, RenderError, TemplateError
from injector.core.text_filters import present, text


def from_yaml(value: Any) -> Any:
    """Return the value of YAML text, read as the text of a template is."""
    try:
        return documents.parse_plain(text(value), key="")
    except TemplateError as error:
        raise RenderError(f"from_yaml, line {error.place.line} of the text: {error.problem}") from error


def combine(value: Any, *others: Any, recursive: Any = False) -> dict[str, Any]:
    """Return the mappings laid over each other, the last on top, as Ansible does."""
    result: dict[str, Any] = {}
    for mapping in (value, *others):
        if not isinstance(present(mapping), dict):
            raise RenderError(f"combine: expected mappings, got {type(mapping).__name__}")
        if recursive:
            result = _laid_over(result, mapping)
        else:
            result.update(mapping)
    return result


def _laid_over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _laid_over(below[key], item)
        for key, item in above.items()
        if isinstance(item, dict) and isinstance(below.get(key), dict)
    }
    return {**below, **above, **both}


def join(value: Any, separator: Any = "", attribute: Any = None) -> Joined:
    """Return the items as one text, which must not pass for the items themselves."""
    return Joined(list_filters.join(value, separator, attribute))


def fail(message: Any = "the template refuses this pod") -> NoReturn:
    """Refuse the pod with a sentence (Helm's ``fail``)."""
    raise Refused(text(message))


def limited_range(*bounds: int) -> range:
    """Return a range of at most 1,000 numbers."""
    found = range(*bounds)
    try:
        is_short = len(found) <= limits.RANGE
    except OverflowError:
        is_short = False
    return found if is_short else refuse(f"a range has more than {limits.RANGE} numbers")


FILTERS: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("to_yaml", "to_nice_yaml", "toYaml"), text_filters.to_yaml),
    **dict.fromkeys(("to_json", "toJson", "tojson"), text_filters.to_json),
    **dict.fromkeys(("from_yaml", "fromYaml"), from_yaml),
    **dict.fromkeys(("from_json", "fromJson"), text_filters.from_json),
    **dict.fromkeys(("b64encode", "b64enc"), text_filters.b64encode),
    **dict.fromkeys(("b64decode", "b64dec"), text_filters.b64decode),
    **dict.fromkeys(("default", "d"), text_filters.default),
    **dict.fromkeys(("mandatory", "required"), text_filters.mandatory),
    **dict.fromkeys(("string", "quote"), text),
    **dict.fromkeys(("length", "count"), list_filters.length),
    "abs": text_filters.absolute,
    "capitalize": text_filters.capitalize,
    "combine": combine,
    "dictsort": list_filters.dictsort,
    "first": list_filters.first,
    "float": text_filters.to_float,
    "indent": text_filters.indent,
    "int": text_filters.to_int,
    "items": list_filters.items,
    "join": join,
    "last": list_filters.last,
    "list": list_filters.listed,
    "lower": text_filters.lower,
    "map": list_filters.mapped,
    "max": list_filters.largest,
    "min": list_filters.smallest,
    "nindent": text_filters.nindent,
    "regex_replace": text_filters.regex_replace,
    "reject": list_filters.reject,
    "rejectattr": list_filters.rejectattr,
    "replace": text_filters.replace,
    "reverse": list_filters.reverse,
    "round": text_filters.rounded,
    "select": list_filters.select,
    "selectattr": list_filters.selectattr,
    "shell_quote": text_filters.shell_quote,
    "sort": list_filters.sort,
    "sum": list_filters.total,
    "ternary": text_filters.ternary,
    "title": text_filters.title,
    "trim": text_filters.trim,
    "unique": list_filters.unique,
    "upper": text_filters.upper,
}

JINJA_TESTS = tuple(
    "defined undefined none string number integer float boolean mapping sequence iterable true false odd even"
    " divisibleby lower upper in eq equalto == ne != lt lessthan < le <= gt greaterthan > ge >=".split()
)
"""Tests taken over from Jinja."""

TESTS: dict[str, Callable[..., Any]] = {
    "match": lambda value, pattern: patterns.match(text(value), pattern),
    "search": lambda value, pattern: patterns.search(text(value), pattern),
}

FUNCTIONS: dict[str, Callable[..., Any]] = {"range": limited_range, "dict": dict, "fail": fail}

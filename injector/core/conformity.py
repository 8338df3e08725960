"""
Whether a pod from a file has the types that the API server would insist on.

A webhook never gets another pod: the API server has read it before. Fields that the table does not know are not looked
at, because a newer Kubernetes may have them.
"""

from __future__ import annotations

from collections.abc import Iterator

from injector.core.field_table import TYPES, Field
from injector.core.model import JSON

_EXPECTED = {
    "boolean": "true or false",
    "integer": "an integer",
    "int-or-string": "an integer or a string",
    "list": "a list",
    "map": "a mapping",
    "number": "a number",
    "object": "a mapping",
    "quantity": "a quantity such as 100m",
    "string": "a string",
    "time": "a time",
}
_FOUND = {
    bool: "a boolean",
    dict: "a mapping",
    float: "a number",
    int: "an integer",
    list: "a list",
    str: "a string",
}


def problem_of(type_name: str, value: JSON, path: str) -> str:
    """Return a sentence on the first value of a wrong type in an object of Kubernetes' *type_name*; empty: none."""
    return next(_problems(Field("object", type_name), value, path), "")


def _problems(field: Field, value: JSON, path: str) -> Iterator[str]:
    match field.kind, value:
        case ("any", _) | (_, None):
            return
        case "object", dict():
            known = TYPES.get(field.of, {})
            for name in (name for name in value if name in known):
                yield from _problems(known[name], value[name], f"{path}.{name}")
        case "list", list():
            for index, item in enumerate(value):
                yield from _element_problems(field.of, item, f"{path}[{index}]")
        case "map", dict():
            for name, item in value.items():
                yield from _element_problems(field.of, item, f"{path}[{name!r}]")
        case kind, _ if not _is_scalar(kind, value):
            yield f"{path} is {_FOUND[type(value)]}, expected {_EXPECTED[kind]}"


def _element_problems(of: str, value: JSON, path: str) -> Iterator[str]:
    field = Field("object", of) if of in TYPES else Field(of)
    if value is None:
        yield f"{path} is nothing, expected {_EXPECTED[field.kind]}"
    else:
        yield from _problems(field, value, path)


def _is_scalar(kind: str, value: JSON) -> bool:
    match kind, value:
        case "boolean", bool():
            return True
        case _, bool():
            return False
        case (("string" | "time" | "quantity" | "int-or-string"), str()):
            return True
        case (("integer" | "int-or-string" | "number" | "quantity"), int()):
            return True
        case (("number" | "quantity"), float()):
            return True
        case _:
            return False

"""
The form of what a template rendered: fields that Kubernetes has, of the right types, written the one canonical way.

Canonical means as the API server would store it: nulls, empty lists and maps, and zero values of fields that are
omitted when empty are gone; an empty struct that means something (``emptyDir: {}``) stays; ``protocol`` is filled in.
What is allowed is not decided here (``policy``).
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from injector.core import defaults
from injector.core.errors import ForbiddenField
from injector.core.field_table import TYPES, Field

if TYPE_CHECKING:
    from injector.core.model import JSON, Object

_JSON_TYPES = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a mapping",
}
_EXPECTED = {
    "string": "a string",
    "time": "a time such as '2030-01-01T00:00:00Z'",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "quantity": "a quantity such as '100m' or '64Mi'",
    "int-or-string": "an integer or a string",
    "map": "a mapping",
    "object": "a mapping",
    "list": "a list",
}

_WRITTEN = frozenset({"int-or-string", "quantity", "string", "time"})
"""Kinds of scalars that may be strings."""

_REQUIRED = {
    name: [key for key, field in fields.items() if field.required and field.kind in ("string", "integer", "object")]
    for name, fields in TYPES.items()
}


def canonical(type_name: str, value: JSON, path: str) -> Object:
    """Return *value* as an object of Kubernetes' type *type_name*; raises ForbiddenField that names the path."""
    if not isinstance(value, dict):
        raise _wrong(path, value, "a mapping")
    fields = TYPES[type_name]
    found: Object = {}
    for name, item in value.items():
        field = fields.get(name)
        if field is None:
            raise ForbiddenField(_unknown(type_name, name, path))
        if item is not None:
            kept = _canonical_field(field, item, f"{path}.{name}")
            if not defaults.is_empty(type_name, name, kept):
                found[name] = kept
    if type_name == "ContainerPort":
        found.setdefault("protocol", "TCP")
    _check_required(type_name, found, path)
    return found


def canonical_list(type_name: str, value: JSON, path: str, keys: tuple[str, ...] = ()) -> tuple[Object, ...]:
    """Return *value* as a list of such objects, no two of one key; nothing at all is an empty list."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _wrong(path, value, "a list")
    items = [canonical(type_name, item, f"{path}[{index}]") for index, item in enumerate(value)]
    _check_keys(keys, items, path)
    return tuple(items)


def _canonical_field(field: Field, value: JSON, path: str) -> JSON:
    match field.kind:
        case "object" if field.of in TYPES:
            return canonical(field.of, value, path)
        case "list" if isinstance(value, list):
            items = [_canonical_item(field.of, item, f"{path}[{index}]") for index, item in enumerate(value)]
            _check_keys(field.keys, items, path)
            return items
        case "map" if isinstance(value, dict):
            return {
                name: _canonical_item(field.of, item, f"{path}.{name}")
                for name, item in value.items()
                if item is not None
            }
        case kind:
            return _check_scalar(kind, value, path)


def _canonical_item(of: str, value: JSON, path: str) -> JSON:
    return canonical(of, value, path) if of in TYPES else _check_scalar(of, value, path)


def _check_scalar(kind: str, value: JSON, path: str) -> JSON:
    if isinstance(value, str) and kind in _WRITTEN:
        return _check_text(value, path)
    match kind, value:
        case ("boolean", bool()):
            return value
        case ("any", _) | ("object", dict()):
            return value
        case (_, bool()):
            raise _wrong(path, value, _EXPECTED.get(kind, kind))
        case ("integer" | "int-or-string" | "number" | "quantity", int()) | ("number" | "quantity", float()):
            return value
        case _:
            raise _wrong(path, value, _EXPECTED.get(kind, kind))


def _check_text(value: str, path: str) -> str:
    """Refuse what UTF-8 cannot hold: a lone half of a surrogate pair."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ForbiddenField(f"{path} holds half a character (a lone surrogate): write the whole character") from None
    return value


def _check_keys(keys: tuple[str, ...], items: list[JSON], path: str) -> None:
    """Refuse two elements of one key: only the first would be there."""
    seen: set[tuple[JSON, ...]] = set()
    for item in items if keys else ():
        key = tuple(item.get(name) for name in keys)
        if key in seen:
            shown = "/".join(str(part) for part in key)
            raise ForbiddenField(f"{path} has two elements for {shown!r}: remove one")
        seen.add(key)


def _check_required(type_name: str, value: Object, path: str) -> None:
    for name in _REQUIRED[type_name]:
        if name not in value:
            raise ForbiddenField(f"{path} lacks {name!r}, which Kubernetes requires")


def _wrong(path: str, value: JSON, expected: str) -> ForbiddenField:
    shown = "nothing" if value is None else f"{_shortened(value)} ({_JSON_TYPES[type(value)]})"
    hint = ": quote it" if expected == "a string" and isinstance(value, int | float) else ""
    return ForbiddenField(f"{path} is {shown}, expected {expected}{hint}")


def _shortened(value: JSON) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _unknown(type_name: str, name: str, path: str) -> str:
    near = difflib.get_close_matches(name, TYPES[type_name], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{path}.{name}: {type_name} has no field {name!r}{hint}"

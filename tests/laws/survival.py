"""
Whether a pod still says all that it said before: the fourth law, written down without the engine's own merge.

What may change is what was not said: nulls, empties, what the API server fills in by default, ``image: auto``, a
priority that is computed anew, and the token's mount where a template keeps it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from injector.core import defaults, patches
from injector.core.field_table import TYPES, Field
from injector.core.model import TOKEN_PATH, TOKEN_VOLUME, Object

RECORD = "pillion.dev/status"
COMPUTED = ("priority", "preemptionPolicy")


def lost(before: Object, after: Object) -> list[str]:
    """Return the path of everything that *before* says and *after* does not."""
    return list(_lost_in_pod(before, after))


def _lost_in_pod(before: Object, after: Object) -> Iterator[str]:
    for key, value in before.items():
        if key not in ("metadata", "spec") and not patches.is_same(value, after.get(key)):
            yield f"/{key}"
    yield from _lost("ObjectMeta", _without_record(before["metadata"]), after["metadata"], "/metadata")
    yield from _lost("PodSpec", before["spec"], after["spec"], "/spec")


def _without_record(metadata: Object) -> Object:
    annotations = {key: text for key, text in (metadata.get("annotations") or {}).items() if key != RECORD}
    return {**metadata, "annotations": annotations}


def _lost(type_name: str, before: Object, after: Object, path: str) -> Iterator[str]:
    for name, value in before.items():
        field, where = TYPES[type_name].get(name), f"{path}/{name}"
        if _is_unsaid(type_name, name, value, before, after):
            continue
        if name not in after:
            yield where
        elif field is None:
            yield from _unless_same(value, after[name], where)
        else:
            yield from _lost_field(field, value, after[name], where)


def _is_unsaid(type_name: str, name: str, value: Any, before: Object, after: Object) -> bool:
    if value in (None, "") or (value in ([], {}) and TYPES[type_name].get(name)):
        return True
    if type_name == "Container" and name == "image":
        return bool(value == "auto" and after.get("image"))
    if (
        type_name == "PodSpec"
        and name in COMPUTED
        and after.get("priorityClassName") != before.get("priorityClassName")
    ):
        return after.get(name, ...) is None
    return defaults.is_default(type_name, name, value, before)


def _lost_field(field: Field, before: Any, after: Any, path: str) -> Iterator[str]:
    match field, before, after:
        case Field(kind="object", of=of), dict(), dict() if of in TYPES:
            yield from _lost(of, before, after, path)
        case Field(kind="list", of="Container"), list(), list():
            yield from _lost_containers(before, after, path)
        case Field(kind="list"), list(), list() if field.keys or field.of in TYPES:
            yield from _lost_items(before, after, path)
        case Field(kind="map"), dict(), dict():
            for key in before:
                yield from _unless_same(before[key], after.get(key), f"{path}/{key}")
        case _:
            yield from _unless_same(before, after, path)


def _lost_containers(before: list[Object], after: list[Object], path: str) -> Iterator[str]:
    """Containers are filled in; none is moved, so that new ones stand between the old ones at most."""
    rest = iter(after)
    for container in before:
        twin = next((item for item in rest if item["name"] == container["name"]), None)
        where = f"{path}/{container['name']}"
        yield from [f"{where}: gone or moved"] if twin is None else _lost("Container", container, twin, where)


def _lost_items(before: list[Object], after: list[Object], path: str) -> Iterator[str]:
    """Elements of all other lists are whole, and new ones stand behind them."""
    for index, item in enumerate(before):
        new = after[index] if index < len(after) else None
        if not _is_shielded_token(item, new):
            yield from _unless_same(item, new, f"{path}/{index}")


def _is_shielded_token(before: Object, after: Object | None) -> bool:
    return before.get("mountPath") == TOKEN_PATH and bool(after) and after.get("name") == TOKEN_VOLUME


def _unless_same(before: Any, after: Any, path: str) -> Iterator[str]:
    if not patches.is_same(before, after):
        yield path

"""
How the pod of an author and the same pod as the API server delivers it are compared.

The API server fills in defaults, leaves out what is empty or unknown and adds what its plugins bring (the token's
volume and mounts, tolerations). So a delivered result is right if it has everything that is expected, less what was
left out, list order included apart from what was added in between; and if what came in is nothing but what comes into
the authored pod, or what the API server itself fills into the expected one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from injector.core.model import TOKEN_PATH

TOKEN_VOLUME = "kube-api-access-"
"""What the name of the volume starts with that the ServiceAccount plugin adds: templates that list volumes see it."""

TOKEN_MOUNT = f"mountPath={TOKEN_PATH}"
"""It stands where the plugin has put it, also where ours takes its place."""

IDENTITIES = ("mountPath", "devicePath", "name", "containerPort", "ip", "topologyKey")
"""What tells the elements of a list apart, the first that an element has."""


def misplaced(found: Any, expected: Any, path: str = "") -> Iterator[str]:
    """Yield what stands in the lists of *expected* and does not come in that order in those of *found*."""
    match found, expected:
        case dict(), dict():
            for key in found.keys() & expected.keys():
                yield from misplaced(found[key], expected[key], f"{path}/{key}")
        case list(), [dict(), *_]:
            rest = iter(found)
            for name in (_identity(item) for item in expected):
                twin = next(
                    (item for item in (found if name == TOKEN_MOUNT else rest) if _identity(item) == name), None
                )
                yield from (
                    [f"{path}/{name}"] if twin is None else misplaced(twin, _named(expected, name), f"{path}/{name}")
                )


def _named(items: list[Any], name: str) -> Any:
    return next(item for item in items if _identity(item) == name)


def leaves(value: Any) -> set[tuple[str, str]]:
    """Return path and text of every scalar and empty or scalar list, elements of other lists by what they are named."""
    return set(_leaves(value, ""))


def additions(before: Any, after: Any) -> set[tuple[str, str]]:
    """Return every leaf that *after* has and *before* has not."""
    return leaves(after) - leaves(before)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case dict() if value:
            for key, item in value.items():
                yield from _leaves(item, f"{path}/{key}")
        case [dict(), *_]:
            for item in value:
                yield from _leaves(item, f"{path}/{_identity(item)}")
        case _:
            yield path, _text(value)


def _identity(item: Any) -> str:
    return next((f"{key}={item[key]}" for key in IDENTITIES if key in item), _text(item))


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = [item for item in value if TOKEN_VOLUME not in str(item)]
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()

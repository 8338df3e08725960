"""
JSON Patch (RFC 6902): what changed between two pods, and the proof that the patch does just that.

Only ``add`` and ``replace`` are ever made, because a merge only adds. Shared parts are skipped by identity, so the
cost is that of what changed. Nothing here knows what a pod is.
"""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any

from injector.core.errors import UnprovenPatch
from injector.core.model import JSON, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable


_ADDS = {"add": True, "replace": False}


def diff(before: JSON, after: JSON) -> tuple[Operation, ...]:
    """Return the operations that turn *before* into *after*; raises UnprovenPatch if something was removed."""
    found: list[Operation] = []
    _diff(before, after, "", found)
    return tuple(found)


def as_json(patch: Iterable[Operation]) -> list[dict[str, Any]]:
    """Return the patch as the API server reads it."""
    return [{"op": operation.op, "path": operation.path, "value": operation.value} for operation in patch]


def prove(received: JSON, patch: Iterable[Operation], expected: JSON) -> None:
    """
    Apply *patch* to the pod as *received* and compare with *expected*, strictly by type.

    Raises UnprovenPatch. The API server rejects a pod on a bad patch even under ``failurePolicy: Ignore``
    (k8s.io/apiserver, mutating/dispatcher.go), so nothing unproven may leave the process.
    """
    try:
        result = apply(received, patch)
    except (LookupError, TypeError, ValueError) as error:
        raise UnprovenPatch("the patch cannot be applied to the pod as received") from error
    if not is_same(result, expected):
        raise UnprovenPatch("the patch applied to the pod as received does not give the pod that was meant")


def apply(document: JSON, patch: Iterable[Operation]) -> JSON:
    """
    Return *document* after the ``add`` and ``replace`` operations of *patch*, as RFC 6902 says.

    The document itself stays as it is, and the result shares all that no operation touches. Raises LookupError,
    TypeError or ValueError. The tests hold it against the library ``jsonpatch``.
    """
    draft = _Draft(document)
    for operation in patch:
        *way, last = _parts(operation.path)
        draft.put(draft.open(way), last, operation.value, is_add=_ADDS[operation.op])
    return draft.document


class _Draft:
    """A document of which each part is copied before it is changed for the first time."""

    def __init__(self, document: JSON) -> None:
        self.document = document.copy()
        self._own = {id(self.document)}

    def open(self, way: Iterable[str]) -> JSON:
        """Return the part that stands at *way*, as one that may be changed."""
        holder = self.document
        for part in way:
            key = part if isinstance(holder, dict) else _index(part, len(holder) - 1)
            child = holder[key]
            if id(child) not in self._own:
                if not isinstance(child, dict | list):
                    raise TypeError(part)
                child = holder[key] = child.copy()
                self._own.add(id(child))
            holder = child
        return holder

    def put(self, holder: JSON, last: str, value: JSON, *, is_add: bool) -> None:
        """Do one operation on the part that it is about."""
        if isinstance(holder, dict):
            if not is_add and last not in holder:
                raise KeyError(last)
            holder[last] = value
        elif is_add:
            holder.insert(len(holder) if last == "-" else _index(last, len(holder)), value)
        else:
            holder[_index(last, len(holder) - 1)] = value


def _parts(path: str) -> list[str]:
    """Return the tokens of a JSON Pointer (RFC 6901)."""
    parts = path.split("/")[1:]
    return [part.replace("~1", "/").replace("~0", "~") for part in parts] if "~" in path else parts


def _index(part: str, highest: int) -> int:
    """Return a place in a list; raises IndexError unless it is written and lies as RFC 6901 demands."""
    is_number = part.isascii() and part.isdigit() and (part == "0" or part[0] != "0")
    if not is_number or int(part) > highest:
        raise IndexError(f"{part!r} is no place in a list up to {highest}")
    return int(part)


def is_same(left: JSON, right: JSON) -> bool:
    """Whether two JSON values are equal, types included: neither ``1`` and ``true`` nor ``1`` and ``1.0`` are."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(is_same(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    return bool(left == right)


def _diff(before: JSON, after: JSON, path: str, found: list[Operation]) -> None:
    if isinstance(before, dict) and isinstance(after, dict):
        _diff_mappings(before, after, path, found)
    elif isinstance(before, list) and isinstance(after, list):
        _diff_lists(before, after, path, found)
    elif before != after or type(before) is not type(after):
        found.append(Operation("replace", path, after))


def _diff_mappings(before: dict[str, JSON], after: dict[str, JSON], path: str, found: list[Operation]) -> None:
    added = 0
    for key, value in after.items():
        if key not in before:
            added += 1
            found.append(Operation("add", f"{path}/{_escape(key)}", value))
        elif before[key] is not value:
            _diff(before[key], value, f"{path}/{_escape(key)}", found)
    if len(before) + added != len(after):
        raise UnprovenPatch(f"a field of {path or 'the pod'} would be removed")


def _diff_lists(before: list[JSON], after: list[JSON], path: str, found: list[Operation]) -> None:
    """Walk both lists: what is the same or has the same name is paired, what is new in *after* is added in place."""
    old, count = 0, len(before)
    if count <= len(after) and all(map(is_, before, after)):
        found.extend(Operation("add", f"{path}/-", item) for item in after[count:])
        return
    for new, item in enumerate(after):
        if old < count and item is before[old]:
            old += 1
        elif old < count and (len(after) - new == count - old or _are_paired(before[old], item)):
            _diff(before[old], item, f"{path}/{new}", found)
            old += 1
        else:
            found.append(Operation("add", f"{path}/{'-' if old == count else new}", item))
    if old < count:
        raise UnprovenPatch(f"an item of {path} would be removed")


def _are_paired(old: JSON, new: JSON) -> bool:
    """Whether both are objects of one name: containers are the only list items that a merge changes."""
    return isinstance(old, dict) and isinstance(new, dict) and "name" in old and old["name"] == new.get("name")


def _escape(key: str) -> str:
    """Return *key* as a token of a JSON Pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1") if "/" in key or "~" in key else key

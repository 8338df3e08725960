"""
JSON Patch (RFC 6902): what changed between two pods, and the proof that the patch does just that.

Only ``add`` and ``replace`` are ever made, because a merge only adds. Shared parts are skipped by identity, so the
cost is that of what changed. Nothing here knows what a pod is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from injector.core.errors import UnprovenPatch
from injector.core.model import JSON, Operation

_OPERATIONS = ("add", "replace")
_MISSING: Any = object()


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
    for operation, path, value in patch:
        holder, last = draft.open(path)
        if operation not in _OPERATIONS:
            raise LookupError(operation)
        if type(holder) is list:
            _put_in_list(holder, last, value, operation)
        elif operation == "add" or last in holder:
            holder[last] = value
        else:
            raise KeyError(last)
    return draft.document


class _Draft:
    """A document of which each part is copied before it is changed for the first time."""

    def __init__(self, document: JSON) -> None:
        self.document = document.copy()
        self._own = {id(self.document)}
        self._opened = ""
        self._holder = self.document

    def open(self, path: str) -> tuple[JSON, str]:
        """Return the part in which *path* ends, as one that may be changed, and the last token of *path*."""
        way, slash, last = path.rpartition("/")
        if not slash:
            raise LookupError(path)
        if way != self._opened:  # else as before: an operation on a part leaves it where it stands
            self._holder = self._descend(way)
            self._opened = way
        return self._holder, _unescaped(last) if "~" in last else last

    def _descend(self, way: str) -> JSON:
        holder, own = self.document, self._own
        for part in way.split("/")[1:]:
            key: Any = part
            if type(holder) is list:
                key = _index(part, len(holder) - 1)
            elif "~" in part:
                key = _unescaped(part)
            child = holder[key]
            if id(child) not in own:
                if type(child) is not dict and type(child) is not list:
                    raise TypeError(part)
                child = holder[key] = child.copy()
                own.add(id(child))
            holder = child
        return holder


def _put_in_list(holder: list[JSON], last: str, value: JSON, operation: str) -> None:
    if operation != "add":
        holder[_index(last, len(holder) - 1)] = value
    elif last == "-":
        holder.append(value)
    else:
        holder.insert(_index(last, len(holder)), value)


def _unescaped(part: str) -> str:
    """Return a token of a JSON Pointer (RFC 6901) as the key that it stands for."""
    return part.replace("~1", "/").replace("~0", "~")


def _index(part: str, highest: int) -> int:
    """Return a place in a list; raises IndexError unless it is written and lies as RFC 6901 demands."""
    is_number = part.isdigit() and part.isascii() and (part[0] != "0" or part == "0")
    if not is_number or int(part) > highest:
        raise IndexError(f"{part!r} is no place in a list up to {highest}")
    return int(part)


def is_same(left: JSON, right: JSON) -> bool:
    """Whether two JSON values are equal, types included: neither ``1`` and ``true`` nor ``1`` and ``1.0`` are."""
    if left is right:
        return True
    kind = type(left)
    if kind is not type(right):
        return False
    if kind is dict:
        return len(left) == len(right) and _are_same_mappings(left, right)
    if kind is list:
        return len(left) == len(right) and _are_same_lists(left, right)
    return bool(left == right)


def _are_same_mappings(left: dict[str, JSON], right: dict[str, JSON]) -> bool:
    for key, value in left.items():
        other = right.get(key, _MISSING)
        if value is not other and not is_same(value, other):
            return False
    return True


def _are_same_lists(left: list[JSON], right: list[JSON]) -> bool:
    for place, item in enumerate(left):
        other = right[place]
        if item is not other and not is_same(item, other):
            return False
    return True


def _diff(before: JSON, after: JSON, path: str, found: list[Operation]) -> None:
    kind = type(after)
    if kind is not type(before):
        found.append(Operation("replace", path, after))
    elif kind is dict:
        _diff_mappings(before, after, path, found)
    elif kind is list:
        _diff_lists(before, after, path, found)
    elif before != after:
        found.append(Operation("replace", path, after))


def _diff_mappings(before: dict[str, JSON], after: dict[str, JSON], path: str, found: list[Operation]) -> None:
    added = 0
    for key, value in after.items():
        old = before.get(key, _MISSING)
        if old is value:
            continue
        if old is _MISSING:
            added += 1
            found.append(Operation("add", f"{path}/{_escape(key)}", value))
        else:
            _diff(old, value, f"{path}/{_escape(key)}", found)
    if len(before) + added != len(after):
        raise UnprovenPatch(f"a field of {path or 'the pod'} would be removed")


def _diff_lists(before: list[JSON], after: list[JSON], path: str, found: list[Operation]) -> None:
    """Walk both lists: what is the same or has the same name is paired, what is new in *after* is added in place."""
    old, count = 0, len(before)
    if _begins_with(after, before):
        at_end = f"{path}/-"
        found += [Operation("add", at_end, item) for item in after[count:]]
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


def _begins_with(items: list[JSON], first: list[JSON]) -> bool:
    if len(first) > len(items):
        return False
    for place, item in enumerate(first):  # noqa: SIM110 - a loop is what compiles best
        if item is not items[place]:
            return False
    return True


def _are_paired(old: JSON, new: JSON) -> bool:
    """Whether both are objects of one name: containers are the only list items that a merge changes."""
    return isinstance(old, dict) and isinstance(new, dict) and "name" in old and old["name"] == new.get("name")


def _escape(key: str) -> str:
    """Return *key* as a token of a JSON Pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1") if "/" in key or "~" in key else key

"""
The rule for fields: fill in what *mine* does not say, field by field, by the types of Kubernetes.

Maps and structs are filled in depth. Lists merge by the keys of server-side apply, and an element that is there
stays whole. The members of a union are never mixed. What is missing includes what the API server has filled in by
default (``defaults``). Results share everything that did not change with *mine*.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import TypeAlias

from injector.core import defaults
from injector.core.errors import Conflict
from injector.core.field_table import TYPES, Field
from injector.core.model import JSON, Object

Notes: TypeAlias = list[str]
"""Sentences on what stays as the pod has it although a template says otherwise."""

UNIONS = {
    "Probe": ("exec", "grpc", "httpGet", "tcpSocket"),
    "LifecycleHandler": ("exec", "httpGet", "sleep", "tcpSocket"),
}
"""Types that hold one of several members beside other fields: with one there, none of ours comes in."""

WHOLE = frozenset({
    "AppArmorProfile", "Capabilities", "SELinuxOptions", "SeccompProfile", "WindowsSecurityContextOptions",
})  # fmt: skip
"""Structs whose fields mean something only together: one that is there stays as it is."""

SETS = frozenset({"envFrom", "tolerations"})
"""Lists without keys whose order means nothing here: an equal element is not added again."""

ADDED_BY_ADMISSION = ("priority", "preemptionPolicy")
"""What the Priority plugin computes from ``priorityClassName``, before and again after webhooks."""


class Course:
    """What lasts from one filling of a pod to the next: the notes, and the keys of lists, each found once."""

    __slots__ = ("_keys", "notes")

    def __init__(self) -> None:
        self.notes: Notes = []
        self._keys: dict[int, tuple[list[Object], set[JSON]]] = {}  # with the list, so that its id stays its own

    def keys_of(self, field: Field, items: list[Object]) -> set[JSON]:
        """Return what tells the elements of a list apart; raises LookupError."""
        known = self._keys.get(id(items))
        if known is None:
            known = self._keys[id(items)] = (items, set(_keys(field, items)))
        return known[1]

    def replace(self, items: list[Object], longer: list[Object], keys: set[JSON]) -> None:
        """Let *longer*, whose keys these are, follow on *items*, which nobody asks for any more."""
        del self._keys[id(items)]
        self._keys[id(longer)] = (longer, keys)


def fill(type_name: str, mine: Object, ours: Object, path: str, course: Course) -> Object:
    """Return *mine* with what is missing taken from *ours*; the same object if nothing was. Raises Conflict."""
    if not ours:
        return mine
    closed = _closed_members(type_name, mine) if type_name in UNIONS else ()
    changed: Object = {}
    for name, value in ours.items():
        have = mine.get(name)
        new = have if name in closed else _fill_field(type_name, name, mine, value, path, course)
        if new is not have:
            changed[name] = new
    if "priorityClassName" in changed and type_name == "PodSpec":
        changed.update((name, None) for name in ADDED_BY_ADMISSION if mine.get(name) is not None and name not in ours)
    return {**mine, **changed} if changed else mine


def fill_map(mine: dict[str, str] | None, ours: Mapping[str, str]) -> dict[str, str] | None:
    """Return *mine* with the missing keys of *ours*; the same map if none was."""
    have = mine or {}
    missing = {key: value for key, value in ours.items() if have.get(key) is None}
    return {**have, **missing} if missing else mine


def _closed_members(type_name: str, mine: Object) -> tuple[str, ...]:
    """Return the members of a union that may not come in, because *mine* has one already."""
    members = UNIONS[type_name]
    return members if any(mine.get(member) is not None for member in members) else ()


def _fill_field(type_name: str, name: str, mine: Object, ours: JSON, path: str, course: Course) -> JSON:
    have, field = mine.get(name), TYPES[type_name][name]
    if have is None or have == "" or (not have and field.kind in ("list", "map")):
        return ours
    if field.kind == "object" and field.of in TYPES and field.of not in WHOLE and field.list_type != "atomic":
        return _fill_struct(field.of, have, ours, f"{path}.{name}", course)
    if field.kind == "map":
        return fill_map(have, ours)
    if field.kind == "list" and (field.keys or name in SETS):
        return _fill_list(field, name, have, ours, f"{path}.{name}", course)
    if have != ours and defaults.is_default(type_name, name, have, mine):
        return ours
    return have


def _fill_struct(type_name: str, mine: Object, ours: Object, path: str, course: Course) -> Object:
    if type_name == "ResourceRequirements":
        return _fill_resources(mine, ours, path, course)
    return fill(type_name, mine, ours, path, course)


def _fill_resources(mine: Object, ours: Object, path: str, course: Course) -> Object:
    """Fill in per resource name, request and limit together: ours for a name that *mine* has would contradict it."""
    named = {*(mine.get("requests") or {}), *(mine.get("limits") or {})}
    rest: Object = {}
    for part, value in ours.items():
        kept = {name: amount for name, amount in value.items() if name not in named} if part != "claims" else value
        if kept:
            rest[part] = kept
    return fill("ResourceRequirements", mine, rest, path, course)


def _fill_list(
    field: Field, name: str, mine: list[Object], ours: list[Object], path: str, course: Course
) -> list[Object]:
    if not isinstance(mine, list):
        raise TypeError(path)  # no API server lets that through: admission says so
    if name not in SETS:
        return _fill_keyed_list(field, mine, ours, path, course)
    missing = _missing_of_set(field, mine, ours)
    return [*mine, *missing] if missing else mine


def _missing_of_set(field: Field, mine: list[Object], ours: list[Object]) -> list[Object]:
    have = [defaults.normalized(field.of, item) for item in mine]
    return [item for item in ours if defaults.normalized(field.of, item) not in have]


def _fill_keyed_list(field: Field, mine: list[Object], ours: list[Object], path: str, course: Course) -> list[Object]:
    have, keys, missing = course.keys_of(field, mine), course.keys_of(field, ours), ours
    if not have.isdisjoint(keys):
        missing = _missing_by_key(field, mine, ours, path, course)
        keys = set(_keys(field, missing))
    if not missing:
        return mine
    longer = [*mine, *missing]
    have |= keys
    course.replace(mine, longer, have)
    return longer


def _missing_by_key(field: Field, mine: list[Object], ours: list[Object], path: str, course: Course) -> list[Object]:
    present = dict(zip(_keys(field, mine), mine, strict=True))
    missing = []
    for key, item in zip(_keys(field, ours), ours, strict=True):
        if key in present:
            shown = "/".join(map(str, key)) if isinstance(key, tuple) else key
            _compare(field, present[key], item, f"{path}[{shown}]", course)
        else:
            missing.append(item)
    return missing


def _keys(field: Field, items: list[Object]) -> list[JSON]:
    """Return what tells each element apart; a port without protocol is one of TCP. Raises LookupError."""
    if len(field.keys) == 1:
        name = field.keys[0]
        is_required = TYPES[field.of][name].required
        return [*map(itemgetter(name), items)] if is_required else [item.get(name) for item in items]
    return [
        tuple("TCP" if key == "protocol" and not item.get(key) else item.get(key) for key in field.keys)
        for item in items
    ]


def _compare(field: Field, mine: Object, ours: Object, path: str, course: Course) -> None:
    if mine == ours or defaults.normalized(field.of, mine) == defaults.normalized(field.of, ours):
        return
    if field.of == "VolumeMount" and mine.get("name") != ours.get("name"):
        raise Conflict(
            f"{path}: volume {mine.get('name')!r} is mounted there already, so {ours.get('name')!r} cannot be;"
            " change the mountPath of one of them"
        )
    course.notes.append(f"{path} stays as the pod has it")


def covers(type_name: str, mine: Object, ours: Object) -> bool:
    """Whether *mine* says all that *ours* says, modulo what the API server fills in."""
    if all(mine.get(name) == value for name, value in ours.items()):
        return True
    have, want = defaults.normalized(type_name, mine), defaults.normalized(type_name, ours)
    return all(_covers_field(TYPES[type_name][name], have.get(name), value) for name, value in want.items())


def _covers_field(field: Field, mine: JSON, ours: JSON) -> bool:
    if isinstance(mine, list) and isinstance(ours, list) and field.of in TYPES:
        return all(item in mine for item in ours)
    if isinstance(mine, dict) and isinstance(ours, dict):
        return all(_covers_value(mine.get(name), value) for name, value in ours.items())
    return bool(mine == ours)


def _covers_value(mine: JSON, ours: JSON) -> bool:
    if isinstance(mine, dict) and isinstance(ours, dict):
        return all(_covers_value(mine.get(name), value) for name, value in ours.items())
    return bool(mine == ours)

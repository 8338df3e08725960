"""
``pod ⊔ fragment``: fill in what is missing; what the pod already says always wins.

Nothing is copied but the path that changes, and nothing is changed in place: what is the same object before and
after is untouched, which is how ``patches.diff`` finds the difference. A result that Kubernetes would refuse is a
Conflict. Here are the places of containers and volumes; the rule for their fields is ``filling``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from injector.core import defaults, filling
from injector.core.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from injector.core.filling import Notes
    from injector.core.model import Fragment, Object

AUTO_IMAGE = "auto"
"""The image of an overlay that stands for the template's image (Istio's convention)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A pod with fragments in it."""

    pod: Object
    notes: tuple[str, ...] = ()
    """What people should know: elements of the pod that differ from ours and stay."""
    front: int = 0
    """How many new init containers stand before the pod's own."""


def merge(merged: Merged, fragment: Fragment, *, native: bool, produced: frozenset[str]) -> Merged:
    """
    Fill *fragment* in; the pod is the very same object if nothing was missing. Raises Conflict.

    A sidecar that the pod does not have yet becomes a native one if *native*. *produced* are the names of all
    containers that any template brings: every other container is the application's.
    """
    notes: Notes = []
    spec = merged.pod.get("spec") or {}
    _check_ephemeral(spec, fragment)
    lists, front = _merge_containers(spec, fragment, native=native, produced=produced, front=merged.front, notes=notes)
    volumes = _merge_volumes(spec.get("volumes") or [], fragment)
    filled = filling.fill("PodSpec", _with(spec, volumes=volumes, **lists), fragment.pod, "spec", notes)
    _check_mounts(filled, fragment)
    pod = _with(merged.pod, metadata=_merge_metadata(merged.pod.get("metadata") or {}, fragment), spec=filled)
    return Merged(pod=pod, notes=(*merged.notes, *notes), front=front)


def _with(holder: Object, **fields: object) -> Object:
    """Return *holder* with *fields*; the same object if it has them already. What is empty stays absent."""
    changed = {name: item for name, item in fields.items() if item is not holder.get(name) and (item or holder.get(name))}
    return {**holder, **changed} if changed else holder


def _merge_metadata(metadata: Object, fragment: Fragment) -> Object:
    labels = filling.fill_map(metadata.get("labels"), dict(fragment.labels))
    annotations = filling.fill_map(metadata.get("annotations"), dict(fragment.annotations))
    return _with(metadata, labels=labels, annotations=annotations)


def _merge_volumes(volumes: list[Object], fragment: Fragment) -> list[Object]:
    present = {volume.get("name"): volume for volume in volumes}
    missing: list[Object] = []
    for volume in fragment.volumes:
        mine = present.get(volume["name"])
        if mine is None:
            missing.append(volume)
        elif mine != volume and defaults.normalized("Volume", mine) != defaults.normalized("Volume", volume):
            raise Conflict(f"volume {volume['name']!r} exists with another source; rename the pod's volume")
    return [*volumes, *missing] if missing else volumes


def _merge_containers(
    spec: Object, fragment: Fragment, *, native: bool, produced: frozenset[str], front: int, notes: Notes
) -> tuple[dict[str, list[Object]], int]:
    """Return both lists with overlays and application containers filled in and the missing ones in their places."""
    containers, init = spec.get("containers") or [], spec.get("initContainers") or []
    ours = {container["name"]: container for container in (*fragment.sidecars, *fragment.init_containers)}
    always = {sidecar["name"]: _as_native(sidecar) for sidecar in fragment.sidecars}
    present = {container["name"] for container in (*containers, *init)}
    sidecars = [sidecar for sidecar in fragment.sidecars if sidecar["name"] not in present]
    plain = [container for container in fragment.init_containers if container["name"] not in present]
    fill = partial(_fill_container, fragment=fragment, produced=produced, notes=notes)
    containers = _mapped(containers, partial(fill, ours=ours, prefix=""))
    init = _mapped(init, partial(fill, ours={**ours, **always}, prefix="init:"))
    before = [*map(_as_native, sidecars)] if native else []
    before += plain if fragment.template.init_first else []
    after = [] if fragment.template.init_first else plain
    lists = {
        "containers": containers if native or not sidecars else [*containers, *sidecars],
        "initContainers": [*init[:front], *before, *init[front:], *after] if before or after else init,
    }
    return lists, front + len(before)


def _as_native(sidecar: Object) -> Object:
    return {**sidecar, "restartPolicy": "Always"}


def _mapped(items: list[Object], change: Callable[[Object], Object]) -> list[Object]:
    """Return the changed items; the same list if none changed."""
    changed = [change(item) for item in items]
    return changed if any(new is not old for new, old in zip(changed, items, strict=True)) else items


def _fill_container(
    mine: Object, *, fragment: Fragment, ours: dict[str, Object], produced: frozenset[str], prefix: str, notes: Notes
) -> Object:
    """Fill in one container of the pod: as an overlay of ours, as one of the application's, or not at all."""
    name = mine["name"]
    path = f"container {name!r}"
    if name in ours:
        return filling.fill("Container", _with_image(mine, ours[name]), ours[name], path, notes)
    if not fragment.application or name in produced or not _is_target(prefix + name, prefix, fragment):
        return mine
    filled = filling.fill("Container", mine, fragment.application, path, notes)
    notes += _late_variables(mine, filled, path)
    return filled


def _is_target(name: str, prefix: str, fragment: Fragment) -> bool:
    if not fragment.targets:
        return not prefix
    return any(
        fnmatchcase(name, target) for target in fragment.targets if target.startswith("init:") == bool(prefix)
    )


def _with_image(mine: Object, ours: Object) -> Object:
    """Put the template's image, and the pull policy that goes with it, in the place of ``auto``."""
    if mine.get("image") != AUTO_IMAGE:
        return mine
    image = ours["image"]
    policy = mine.get("imagePullPolicy")
    if policy is None or policy != defaults.default_pull_policy(AUTO_IMAGE):
        return {**mine, "image": image}
    return {**mine, "image": image, "imagePullPolicy": ours.get("imagePullPolicy") or defaults.default_pull_policy(image)}


def _late_variables(mine: Object, filled: Object, path: str) -> Iterator[str]:
    """Tell of variables of the author's that refer to one of ours: ``$(VAR)`` only sees earlier ones."""
    own = mine.get("env") or []
    for added in (filled.get("env") or [])[len(own) :]:
        for variable in own:
            if f"$({added['name']})" in str(variable.get("value") or ""):
                yield f"{path}: {variable['name']} refers to $({added['name']}), which is injected after it and stays empty"


def _check_ephemeral(spec: Object, fragment: Fragment) -> None:
    for container in spec.get("ephemeralContainers") or ():
        if container.get("name") in fragment.containers:
            raise Conflict(f"an ephemeral container is named {container['name']!r} like one of the template's")


def _check_mounts(spec: Object, fragment: Fragment) -> None:
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    for name, mount in _mounts(fragment):
        if mount["name"] not in volumes:
            raise Conflict(f"{name} mounts volume {mount['name']!r}, which neither the pod nor the template has")


def _mounts(fragment: Fragment) -> Iterable[tuple[str, Object]]:
    for container in (*fragment.sidecars, *fragment.init_containers):
        yield from ((f"container {container['name']!r}", mount) for mount in container.get("volumeMounts", ()))
    yield from (("the application's container", mount) for mount in fragment.application.get("volumeMounts", ()))

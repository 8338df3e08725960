"""
``pod ⊔ fragment``: fill in what is missing; what the pod already says always wins.

Nothing is copied but the path that changes, and nothing is changed in place: what is the same object before and
after is untouched, which is how ``patches.diff`` finds the difference. A result that Kubernetes would refuse is a
Conflict. Here are the places of containers and volumes; the rule for their fields is ``filling``.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from operator import is_
from typing import NamedTuple

from injector.core import defaults, filling, tokens
from injector.core.errors import Conflict
from injector.core.filling import Notes
from injector.core.model import Fragment, Object

INIT = "init:"
"""What stands before the name of an init container among a template's targets."""

AUTO_IMAGE = "auto"
"""The image of an overlay that stands for the template's image (Istio's convention)."""


VOLUME_IDENTITIES = {
    "configMap": "name",
    "csi": "driver",
    "hostPath": "path",
    "image": "reference",
    "persistentVolumeClaim": "claimName",
    "secret": "secretName",
}
"""Sources of volumes that stand for something else, and the field that says for what."""


class Places(NamedTuple):
    """How many new init containers stand before the pod's own: native sidecars, and behind them plain ones."""

    sidecars: int = 0
    plain: int = 0


class Merged(NamedTuple):
    """A pod with fragments in it."""

    pod: Object
    notes: tuple[str, ...] = ()
    """What people should know: elements of the pod that differ from ours and stay."""
    places: Places = Places()


def merge(merged: Merged, fragment: Fragment, *, native: bool, produced: frozenset[str]) -> Merged:
    """
    Fill *fragment* in; the pod is the very same object if nothing was missing. Raises Conflict.

    A sidecar that the pod does not have yet becomes a native one if *native*. *produced* are the names of all
    containers that any template brings: every other container is the application's.
    """
    notes: Notes = []
    spec = merged.pod.get("spec") or {}
    _check_ephemeral(spec, fragment)
    filler = _Filler(fragment, produced, notes)
    lists, places = _merge_containers(spec, filler, native=native, places=merged.places)
    volumes = _merge_volumes(spec.get("volumes") or [], fragment, notes)
    filled = filling.fill("PodSpec", _with(spec, volumes=volumes, **lists), fragment.pod, "spec", notes)
    pod = _with(merged.pod, metadata=_merge_metadata(merged.pod.get("metadata") or {}, fragment), spec=filled)
    return Merged(pod=pod, notes=(*merged.notes, *notes), places=places)


def check_mounts(merged: Merged, fragment: Fragment) -> None:
    """
    Raise Conflict if *fragment* mounts a volume that is not there once all fragments are merged.

    Asked of the whole, because a later template's volume is there too when the pod comes back for a second call.
    """
    volumes = {volume["name"] for volume in (merged.pod.get("spec") or {}).get("volumes") or ()}
    for where, volume in fragment.mounts:
        if volume not in volumes:
            raise Conflict(f"{where} mounts volume {volume!r}, which neither the pod nor any template has")


def _with(holder: Object, **fields: object) -> Object:
    """Return *holder* with *fields*; the same object if it has them already. What is empty stays absent."""
    changed = {
        name: item for name, item in fields.items() if item is not holder.get(name) and (item or holder.get(name))
    }
    return {**holder, **changed} if changed else holder


def _merge_metadata(metadata: Object, fragment: Fragment) -> Object:
    labels = filling.fill_map(metadata.get("labels"), fragment.labels)
    annotations = filling.fill_map(metadata.get("annotations"), fragment.annotations)
    return _with(metadata, labels=labels, annotations=annotations)


def _merge_volumes(volumes: list[Object], fragment: Fragment, notes: Notes) -> list[Object]:
    present = {volume["name"]: volume for volume in volumes}
    missing: list[Object] = []
    for volume in fragment.volumes:
        mine = present.get(volume["name"])
        if mine is None:
            missing.append(volume)
        elif mine != volume and defaults.normalized("Volume", mine) != defaults.normalized("Volume", volume):
            _check_source(mine, volume)
            notes.append(f"volume {volume['name']!r} stays as the pod has it")
    return [*volumes, *missing] if missing else volumes


def _check_source(mine: Object, ours: Object) -> None:
    """Let the author tune what is injected, such as the size of an empty directory, but not swap it for another."""
    source = next(name for name in ours if name != "name")
    identity = VOLUME_IDENTITIES.get(source, "")
    if source not in mine or (mine[source] or {}).get(identity) != (ours[source] or {}).get(identity):
        raise Conflict(f"volume {ours['name']!r} exists with another source; rename the pod's volume")


def _merge_containers(
    spec: Object, filler: _Filler, *, native: bool, places: Places
) -> tuple[dict[str, list[Object]], Places]:
    """Return both lists with overlays and application containers filled in and the missing ones in their places."""
    fragment = filler.fragment
    containers, init = spec.get("containers") or [], spec.get("initContainers") or []
    present = {container["name"] for container in (*containers, *init)}
    ours = fragment.native_sidecars if native else fragment.sidecars
    sidecars = [sidecar for sidecar in ours if sidecar["name"] not in present]
    plain = [container for container in fragment.init_containers if container["name"] not in present]
    containers, init = _filled(containers, filler, ""), _filled(init, filler, INIT)
    if native:
        at = places.sidecars
        init = _inserted(init, at, sidecars)
        places = Places(at + len(sidecars), places.plain)
    else:
        containers = _inserted(containers, len(containers), sidecars)
    at = places.sidecars + places.plain if fragment.template.init_first else len(init)
    init = _inserted(init, at, plain)
    places = Places(places.sidecars, places.plain + (len(plain) if fragment.template.init_first else 0))
    return {"containers": containers, "initContainers": init}, places


def _inserted(items: list[Object], at: int, new: list[Object]) -> list[Object]:
    return [*items[:at], *new, *items[at:]] if new else items


def _filled(containers: list[Object], filler: _Filler, prefix: str) -> list[Object]:
    """Return the containers filled in; the same list if none changed."""
    filled = [filler.fill(container, prefix) for container in containers]
    return containers if all(map(is_, filled, containers)) else filled


class _Filler(NamedTuple):
    """Fills in one container of the pod: as an overlay of ours, as one of the application's, or not at all."""

    fragment: Fragment
    produced: frozenset[str]
    notes: Notes

    def fill(self, mine: Object, prefix: str) -> Object:
        """Fill in a container; *prefix* is ``init:`` for one of ``initContainers``, and empty for any other."""
        name, fragment = mine["name"], self.fragment
        if name in fragment.containers:
            return self._fill_overlay(mine, name, prefix)
        if not fragment.application or name in self.produced or not _is_target(name, prefix, fragment.targets):
            return mine
        path = f"container {name!r}"
        filled = filling.fill("Container", mine, fragment.application, path, self.notes)
        if filled.get("env") is not mine.get("env"):
            self.notes.extend(_late_variables(mine, filled, path))
        return filled

    def _fill_overlay(self, mine: Object, name: str, prefix: str) -> Object:
        """Where the author wrote an overlay of a sidecar decides whether it is a native one."""
        fragment = self.fragment
        sidecars = fragment.native_sidecars if prefix else fragment.sidecars
        ours = next(each for each in (*sidecars, *fragment.init_containers) if each["name"] == name)
        started = tokens.give_way(_with_image(mine, ours), ours)
        return filling.fill("Container", started, ours, f"container {name!r}", self.notes)


def _is_target(name: str, prefix: str, targets: tuple[str, ...]) -> bool:
    """Whether a container is meant: an init one by targets with that prefix only, any regular one by none at all."""
    if not targets:
        return not prefix
    return any(fnmatchcase(prefix + name, target) for target in targets if target.startswith(INIT) == bool(prefix))


def _with_image(mine: Object, ours: Object) -> Object:
    """Put the template's image, and the pull policy that goes with it, in the place of ``auto``."""
    if mine.get("image") != AUTO_IMAGE:
        return mine
    image = ours["image"]
    policy = mine.get("imagePullPolicy")
    if policy is None or policy != defaults.default_pull_policy(AUTO_IMAGE):
        return {**mine, "image": image}
    return {
        **mine,
        "image": image,
        "imagePullPolicy": ours.get("imagePullPolicy") or defaults.default_pull_policy(image),
    }


def _late_variables(mine: Object, filled: Object, path: str) -> Iterator[str]:
    """Tell of variables of the author's that refer to one of ours: ``$(VAR)`` only sees earlier ones."""
    own = mine.get("env") or []
    referring = [variable for variable in own if "$(" in (variable.get("value") or "")]
    for added in (filled.get("env") or [])[len(own) :]:
        reference = f"$({added['name']})"
        for variable in referring:
            if reference in str(variable["value"]):
                yield f"{path}: {variable['name']} refers to {reference}, which is injected after it and stays empty"


def _check_ephemeral(spec: Object, fragment: Fragment) -> None:
    for container in spec.get("ephemeralContainers") or ():
        if container.get("name") in fragment.containers:
            raise Conflict(f"an ephemeral container is named {container['name']!r} like one of the template's")

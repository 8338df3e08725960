"""
``pod ⊔ fragment``: fill in what is missing; what the pod already says always wins.

Nothing is copied but the path that changes, and nothing is changed in place: what is the same object before and
after is untouched, which is how ``patches.diff`` finds the difference. A result that Kubernetes would refuse is a
Conflict. Here are the places of containers and volumes; the rule for their fields is ``filling``.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from operator import is_
from typing import NamedTuple, TypeAlias

from injector.core import defaults, filling, tokens
from injector.core.errors import Conflict
from injector.core.filling import Course
from injector.core.model import CONTAINER_LISTS, Fragment, Object

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


Place: TypeAlias = tuple[str, int]
"""Where a container of the pod stands: in which list, and as which."""


class Draft:
    """
    A pod into which fragments are filled one after the other. The pod itself stays as it is.

    Whatever grows with the fragments, the containers that have come and the keys of lists, is walked once and not
    again for each of them. After a Conflict a draft is of no use.
    """

    def __init__(self, pod: Object, produced: frozenset[str]) -> None:
        """*produced* are the names of all containers that any template brings: every other is the application's."""
        self._pod = pod
        self._spec = spec = pod.get("spec") or {}
        self._filled = spec
        self._metadata = metadata = pod.get("metadata") or {}
        self._labels, self._annotations = metadata.get("labels"), metadata.get("annotations")
        self._course = Course()
        self._lists = {name: spec.get(name) or [] for name in CONTAINER_LISTS}
        self._own = _by_name(self._lists)
        self._application = [place for name, places in self._own.items() if name not in produced for place in places]
        self._arrivals = Arrivals([], [], [], [])
        self._volumes = {volume["name"]: volume for volume in spec.get("volumes") or ()}
        self._new_volumes: list[Object] = []
        self._referring: dict[Place, tuple[int, list[Object]]] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know: elements of the pod that differ from ours and stay."""
        return tuple(self._course.notes)

    def merge(self, fragment: Fragment, *, native: bool) -> bool:
        """
        Fill *fragment* in; return whether anything was missing. Raises Conflict.

        A sidecar that the pod does not have yet becomes a native one if *native*.
        """
        _check_ephemeral(self._spec, fragment)
        before = (self._filled, self._labels, self._annotations)
        is_changed = self._fill_containers(fragment)
        is_changed |= self._add_containers(fragment, native=native)
        is_changed |= self._add_volumes(fragment)
        self._filled = filling.fill("PodSpec", self._filled, fragment.pod, "spec", self._course)
        self._labels = filling.fill_map(self._labels, fragment.labels)
        self._annotations = filling.fill_map(self._annotations, fragment.annotations)
        after = (self._filled, self._labels, self._annotations)
        return is_changed or not all(map(is_, before, after))

    def check_mounts(self, fragment: Fragment) -> None:
        """
        Raise Conflict if *fragment* mounts a volume that is not there once all fragments are merged.

        Asked of the whole, because a later template's volume is there too when the pod comes back for a second call.
        """
        for where, volume in fragment.mounts:
            if volume not in self._volumes:
                raise Conflict(f"{where} mounts volume {volume!r}, which neither the pod nor any template has")

    def finish(self) -> Object:
        """Return the pod with all fragments in it; the very same object if nothing was missing."""
        sidecars, first, last, classic = self._arrivals
        spec = _with(
            self._spec,
            volumes=_extended(self._spec.get("volumes") or [], self._new_volumes),
            containers=_extended(self._lists["containers"], classic),
            initContainers=_extended(self._lists["initContainers"], last, before=[*sidecars, *first]),
        )
        fields = {name: item for name, item in self._filled.items() if item is not self._spec.get(name)}
        metadata = _with(self._metadata, labels=self._labels, annotations=self._annotations)
        return _with(self._pod, metadata=metadata, spec={**spec, **fields} if fields else spec)

    def _fill_containers(self, fragment: Fragment) -> bool:
        """Fill in the overlays and the application's containers; return whether any changed."""
        places = self._application if fragment.application else []
        overlays = [place for name in fragment.containers if name in self._own for place in self._own[name]]
        is_changed = False
        for place in sorted([*places, *overlays]) if overlays else places:
            name, index = place
            mine = self._lists[name][index]
            filled = self._fill_container(fragment, mine, place)
            if filled is not mine:
                if self._lists[name] is self._spec[name]:
                    self._lists[name] = [*self._spec[name]]
                self._lists[name][index] = filled
                is_changed = True
        return is_changed

    def _fill_container(self, fragment: Fragment, mine: Object, place: Place) -> Object:
        """Fill in one container: as an overlay of ours, as one of the application's, or not at all."""
        name, is_init = mine["name"], place[0] == "initContainers"
        if name in fragment.containers:
            ours = _counterpart(name, fragment, native=is_init)
            started = tokens.give_way(_with_image(mine, ours), ours)
            return filling.fill("Container", started, ours, f"container {name!r}", self._course)
        if not _is_target(name, INIT if is_init else "", fragment.targets):
            return mine
        path = f"container {name!r}"
        filled = filling.fill("Container", mine, fragment.application, path, self._course)
        if filled.get("env") is not mine.get("env"):
            self._course.notes += self._late_variables(mine, filled, path, place)
        return filled

    def _add_containers(self, fragment: Fragment, *, native: bool) -> bool:
        """Add what the pod does not have; return whether there is any."""
        ours = fragment.native_sidecars if native else fragment.sidecars
        sidecars = [sidecar for sidecar in ours if sidecar["name"] not in self._own]
        plain = [container for container in fragment.init_containers if container["name"] not in self._own]
        arrivals = self._arrivals
        (arrivals.native if native else arrivals.classic).extend(sidecars)
        (arrivals.first if fragment.template.init_first else arrivals.last).extend(plain)
        return bool(sidecars or plain)

    def _add_volumes(self, fragment: Fragment) -> bool:
        """Add what the pod does not have; return whether there is any."""
        count = len(self._new_volumes)
        for volume in fragment.volumes:
            mine = self._volumes.get(volume["name"])
            if mine is None:
                self._volumes[volume["name"]] = volume
                self._new_volumes.append(volume)
            elif mine != volume and defaults.normalized("Volume", mine) != defaults.normalized("Volume", volume):
                _check_source(mine, volume)
                self._course.notes.append(f"volume {volume['name']!r} stays as the pod has it")
        return len(self._new_volumes) > count

    def _late_variables(self, mine: Object, filled: Object, path: str, place: Place) -> list[str]:
        """Tell of variables that refer to one that comes after them: ``$(VAR)`` only sees earlier ones."""
        own = mine.get("env") or []
        seen, referring = self._referring.get(place, (0, []))
        referring += [variable for variable in own[seen:] if "$(" in (variable.get("value") or "")]
        self._referring[place] = (len(own), referring)
        names = [added["name"] for added in filled["env"][len(own) :]] if referring else []
        return [
            f"{path}: {variable['name']} refers to $({name}), which is injected after it and stays empty"
            for name in names
            for variable in referring
            if f"$({name})" in str(variable["value"])
        ]


class Arrivals(NamedTuple):
    """Containers that the pod did not have, by where they go."""

    native: list[Object]
    """Before the pod's own init containers."""
    first: list[Object]
    """Behind those, still before the pod's own."""
    last: list[Object]
    """Behind the pod's own init containers."""
    classic: list[Object]
    """Behind the pod's own containers."""


def _by_name(lists: dict[str, list[Object]]) -> dict[str, list[Place]]:
    """Return the places of containers by name; only a pod that Kubernetes will refuse has two of one name."""
    found: dict[str, list[Place]] = {}
    for key, containers in lists.items():
        for index, container in enumerate(containers):
            found.setdefault(container["name"], []).append((key, index))
    return found


def _extended(items: list[Object], behind: list[Object], before: list[Object] | None = None) -> list[Object]:
    """Return the same list if nothing has come."""
    return [*(before or ()), *items, *behind] if before or behind else items


def _with(holder: Object, **fields: object) -> Object:
    """Return *holder* with *fields*; the same object if it has them already. What is empty stays absent."""
    changed = {
        name: item for name, item in fields.items() if item is not holder.get(name) and (item or holder.get(name))
    }
    return {**holder, **changed} if changed else holder


def _check_source(mine: Object, ours: Object) -> None:
    """Let the author tune what is injected, such as the size of an empty directory, but not swap it for another."""
    source = next(name for name in ours if name != "name")
    identity = VOLUME_IDENTITIES.get(source, "")
    if source not in mine or (mine[source] or {}).get(identity) != (ours[source] or {}).get(identity):
        raise Conflict(f"volume {ours['name']!r} exists with another source; rename the pod's volume")


def _counterpart(name: str, fragment: Fragment, *, native: bool) -> Object:
    """Return what an overlay lies over: where the author wrote it decides whether a sidecar is a native one."""
    sidecars = fragment.native_sidecars if native else fragment.sidecars
    return next(ours for ours in (*sidecars, *fragment.init_containers) if ours["name"] == name)


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


def _check_ephemeral(spec: Object, fragment: Fragment) -> None:
    for container in spec.get("ephemeralContainers") or ():
        if container.get("name") in fragment.containers:
            raise Conflict(f"an ephemeral container is named {container['name']!r} like one of the template's")

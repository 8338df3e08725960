"""
The pod's token in the containers that templates bring: kept out of them, or mounted as the API server will mount it.

Before webhooks, and again after one that has changed the pod, the API server runs its ServiceAccount plugin
(kubernetes/kubernetes, ``plugin/pkg/admission/serviceaccount/admission.go``: ``mountServiceAccountToken``). It takes
the first volume whose name begins with ``kube-api-access-``, or appends one, and appends a mount of it to each init
container and container that has nothing mounted at the token's path. It does so if ``automountServiceAccountToken``
of the pod says so, else that of its account, else always. What it adds to a container of ours is a change, for which
the webhook would be called a second time; so ``mount`` adds it first.

The account cannot be seen here. Nothing is guessed: the plugin must have been at this very pod.
"""

from __future__ import annotations

from injector.core.model import CONTAINER_LISTS, EMPTY, TOKEN_PATH, TOKEN_VOLUME, Object

_PLUGINS_VOLUME = "kube-api-access-"
"""How the name of the plugin's volume begins."""


def mount(received: Object, merged: Object) -> Object:
    """
    Return *merged* with the token mounted in the containers that *received* does not have, as the plugin would do it.

    The same object if they have something at its path, or if it is not certain that the plugin would.
    """
    own, spec = received.get("spec") or {}, merged.get("spec") or {}
    lacking = _find_lacking(own, spec)
    plugins = _find_plugins_mount(received, own) if lacking and _is_decided_alike(own, spec) else None
    if plugins is None:
        return merged
    lists: Object = {}
    for key, index in lacking:
        lists[key] = lists.get(key) or [*spec[key]]
        lists[key][index] = _with_mount(spec[key][index], plugins)
    return {**merged, "spec": {**spec, **lists}}


def _find_lacking(own: Object, spec: Object) -> list[tuple[str, int]]:
    """Return the places of the containers that have come and have nothing mounted at the token's path."""
    lacking = []
    for key in CONTAINER_LISTS:
        before: list[Object] = own.get(key) or []
        after: list[Object] = spec.get(key) or []
        if len(before) != len(after):
            present = {container["name"] for container in before}
            for index, container in enumerate(after):
                if container["name"] not in present and _mounted_at_path(container) is None:
                    lacking.append((key, index))
    return lacking


def _is_decided_alike(own: Object, spec: Object) -> bool:
    """Whether the plugin will decide as it did: templates may have switched it off, or changed whom it asks."""
    is_off = spec.get("automountServiceAccountToken") is False
    return not is_off and spec.get("serviceAccountName") == own.get("serviceAccountName")


def _find_plugins_mount(pod: Object, spec: Object) -> Object | None:
    """Return the mount that the plugin has put into *pod*; None unless it is certain that it was the plugin."""
    volume = _find_plugins_volume(spec)
    if volume is None:
        return None
    plugins: Object = {"name": volume["name"], "readOnly": True, "mountPath": TOKEN_PATH}
    is_there = False
    for key in CONTAINER_LISTS:
        containers: list[Object] = spec.get(key) or []
        for container in containers:
            mounted = _mounted_at_path(container)
            if mounted is None:
                return None
            is_there = is_there or mounted == plugins
    return plugins if is_there and _is_of_token(volume) and not _is_authored(pod, volume["name"]) else None


def _find_plugins_volume(spec: Object) -> Object | None:
    """Return the volume that the plugin takes, whoever added it."""
    volumes: list[Object] = spec.get("volumes") or []
    for volume in volumes:
        name: str = volume["name"]
        if name.startswith(_PLUGINS_VOLUME):
            return volume
    return None


def _is_of_token(volume: Object) -> bool:
    sources: list[Object] = (volume.get("projected") or EMPTY).get("sources") or []
    return any(source.get("serviceAccountToken") is not None for source in sources)


def _mounted_at_path(container: Object) -> Object | None:
    """Return the mount at the token's path, which keeps the plugin away; the plugin's own is the last of all."""
    mounts: list[Object] = container.get("volumeMounts") or []
    for mounted in reversed(mounts):
        if mounted.get("mountPath") == TOKEN_PATH:
            return mounted
    return None


def _is_authored(pod: Object, volume: str) -> bool:
    """
    Whether whoever creates the pod wrote that volume, or it cannot be told.

    The API server notes who wrote which field before its plugins run (``pkg/endpoints/handlers/create.go`` of
    k8s.io/apiserver), and what they and webhooks add is nobody's at the time.
    """
    named = f'k:{{"name":"{volume}"}}'
    is_noted = False
    try:
        for entry in pod["metadata"].get("managedFields") or ():
            if fields := (entry.get("fieldsV1") or EMPTY).get("f:spec"):
                if named in (fields.get("f:volumes") or EMPTY):
                    return True
                is_noted = True
    except (AttributeError, TypeError):  # nobody has looked at these before
        return True
    return not is_noted


def _with_mount(container: Object, added: Object) -> Object:
    return {**container, "volumeMounts": [*(container.get("volumeMounts") or ()), added]}


def shield(container: Object) -> Object:
    """Return a container with an empty directory where the token would be, so that the plugin leaves it out."""
    return _with_mount(container, {"name": TOKEN_VOLUME, "mountPath": TOKEN_PATH, "readOnly": True})


def give_way(mine: Object, ours: Object) -> Object:
    """Return an overlay with our shield in the place of the token that the plugin has mounted before us."""
    shielded = next((mounted for mounted in ours.get("volumeMounts", ()) if mounted["name"] == TOKEN_VOLUME), None)
    mounts = mine.get("volumeMounts") or []
    if shielded is None or not any(map(_is_plugins, mounts)):
        return mine
    return {**mine, "volumeMounts": [shielded if _is_plugins(mounted) else mounted for mounted in mounts]}


def _is_plugins(mounted: Object) -> bool:
    return mounted.get("mountPath") == TOKEN_PATH and str(mounted.get("name")).startswith(_PLUGINS_VOLUME)

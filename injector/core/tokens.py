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

from collections.abc import Iterator

from injector.core.model import JSON, TOKEN_PATH, TOKEN_VOLUME, Object

_PLUGINS_VOLUME = "kube-api-access-"
"""How the name of the plugin's volume begins."""

_LISTS = ("initContainers", "containers")


def mount(received: Object, merged: Object) -> Object:
    """
    Return *merged* with the token mounted in the containers that *received* does not have, as the plugin would do it.

    The same object if they have something at its path, or if it is not certain that the plugin would.
    """
    own, spec = received.get("spec") or {}, merged.get("spec") or {}
    present = {container["name"] for container in _containers(own)}
    new = (container for container in _containers(spec) if container["name"] not in present)
    lacking = {container["name"] for container in new if _mounted_at_path(container) is None}
    if not lacking or not _is_decided_alike(own, spec):
        return merged
    plugins = _find_plugins_mount(received)
    if plugins is None:
        return merged
    lists = {key: [_with_mount(item, plugins) if item["name"] in lacking else item for item in spec[key]]
             for key in _LISTS if any(item["name"] in lacking for item in spec.get(key) or ())}  # fmt: skip
    return {**merged, "spec": {**spec, **lists}}


def _is_decided_alike(own: Object, spec: Object) -> bool:
    """Whether the plugin will decide as it did: templates may have switched it off, or changed whom it asks."""
    is_off = spec.get("automountServiceAccountToken") is False
    return not is_off and spec.get("serviceAccountName") == own.get("serviceAccountName")


def _find_plugins_mount(pod: Object) -> Object | None:
    """Return the mount that the plugin has put into *pod*; None unless it is certain that it was the plugin."""
    spec = pod.get("spec") or {}
    names = (volume["name"] for volume in spec.get("volumes") or ())
    name = next((name for name in names if name.startswith(_PLUGINS_VOLUME)), "")
    plugins = {"name": name, "readOnly": True, "mountPath": TOKEN_PATH}
    mounts = [_mounted_at_path(container) for container in _containers(spec)]
    is_there = plugins in mounts and None not in mounts and _is_of_token(spec["volumes"], name)
    return plugins if is_there and not _is_authored(pod, name) else None


def _is_of_token(volumes: list[Object], name: str) -> bool:
    volume = next(volume for volume in volumes if volume["name"] == name)
    sources = (volume.get("projected") or {}).get("sources") or ()
    return any(source.get("serviceAccountToken") is not None for source in sources)


def _is_authored(pod: Object, volume: str) -> bool:
    """
    Whether whoever creates the pod wrote that volume, or it cannot be told.

    The API server notes who wrote which field before its plugins run (``pkg/endpoints/handlers/create.go`` of
    k8s.io/apiserver), and what they and webhooks add is nobody's at the time.
    """
    entries = (pod.get("metadata") or {}).get("managedFields")
    written = [*map(_fields_of_spec, entries)] if isinstance(entries, list) else []
    named = f'k:{{"name":"{volume}"}}'
    return not any(written) or any(named in (fields.get("f:volumes") or ()) for fields in written)


def _fields_of_spec(entry: JSON) -> Object:
    """Return what one manager wrote of the pod's spec, as the keys of ``fieldsV1``."""
    match entry:
        case {"fieldsV1": {"f:spec": dict() as fields}}:
            return fields
    return {}


def _containers(spec: Object) -> Iterator[Object]:
    return (container for key in _LISTS for container in spec.get(key) or ())


def _mounted_at_path(container: Object) -> Object | None:
    """Return the first mount at the token's path, which keeps the plugin from mounting the token."""
    mounts = container.get("volumeMounts") or ()
    return next((mounted for mounted in mounts if mounted.get("mountPath") == TOKEN_PATH), None)


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

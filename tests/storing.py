"""
What the API server makes of a pod, after the tables of ``core/defaults`` that are proven on recordings of a live one.

``stored`` drops what is empty and fills in defaults; ``delivered`` also does what the plugins before the webhooks do.
"""

from __future__ import annotations

from typing import Any

from injector.core import defaults
from injector.core.defaults import DEFAULTS
from injector.core.field_table import TYPES, Field
from injector.core.model import TOKEN_PATH, Object

TOKEN = "kube-api-access-x7x7x"
TOKEN_MOUNT = {"name": TOKEN, "readOnly": True, "mountPath": TOKEN_PATH}
SOURCES = [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]
QUANTITIES = {"0.1": "100m", "0.5": "500m", "1024Ki": "1Mi"}
"""As authors write them, and as the API server does."""


def delivered(pod: Object) -> Object:
    """The pod as a webhook first sees it: stored, with the volume and mounts of its token."""
    spec = pod["spec"]
    volumes = spec.get("volumes") or []
    if all(volume["name"] != TOKEN for volume in volumes):
        volumes = [*volumes, {"name": TOKEN, "projected": {"sources": SOURCES}}]
    return stored({**pod, "spec": {**spec, "volumes": volumes}})


def stored(pod: Object) -> Object:
    """The pod as the API server keeps it, and as a webhook sees it when it is called again."""
    labelled = _kept("ObjectMeta", pod["metadata"])
    return {**pod, "metadata": labelled, "spec": _priority(_spec(pod["spec"]), pod["spec"])}


def _spec(spec: Object) -> Object:
    found = {"serviceAccount": spec.get("serviceAccountName") or "default", **_stored("PodSpec", spec)}
    if all(volume["name"] != TOKEN for volume in found.get("volumes", ())):
        return found
    lists = {
        key: [_with_token(item) for item in found[key]] for key in ("containers", "initContainers") if key in found
    }
    return {**found, **lists}


def _with_token(container: Object) -> Object:
    mounts = container.get("volumeMounts", [])
    if any(mount.get("mountPath") == TOKEN_PATH for mount in mounts):
        return container
    return {**container, "volumeMounts": [*mounts, TOKEN_MOUNT]}


def _priority(spec: Object, before: Object) -> Object:
    """What the Priority plugin computes where a class is named and nothing was computed."""
    if "priorityClassName" in spec and before.get("priority") is None:
        return {**spec, "priority": 1000}
    return spec


def _kept(type_name: str, value: Object) -> Object:
    """What is left of an object without nulls and empties."""
    fields = TYPES[type_name]
    settled = {name: _stored_field(fields.get(name), item) for name, item in value.items()}
    return {name: item for name, item in settled.items() if not defaults.is_empty(type_name, name, item)}


def _stored(type_name: str, value: Object) -> Object:
    found = {**DEFAULTS.get(type_name, {}), **_kept(type_name, value)}
    match type_name:
        case "Container" | "EphemeralContainer":
            return {"imagePullPolicy": defaults.default_pull_policy(found.get("image", "")), **found}
        case "ResourceRequirements" if "limits" in found:
            return {**found, "requests": {**found["limits"], **found.get("requests", {})}}
    return found


def _stored_field(field: Field | None, value: Any) -> Any:
    match field, value:
        case Field(kind="object", of=of), dict() if of in TYPES:
            return _stored(of, value)
        case Field(kind="list", of=of), list() if of in TYPES:
            return [_stored(of, item) for item in value]
        case Field(kind="map", of="quantity"), dict():
            return {name: QUANTITIES.get(amount, amount) for name, amount in value.items()}
        case Field(kind="map"), dict():
            return {name: text for name, text in value.items() if text is not None}
    return value

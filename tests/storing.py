"""
What the API server makes of a pod, after the tables of ``core/defaults`` that are proven on recordings of a live one.

``stored`` drops what is empty and fills in defaults; ``delivered`` also does what the plugins before the webhooks do.
"""

from __future__ import annotations

from typing import Any

from injector.core import defaults
from injector.core.defaults import DEFAULTS
from injector.core.field_table import TYPES, Field
from injector.core.model import Object
from tests import accounts

QUANTITIES = {"0.1": "100m", "0.5": "500m", "1024Ki": "1Mi"}
"""As authors write them, and as the API server does."""


def delivered(pod: Object) -> Object:
    """The pod as a webhook first sees it: stored, who wrote what noted, with the volume and mounts of its token."""
    return accounts.mounted(accounts.noted(stored(pod)))


def stored(pod: Object) -> Object:
    """The pod as the API server keeps it, and as a webhook sees it when it is called again."""
    labelled = _kept("ObjectMeta", pod["metadata"])
    kept = {**pod, "metadata": labelled, "spec": _priority(_spec(pod["spec"]), pod["spec"])}
    has_been_mounted = any(volume["name"] == accounts.VOLUME for volume in kept["spec"].get("volumes", ()))
    return accounts.mounted(kept) if has_been_mounted else kept


def _spec(spec: Object) -> Object:
    return {"serviceAccount": spec.get("serviceAccountName") or "default", **_stored("PodSpec", spec)}


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

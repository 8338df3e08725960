"""
AdmissionReview on the wire: from bytes to a Review, from a Verdict to bytes.

v1 and v1beta1 end here; nothing behind knows of versions. A pod is checked for the few shapes that everything
behind relies on, and stays raw JSON.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from injector.core.errors import ReviewError
from injector.core.model import CONTAINER_LISTS, JSON, Object, Review, Verdict

_KEYED = (("env", "name"), ("volumeMounts", "mountPath"), ("ports", "containerPort"))
"""Lists of a container and what each element must have: merging finds it by that."""

VERSIONS = ("admission.k8s.io/v1", "admission.k8s.io/v1beta1")

WARNING_LIMIT = 256
"""Characters of one warning; Kubernetes cuts off longer ones."""
WARNINGS_LIMIT = 4096
"""Characters of all warnings together (k8s.io/apiserver drops the rest)."""
MESSAGE_LIMIT = 8192
"""Characters of a denial."""

AUDIT_KEYS = ("decision", "templates")
"""Keys of our audit annotations: bare words, the API server puts the webhook's name in front."""


def decode(body: bytes) -> Review:
    """Read an AdmissionReview; raises ReviewError with one sentence, and nothing else."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ReviewError(f"the body is no JSON: {error.msg} at character {error.pos}") from error
    document = _mapping(document, "the body")
    version = document.get("apiVersion")
    if document.get("kind") != "AdmissionReview" or version not in VERSIONS:
        found = f"{document.get('kind')!r} of {version!r}"
        raise ReviewError(f"expected an AdmissionReview of {' or '.join(VERSIONS)}, got {found[:200]}")
    return _review(str(version), _mapping(document.get("request"), "request"))


def encode(review: Review, verdict: Verdict, patch: bytes) -> bytes:
    """Return the AdmissionReview that answers *review*; *patch* is the encoded patch, empty for none."""
    response: Object = {"uid": review.uid, "allowed": verdict.allowed}
    if patch and verdict.allowed:
        response |= {"patchType": "JSONPatch", "patch": b64encode(patch).decode()}
    if warnings := list(limit_warnings(verdict.warnings)):
        response["warnings"] = warnings
    if not verdict.allowed:
        response["status"] = _status(verdict)
    response["auditAnnotations"] = _audit_annotations(verdict)
    return orjson.dumps({"apiVersion": review.api_version, "kind": "AdmissionReview", "response": response})


def limit_warnings(warnings: Iterable[str]) -> Iterator[str]:
    """Yield each warning on one line and within the limits: with a line break the API server drops it."""
    left = WARNINGS_LIMIT
    for warning in warnings:
        line = _shortened(" ".join(warning.split()), WARNING_LIMIT)
        left -= len(line)
        if left < 0:
            return
        yield line


def _review(version: str, request: Object) -> Review:
    uid = _text(request, "uid", "request.uid")
    if not uid:
        raise ReviewError("request.uid is missing: the answer must repeat it")
    kind = _mapping(request.get("kind") or {}, "request.kind")
    name = kind.get("kind") if kind.get("group", "") == "" else f"{kind.get('kind')}.{kind.get('group')}"
    operation = _text(request, "operation", "request.operation")
    is_pod = name == "Pod" and operation == "CREATE" and not request.get("subResource")
    return Review(
        uid=uid,
        api_version=version,
        operation=operation,
        kind=str(name),
        namespace=_text(request, "namespace", "request.namespace"),
        name=_text(request, "name", "request.name"),
        user=_text(
            _mapping(request.get("userInfo") or {}, "request.userInfo"), "username", "request.userInfo.username"
        ),
        dry_run=request.get("dryRun") is True,
        object=_check_outline(request.get("object")) if is_pod else (request.get("object") or {}),
    )


def check_pod(pod: JSON) -> Object:
    """Return *pod* if it has the shapes that a merge relies on; raises ReviewError that names the field."""
    checked = _check_outline(pod)
    spec = checked.get("spec") or {}
    for name in CONTAINER_LISTS:
        for index, container in enumerate(spec.get(name) or ()):
            for part, key in _KEYED:
                if part in container:
                    _check_elements(container[part], key, f"spec.{name}[{index}].{part}")
    return checked


def _check_outline(pod: JSON) -> Object:
    """
    Check what every pod is looked at by: texts and names.

    What is inside a container is looked at only where something is merged into it, and a merge that cannot go on asks
    ``check_pod`` why.
    """
    checked: Object = _mapping(pod, "request.object")
    metadata = _mapping(checked.get("metadata") or {}, "metadata")
    for name in ("labels", "annotations"):
        _check_texts(_mapping(metadata.get(name) or {}, f"metadata.{name}"), f"metadata.{name}")
    spec = _mapping(checked.get("spec") or {}, "spec")
    for name in ("containers", "initContainers", "ephemeralContainers", "volumes"):
        _check_elements(spec.get(name), "name", f"spec.{name}", str)
    return checked


def _check_texts(texts: Object, path: str) -> None:
    if set(map(type, texts.values())) <= {str}:
        return
    for key, text in texts.items():
        if not isinstance(text, str):
            raise ReviewError(f"the pod's {path}[{key!r}] is {_shown(text)}, expected a string")


def _check_elements(items: JSON, key: str, path: str, kind: type = object) -> None:
    """Refuse what is no list of mappings that all have *key*; nearly always they have, which is told at once."""
    if items is None:
        return
    try:
        found = [item[key] for item in items]
    except (LookupError, TypeError):
        found = [None]
    if type(items) is list and None not in found and (kind is object or set(map(type, found)) <= {kind}):
        return
    _find_fault(items, key, path, kind)


def _find_fault(items: JSON, key: str, path: str, kind: type) -> None:
    if not isinstance(items, list):
        raise ReviewError(f"the pod's {path} is {_shown(items)}, expected a list")
    for index, item in enumerate(items):
        value = _mapping(item, f"{path}[{index}]").get(key)
        if value is None:
            raise ReviewError(f"the pod's {path}[{index}] lacks {'a name' if kind is str else repr(key)}")
        if not isinstance(value, kind):
            raise ReviewError(f"the pod's {path}[{index}] has the name {_shown(value)}, expected a string")


def _mapping(value: JSON, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        found = "missing" if value is None else f"{_shown(value)}, expected a mapping"
        raise ReviewError(f"{what} is {found}")
    return value


def _text(holder: Object, key: str, what: str) -> str:
    value = holder.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ReviewError(f"{what} is {_shown(value)}, expected a string")
    return value


def _shown(value: JSON) -> str:
    """Name a value without showing what a pod holds."""
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return "a string"
        case _:
            return _shortened(orjson.dumps(value).decode(), 40)


def _status(verdict: Verdict) -> Object:
    return {
        "code": 403,
        "reason": "Forbidden",
        "message": _shortened(verdict.denial, MESSAGE_LIMIT),
    }


def _audit_annotations(verdict: Verdict) -> dict[str, str]:
    templates = ",".join(
        f"{decision.template}={decision.reason}" for decision in verdict.decisions if decision.template
    )
    found = {"decision": str(verdict.reason)}
    if templates:
        found["templates"] = _shortened(templates, 1024)
    return found


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"

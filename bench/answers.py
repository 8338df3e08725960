"""What an answer says, checked: nothing is timed whose result has not been compared."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import jsonpatch
import orjson

from injector.core.model import TOKEN_PATH

STATUS = "pillion.dev/status"


class WrongAnswer(Exception):
    """An answer that is not what it must be; a benchmark of it would be worthless."""


def inject(body: bytes, answer: bytes) -> dict[str, Any]:
    """Return the pod that the API server would store after *answer*, token included; raises WrongAnswer."""
    request, response = orjson.loads(body)["request"], orjson.loads(answer)["response"]
    if response["uid"] != request["uid"] or response["allowed"] is not True or "patch" not in response:
        raise WrongAnswer(f"expected a patch for review {request['uid']}, got {str(response)[:500]}")
    pod: dict[str, Any] = jsonpatch.apply_patch(request["object"], orjson.loads(b64decode(response["patch"])))
    return _with_tokens(pod)


def _with_tokens(pod: dict[str, Any]) -> dict[str, Any]:
    """
    Mount the pod's token where nothing is mounted in its place, as the API server does with the answer.

    Pillion has done it before, no other design does: this much they may differ. What is mounted otherwise is noticed.
    """
    spec = pod["spec"]
    names = [volume["name"] for volume in spec.get("volumes", ()) if volume["name"].startswith("kube-api-access-")]
    lists = {
        key: [_with_token(container, names[0]) for container in spec[key]]
        for key in ("initContainers", "containers")
        if names and key in spec
    }
    return {**pod, "spec": {**spec, **lists}}


def _with_token(container: dict[str, Any], volume: str) -> dict[str, Any]:
    mounts = container.get("volumeMounts", [])
    if any(mount["mountPath"] == TOKEN_PATH for mount in mounts):
        return container
    return {**container, "volumeMounts": [*mounts, {"name": volume, "readOnly": True, "mountPath": TOKEN_PATH}]}


def strip_status(pod: dict[str, Any]) -> dict[str, Any]:
    """Return the pod without our record, which no other design writes."""
    metadata = pod["metadata"]
    annotations = {key: text for key, text in metadata["annotations"].items() if key != STATUS}
    return {**pod, "metadata": {**metadata, "annotations": annotations}}


def check_same(body: bytes, ours: bytes, theirs: bytes) -> None:
    """Raise WrongAnswer unless two designs make the same pod of *body*."""
    mine, other = strip_status(inject(body, ours)), inject(body, theirs)
    if orjson.dumps(mine, option=orjson.OPT_SORT_KEYS) != orjson.dumps(other, option=orjson.OPT_SORT_KEYS):
        raise WrongAnswer("the designs make different pods of one review")


def check_alike(body: bytes, theirs: bytes, expected: bytes) -> None:
    """Raise WrongAnswer unless two answers make the same pod of *body*, as far as an API server can tell."""
    pods = (_prune(strip_status(inject(body, answer))) for answer in (theirs, expected))
    found, wanted = (orjson.dumps(pod, option=orjson.OPT_SORT_KEYS) for pod in pods)
    if found != wanted:
        raise WrongAnswer(f"expected the pod {wanted[:500]!r}, got {found[:500]!r}")


def _prune(found: Any) -> Any:
    """Return JSON without nulls and empty containers, which typed clients leave out or add."""
    match found:
        case dict():
            pruned = ((key, _prune(value)) for key, value in found.items())
            return {key: value for key, value in pruned if value not in (None, {}, [])}
        case list():
            return [_prune(item) for item in found]
    return found


def check_containers(body: bytes, answer: bytes, names: frozenset[str]) -> None:
    """Raise WrongAnswer unless the pod gets all these containers."""
    spec = inject(body, answer)["spec"]
    found = {container["name"] for key in ("containers", "initContainers") for container in spec.get(key, ())}
    if not names <= found:
        raise WrongAnswer(f"expected the containers {sorted(names)}, got {sorted(found)}")

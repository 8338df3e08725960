"""
An API server's side of a webhook call: the request for a pod or a ConfigMap, and HTTPS with one connection kept alive.

What is sent is what a real API server (1.36) sends: its defaults filled in, the service account's token mounted.
"""

from __future__ import annotations

import base64
import http.client
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from injector.core import defaults
from injector.core.model import TOKEN_PATH, Object

TIMEOUT = 10.0
"""Seconds for one call, as a webhook's ``timeoutSeconds`` says."""

_POD_DEFAULTS = {
    **defaults.DEFAULTS["PodSpec"],
    "serviceAccount": "default",
    "tolerations": [
        {"effect": "NoExecute", "key": f"node.kubernetes.io/{state}", "operator": "Exists", "tolerationSeconds": 300}
        for state in ("not-ready", "unreachable")
    ],
}
_CONTAINER_DEFAULTS = {**defaults.DEFAULTS["Container"], "imagePullPolicy": "IfNotPresent"}


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one review."""

    response: Object
    seconds: float
    sent: int
    """Bytes of the request's body."""
    received: int
    """Bytes of the answer's body."""

    @property
    def patch(self) -> list[Object]:
        """The operations of the JSON Patch; none: nothing changes."""
        found: list[Object] = orjson.loads(base64.b64decode(self.response.get("patch", "") or "W10="))
        return found


class Caller:
    """Calls a webhook over one connection."""

    def __init__(self, connection: http.client.HTTPSConnection) -> None:
        self._connection = connection

    def call(self, path: str, review: Object) -> Reply:
        """Send one review and return its answer; raises OSError and http.client.HTTPException."""
        body = orjson.dumps(review)
        begin = time.perf_counter()
        self._connection.request("POST", f"{path}?timeout={TIMEOUT:.0f}s", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        seconds = time.perf_counter() - begin
        if answer.status != http.client.OK:
            raise http.client.HTTPException(f"{path} answered {answer.status}: {content.decode(errors='replace')}")
        return Reply(orjson.loads(content)["response"], seconds, len(body), len(content))


@contextmanager
def calling(port: int, authority: Path) -> Iterator[Caller]:
    """Open a connection to a webhook on this machine whose certificate *authority* vouches for."""
    context = ssl.create_default_context(cafile=str(authority))
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=TIMEOUT)
    try:
        yield Caller(connection)
    finally:
        connection.close()


def review_of(item: Object, resource: str) -> Object:
    """Return the AdmissionReview by which an API server asks about the creation of *item*."""
    metadata = item["metadata"]
    kind = {"group": "", "version": "v1", "kind": item["kind"]}
    resources = {"group": "", "version": "v1", "resource": resource}
    request = {
        "uid": str(uuid.uuid4()),
        "kind": kind,
        "resource": resources,
        "requestKind": kind,
        "requestResource": resources,
        "namespace": metadata["namespace"],
        "operation": "CREATE",
        "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
        "object": item,
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


def deliver(pod: Object) -> Object:
    """Return *pod* as webhooks get it: after the API server's defaults and its service account plugin."""
    spec = pod["spec"]
    containers = [
        {**_CONTAINER_DEFAULTS, **container, "volumeMounts": [*(container.get("volumeMounts") or ()), _token_mount()]}
        for container in spec["containers"]
    ]
    volumes = [*(spec.get("volumes") or ()), _token_volume()]
    return {**pod, "spec": {**_POD_DEFAULTS, **spec, "containers": containers, "volumes": volumes}}


def _token_mount() -> Object:
    return {"name": "kube-api-access-7xk2p", "mountPath": TOKEN_PATH, "readOnly": True}


def _token_volume() -> Object:
    fields = {"items": [{"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}]}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": fields},
    ]
    return {"name": "kube-api-access-7xk2p", "projected": {"defaultMode": 420, "sources": sources}}

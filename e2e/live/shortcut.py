"""
A webhook that takes every shortcut: it adds one container by a patch that is ready but for a name.

It stands for the least that any webhook does to the creation of a pod, which is mostly what the API server has to do to
call it. It runs in a pod as ``python shortcut.py CERTIFICATE KEY`` on port 8443, on the server that Pillion runs on.
"""
# ruff: noqa: TID251 - a program of its own, in a pod

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from injector.shell import certificates, servers
from injector.shell.certificates import Files
from injector.shell.limits import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PASSENGER = "log-reader"
TOKEN = re.compile(rb'\{"name":"kube-api-access-\w+","readOnly":true,"mountPath":"[^"]+"\}')
"""How the API server mounts the account's token. It asks again when it must mount it into a container that came."""
CONTAINER = {
    "name": PASSENGER,
    "image": "localhost/pillion:e2e",
    "command": ["sh", "-c", 'tail -n +1 -F /logs/app.log | while read -r line; do echo "$PREFIX $line"; done'],
    "env": [{"name": "PREFIX", "value": "read"}],
    "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}},
    "restartPolicy": "Always",
    "volumeMounts": [{"name": "logs", "mountPath": "/logs"}, "TOKEN"],
}
PATCH = [
    {"op": "add", "path": "/spec/initContainers", "value": [CONTAINER]},
    {"op": "add", "path": "/spec/volumes/-", "value": {"name": "logs", "emptyDir": {}}},
    {"op": "add", "path": "/spec/containers/0/volumeMounts/-", "value": {"name": "logs", "mountPath": "/var/log/app"}},
]
"""For a pod without init containers."""
TEXT = json.dumps(PATCH).encode()
REVIEW = b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"%s","allowed":true%s}}'


def answer(review: bytes) -> bytes:
    """Add the container where it is not there yet."""
    [uid] = re.findall(rb'"uid":"([^"]+)"', review)[:1]
    return REVIEW % (uid, b"" if f'"name":"{PASSENGER}"'.encode() in review else _patch(review))


def _patch(review: bytes) -> bytes:
    [token] = TOKEN.findall(review)[:1]
    return b',"patchType":"JSONPatch","patch":"%s"' % base64.b64encode(TEXT.replace(b'"TOKEN"', token))


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one review."""
    body = answer(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    certificate, key = map(Path, sys.argv[1:])
    context = certificates.load(Files(certificate=certificate, key=key)).context
    servers.build_https(application, context, Limits(), host="", port=8443, inline_paths=frozenset({"/"})).run()

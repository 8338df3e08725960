"""
A webhook that takes every shortcut: it adds one container by a patch that was made beforehand.

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
MOUNT = {"name": "logs", "mountPath": "/logs"}
CONTAINER = {
    "name": PASSENGER,
    "image": "localhost/pillion:e2e",
    "command": ["sh", "-c", 'tail -n +1 -F /logs/app.log | while read -r line; do echo "$PREFIX $line"; done'],
    "env": [{"name": "PREFIX", "value": "read"}],
    "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}},
    "restartPolicy": "Always",
    "volumeMounts": [MOUNT],
}
PATCH = [
    {"op": "add", "path": "/spec/initContainers", "value": [CONTAINER]},
    {"op": "add", "path": "/spec/volumes/-", "value": {"name": "logs", "emptyDir": {}}},
    {"op": "add", "path": "/spec/containers/0/volumeMounts/-", "value": {"name": "logs", "mountPath": "/var/log/app"}},
]
"""For a pod without init containers into which the account's token is mounted already."""
REVIEW = (
    '{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{{"uid":"{uid}","allowed":true{patch}}}}}'
)
ENCODED = f',"patchType":"JSONPatch","patch":"{base64.b64encode(json.dumps(PATCH).encode()).decode()}"'


def answer(review: bytes) -> bytes:
    """Add the container where it is not there yet."""
    [uid] = re.findall(rb'"uid":"([^"]+)"', review)[:1]
    there = f'"name":"{PASSENGER}"'.encode() in review
    return REVIEW.format(uid=uid.decode(), patch="" if there else ENCODED).encode()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one review."""
    body = answer(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    certificate, key = map(Path, sys.argv[1:])
    context = certificates.load(Files(certificate=certificate, key=key)).context
    servers.build_https(application, context, Limits(), host="", port=8443, inline_paths=frozenset({"/"})).run()

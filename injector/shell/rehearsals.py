"""
A pod that is created in a cluster by dry run, to see whether it comes back injected. Nothing is stored.

The way is that of every pod: API server, webhook configuration, Service, certificate, server, template. A new template
and a new namespace are known everywhere after a moment, so a rehearsal is repeated until its time is over.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from injector.core.model import Domain, Object
from injector.shell.clusters import Cluster, refusal
from injector.shell.errors import ClusterError, ShellError

_PAUSE = 1.0  # seconds between two tries
_WARNING_TEXT = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")


class Uninjected(ShellError):
    """The pod did not come back injected; the sentence says what to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One pod, and what is to be added to it."""

    namespace: str
    template: str
    """Its name; the pod asks for this one and no other."""
    container: str
    """A container, of any list, that the template adds."""
    domain: Domain

    @property
    def path(self) -> str:
        """Where it is created, without being stored."""
        return f"/api/v1/namespaces/{self.namespace}/pods"

    def pod(self) -> Object:
        """Return the pod, which satisfies the Pod Security level *restricted*."""
        security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "generateName": "pillion-verify-",
                "labels": {self.domain.inject: "true"},
                "annotations": {self.domain.templates: f"-*, {self.template}"},
            },
            "spec": {
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [{"name": "app", "image": "example.com/app", "securityContext": security}],
            },
        }


def rehearse(
    cluster: Cluster,
    rehearsal: Rehearsal,
    wait: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Object:
    """Return the pod as it comes back injected, within *wait* seconds; raises Uninjected or ClusterError."""
    end = clock() + wait
    while True:
        try:
            return _try(cluster, rehearsal)
        except (Uninjected, ClusterError):
            if clock() + _PAUSE > end:
                raise
        pause(_PAUSE)


def _try(cluster: Cluster, rehearsal: Rehearsal) -> Object:
    response = cluster.open("POST", rehearsal.path, rehearsal.pod(), query={"dryRun": "All"})
    if response.status >= 300:
        raise refusal(response)
    pod: Object = response.json()
    containers = [each["name"] for key in ("initContainers", "containers") for each in pod["spec"].get(key, [])]
    if rehearsal.container not in containers:
        raise Uninjected(_explain(rehearsal, response.headers.getlist("Warning")))
    return pod


def _explain(rehearsal: Rehearsal, headers: list[str]) -> str:
    missing = f"the pod came back without container {rehearsal.container!r}"
    if warnings := [_ESCAPE.sub(r"\1", text) for header in headers for text in _WARNING_TEXT.findall(header)]:
        return f"{missing}; the API server says: {'; '.join(warnings)}"
    return (
        f"{missing}, and nobody says why: the API server did not call, or got no usable answer; "
        "look at the caBundle of the webhook configuration, the endpoints of the Service, and the servers' log"
    )

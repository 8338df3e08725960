"""Installs the chart by helm, with the image that the cluster has loaded, and watches what happens meanwhile."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from e2e.chart import charts
from e2e.chart.charts import CHART, NAMESPACE, Object

VALUES: Object = {
    "image": {"registry": "localhost", "repository": "pillion", "tag": "e2e", "pullPolicy": "Never"},
    "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "384Mi"}},
}
PATIENCE = "5m"
"""How long helm waits: much longer than an installation takes."""


@dataclass
class Installation:
    """What an installation said, and what was seen of it."""

    name: str = "pillion"
    namespace: str = NAMESPACE
    values: Object = field(default_factory=lambda: dict(VALUES))
    seconds: float = 0
    notes: str = ""
    requests: list[Object] = field(default_factory=list)
    """Every state of every CertificateSigningRequest, as they came."""

    def install(self) -> None:
        """Install it and wait until it serves."""
        self._install("install", self.name, str(CHART), f"--namespace={self.namespace}", "--create-namespace", "--wait")

    def install_as(self, command: str) -> None:
        """Install it by a command as people type it, but with the image that the nodes have."""
        _, *words = shlex.split(command.replace("\\\n", " "))
        self._install(*words, *(f"--set=image.{key}={value}" for key, value in self.values["image"].items()))

    def _install(self, *command: str) -> None:
        started = time.monotonic()
        with _watching("certificatesigningrequests") as self.requests:
            done = charts.helm(*command, "--values", "-", "--timeout", PATIENCE, values=self.values)
        assert done.returncode == 0, f"helm {' '.join(command)}: {done.stderr}\n{done.stdout}"
        self.notes = done.stdout
        self.seconds = time.monotonic() - started

    def upgrade(self, *flags: str, values: Object | None = None) -> None:
        """Upgrade it with further values and wait until it serves."""
        waiting = ["--wait", "--timeout", PATIENCE, *flags]
        self.helm("upgrade", *waiting, values={**self.values, **(values or {})})

    def helm(self, verb: str, *flags: str, values: Object | None = None) -> str:
        """Run a command of helm that takes the chart."""
        chart = [str(CHART), "--values", "-"]
        return self.run(verb, *chart, *flags, values=values)

    def run(self, verb: str, *flags: str, values: Object | None = None) -> str:
        """Run a command of helm that takes the name of the release."""
        done = charts.helm(verb, self.name, "--namespace", self.namespace, *flags, values=values)
        assert done.returncode == 0, f"helm {verb}: {done.stderr}\n{done.stdout}"
        return done.stdout


@contextmanager
def _watching(resource: str) -> Iterator[list[Object]]:
    """Collect every state of some objects, those that are gone before anybody could look included."""
    seen: list[Object] = []
    command = ["kubectl", "get", resource, "--watch", "--output", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        yield seen
        process.terminate()
        seen.extend(_objects(process.communicate()[0]))


def _objects(text: str) -> Iterator[Object]:
    decoder, rest = json.JSONDecoder(), text.lstrip()
    while rest:
        found, end = decoder.raw_decode(rest)
        yield found
        rest = rest[end:].lstrip()

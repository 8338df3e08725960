"""Many calls of the API server over few connections, by way of a ``kubectl proxy`` on loopback."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from e2e.chart.charts import Object


@dataclass(frozen=True)
class Answer:
    """What the API server says."""

    status: int
    object: Object
    warnings: list[str] = field(default_factory=list)

    @property
    def created(self) -> bool:
        return self.status == 201

    @property
    def message(self) -> str:
        """Why it refused, or what the proxy made of it."""
        return str(self.object.get("message", self.object))


class Caller:
    """One connection; not for two threads at once."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def create_pod(self, pod: Object) -> Answer:
        """Create a pod as a dry run, as it is written."""
        return self.send("POST", f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods?dryRun=All", pod)

    def apply(self, configmap: Object) -> Answer:
        """Create a ConfigMap, or change it."""
        metadata = configmap["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/configmaps/{metadata['name']}"
        flags = "?fieldManager=e2e&force=true"
        return self.send("PATCH", f"{path}{flags}", configmap, "application/apply-patch+yaml")

    def send(self, method: str, path: str, body: Object | None = None, form: str = "application/json") -> Answer:
        """Send an object, or nothing, and return what comes back."""
        self._connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": form})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        warnings = re.findall(r'299 \S+ "((?:[^"\\]|\\.)*)"', ", ".join(answer.headers.get_all("Warning", [])))
        try:
            return Answer(answer.status, json.loads(text), warnings)
        except json.JSONDecodeError:
            return Answer(answer.status, {"message": text}, warnings)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def proxying() -> Iterator[int]:
    """Run a proxy and answer its port."""
    command = ["kubectl", "proxy", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline().rsplit(":", 1)[1])
        finally:
            process.terminate()

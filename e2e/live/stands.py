"""Programs of the tests as HTTPS servers of somebody else: each in a pod of the one image, behind a Service."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from e2e.chart import clusters
from e2e.chart.charts import Object
from e2e.chart.conftest import namespace
from e2e.live import pods
from e2e.live.conftest import await_account, wait

PORT = 8443


@dataclass(frozen=True)
class Stand:
    """A program that is started with the files of its certificate and key, and whatever else it takes."""

    program: ModuleType
    certificate: str
    key: str

    @property
    def name(self) -> str:
        """The name of its pod, its Service and everything else."""
        return self.program.__name__.rpartition(".")[2]

    @property
    def space(self) -> str:
        """The namespace that it has for itself."""
        return space_of(self.program)

    def client_config(self) -> Object:
        """Say how an API server finds it."""
        bundle = base64.b64encode(self.certificate.encode()).decode()
        return {"service": {"name": self.name, "namespace": self.space, "path": "/"}, "caBundle": bundle}

    def start(self, *arguments: str, files: dict[str, str] | None = None, **spec: object) -> None:
        """Start it in its namespace and wait until it listens; *files* are put beside it, *spec* into its pod."""
        _apply([namespace(self.space)])
        await_account(self.space)
        _apply(list(self._objects(arguments, files or {}, spec)))
        wait(f"pod/{self.name}", "condition=Ready", self.space)

    def stop(self) -> None:
        """Remove it with its namespace."""
        clusters.delete([namespace(self.space)])

    def _objects(self, arguments: tuple[str, ...], files: dict[str, str], spec: Object) -> Iterator[Object]:
        metadata = {"name": self.name, "namespace": self.space}
        texts = {"program.py": Path(str(self.program.__file__)).read_text(), "tls.crt": self.certificate}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata} | {
            "data": {**texts, "tls.key": self.key, **files}
        }
        yield self._pod(arguments, spec)
        ports = [{"port": 443, "targetPort": PORT}]
        service = {"selector": {"app": self.name}, "ports": ports}
        yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service}

    def _pod(self, arguments: tuple[str, ...], spec: Object) -> Object:
        words = ["/config/program.py", "/config/tls.crt", "/config/tls.key", *arguments]
        pod = pods.pod(self.name, self.space, f"exec /opt/pillion/bin/python {' '.join(words)}")
        pod["metadata"]["labels"] = {"app": self.name}
        container = pod["spec"]["containers"][0]
        container["volumeMounts"] = [{"name": "config", "mountPath": "/config"}]
        container["readinessProbe"] = {"tcpSocket": {"port": PORT}, "periodSeconds": 1}
        pod["spec"] |= {"volumes": [{"name": "config", "configMap": {"name": self.name}}], **spec}
        return pod


def make(program: ModuleType, folder: Path) -> Stand:
    """Make a certificate for a program, by files of a folder."""
    files = folder / "tls.crt", folder / "tls.key"
    host = f"{program.__name__.rpartition('.')[2]}.{space_of(program)}.svc"
    named = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}", "-out", files[0], "-keyout", files[1]]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run(["openssl", "req", "-x509", *key, *named], check=True, capture_output=True)
    return Stand(program, *(file.read_text() for file in files))


def space_of(program: ModuleType) -> str:
    """Name the namespace that a program has for itself."""
    return f"e2e-{program.__name__.rpartition('.')[2]}"


def _apply(things: list[Object]) -> None:
    applied = clusters.apply(things)
    assert applied.returncode == 0, applied.stderr

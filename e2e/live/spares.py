"""
Small releases beside the shared one, made for one thing each.

Each has a domain of its own, so that it is asked about its own pods only, and a template that greets them. The pods are
dry runs in the namespace `default`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection

from e2e.chart import clusters
from e2e.chart.charts import Object
from e2e.live import pods
from e2e.live.installations import VALUES, Installation

SPACE = "default"
GREETING = {"annotations": {"default": True}, "data": {"env": [{"name": "GREETING", "value": "hello"}]}}
SERVED = (
    "import ssl, sys; from cryptography import x509;"
    " pem = ssl.get_server_certificate(('127.0.0.1', 8443));"
    " print(x509.load_pem_x509_certificate(pem.encode()).serial_number)"
)


class Spare(Installation):
    """A release under a name of its own."""

    def __init__(self, name: str, *, replicas: int = 1, settings: Object | None = None, **certificates: object) -> None:
        values = {"domain": f"{name}.example.com", "replicas": replicas, "drainSeconds": 1, "settings": settings or {}}
        more = {"certificates": certificates, "templates": {"greeter": GREETING}}
        super().__init__(name, f"{name}-system", {**VALUES, **values, **more})

    @property
    def full_name(self) -> str:
        """The name of Deployment, Service and webhooks."""
        return f"{self.name}-pillion"

    @property
    def host(self) -> str:
        """The name of its Service."""
        return f"{self.full_name}.{self.namespace}.svc"

    def servers(self) -> list[Object]:
        """Return the pods of its servers that are not on their way out."""
        return [pod for pod in self._all_servers() if "deletionTimestamp" not in pod["metadata"]]

    def pod(self, name: str = "web") -> Object:
        """Make a pod that asks for a greeting."""
        return pods.pod(name, SPACE, labels={f"{self.values['domain']}/inject": "true"})

    def greets(self) -> bool:
        """Whether a pod that is created now is greeted."""
        done = clusters.create(self.pod(), "--dry-run=server")
        return done.returncode == 0 and greeted(json.loads(done.stdout))

    def secret(self) -> Object:
        """Return the Secret of the pair."""
        return self.read("secret", f"{self.full_name}-tls")

    def tls_secrets(self) -> list[Object]:
        """Return all Secrets that hold a pair."""
        found: list[Object] = self.read("secrets", "--field-selector=type=kubernetes.io/tls")["items"]
        return found

    def has_secret(self) -> bool:
        """Whether a pair is stored."""
        return bool(self.tls_secrets())

    def record(self) -> dict[str, str]:
        """Return what the Secret says of the pair: mode, reason, cause."""
        prefix = f"{self.values['domain']}/certs-"
        annotations = self.secret()["metadata"]["annotations"]
        return {key.removeprefix(prefix): text for key, text in annotations.items() if key.startswith(prefix)}

    def authority(self) -> bytes:
        """Return the authorities of the Secret, in PEM."""
        return base64.b64decode(self.secret()["data"]["ca.crt"])

    def bundles(self) -> set[bytes]:
        """Return what the webhooks trust, in PEM."""
        kinds = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")
        webhooks = [each for kind in kinds for each in self.read(kind, self.full_name)["webhooks"]]
        return {base64.b64decode(each["clientConfig"].get("caBundle", "")) for each in webhooks}

    def pending(self) -> list[str]:
        """List its CertificateSigningRequests that are still there."""
        listed = clusters.kubectl("get", "certificatesigningrequests", "-o", "name").stdout.split()
        return [each for each in listed if each.endswith(f"/{self.full_name}.{self.namespace}")]

    def serials(self) -> set[str]:
        """Return the serial numbers of the certificates that the servers serve."""
        names = [pod["metadata"]["name"] for pod in self.servers()]
        command = ("--", "/opt/pillion/bin/python", "-c", SERVED)
        return {clusters.kubectl("-n", self.namespace, "exec", name, *command).stdout.strip() for name in names}

    def logs(self) -> list[str]:
        """Return what each server has said so far."""
        names = [pod["metadata"]["name"] for pod in self.servers()]
        return [clusters.kubectl("-n", self.namespace, "logs", name).stdout for name in names]

    def codes(self) -> set[int]:
        """Return the exit codes of servers that have ended by themselves."""
        found = [status["state"] | status["lastState"] for pod in self.servers() for status in _statuses(pod)]
        return {state["terminated"]["exitCode"] for state in found if "terminated" in state}

    def last_words(self) -> str:
        """Return the last line of the first server, or nothing."""
        return "".join(self.logs()[0].splitlines()[-1:])

    def await_servers(self) -> None:
        """Wait until all its servers are ready, and no others are left."""
        status = ("rollout", "status", f"deployment/{self.full_name}", "--timeout=90s")
        done = clusters.kubectl("-n", self.namespace, *status)
        assert done.returncode == 0, done.stderr
        clusters.await_true("it greets", self.greets)

    def await_other_serials(self, before: set[str]) -> None:
        """Wait until no server serves one of these certificates; kubelet takes its time."""
        clusters.await_true("a new certificate", lambda: not before & self.serials(), 120)

    def scale(self, replicas: int) -> None:
        """Have so many servers, and wait until those that are too many are gone."""
        deployment = f"deployment/{self.full_name}"
        done = clusters.kubectl("-n", self.namespace, "scale", deployment, f"--replicas={replicas}")
        assert done.returncode == 0, done.stderr
        clusters.await_true(f"{replicas} servers", lambda: len(self._all_servers()) == replicas, 60)

    def restart(self) -> None:
        """Delete its servers, which others replace, and wait until they are gone."""
        names = [pod["metadata"]["name"] for pod in self.servers()]
        done = clusters.kubectl("-n", self.namespace, "delete", "pod", *names, "--wait")
        assert done.returncode == 0, done.stderr

    def insist(self, policy: str) -> None:
        """Set what becomes of pods that the webhook is not asked about: Fail or Ignore."""
        webhooks = self.read("mutatingwebhookconfiguration", self.full_name)["webhooks"]
        change = [
            {"op": "replace", "path": f"/webhooks/{n}/failurePolicy", "value": policy} for n in range(len(webhooks))
        ]
        self.patch("mutatingwebhookconfiguration", self.full_name, change)

    def patch(self, kind: str, name: str, change: object) -> None:
        """Change an object by a JSON patch, or by a part that is merged into it."""
        form = "json" if isinstance(change, list) else "merge"
        flags = (f"--type={form}", "--patch", json.dumps(change))
        done = clusters.kubectl("-n", self.namespace, "patch", kind, name, *flags)
        assert done.returncode == 0, done.stderr

    def read(self, *what: str) -> Object:
        """Read objects."""
        done = clusters.kubectl("-n", self.namespace, "get", *what, "-o", "json", "--show-managed-fields")
        assert done.returncode == 0, done.stderr
        found: Object = json.loads(done.stdout)
        return found

    def forget(self) -> None:
        """Delete what its Jobs have made."""
        for thing in (
            ("certificatesigningrequest", f"{self.full_name}.{self.namespace}"),
            ("secret", f"{self.full_name}-tls"),
        ):
            clusters.kubectl("-n", self.namespace, "delete", *thing, "--ignore-not-found")

    def _all_servers(self) -> list[Object]:
        selector = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component=server"
        found: list[Object] = self.read("pods", "-l", selector)["items"]
        return found


def await_absence(names: Collection[str]) -> None:
    """Wait until nothing is left of earlier releases."""
    for name in names:
        gone = f"namespace/{Spare(name).namespace}"
        done = clusters.kubectl("wait", "--for=delete", gone, "--timeout=90s")
        assert done.returncode == 0, done.stderr


def remove(names: Collection[str]) -> None:
    """Delete all that there is of some releases, also of those that are only half there; their namespaces go later."""
    ours = ("-l", f"app.kubernetes.io/instance in ({', '.join(names)})", "--ignore-not-found")
    clusters.kubectl("delete", "mutatingwebhookconfigurations,validatingwebhookconfigurations", *ours)
    clusters.kubectl("delete", "clusterroles,clusterrolebindings", *ours)
    for name in names:
        release = Spare(name)
        release.forget()
        clusters.kubectl("delete", "namespace", release.namespace, "--ignore-not-found", "--wait=false")


def greeted(pod: Object) -> bool:
    """Whether a pod came back with its greeting."""
    return "GREETING" in pods.variables(pod)


def _statuses(pod: Object) -> list[Object]:
    found: list[Object] = pod["status"].get("containerStatuses", [])
    return found

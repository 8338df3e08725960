"""
Record how a live API server delivers pods to a mutating webhook, for the tests that start from what it really sends.

    KUBE_BIN=DIR scripts/api_server.sh python3 scripts/record_pods.py             # write what changed
    KUBE_BIN=DIR scripts/api_server.sh python3 scripts/record_pods.py --check     # exit 1 where a recording is stale
    python3 scripts/record_pods.py --kubeconfig FILE tests/golden/some-case       # another server, some folders only

Of every folder the pods ``pod.yaml`` and ``expected.yaml`` are created with ``--dry-run=server``; what a webhook on
loopback receives as ``request.object`` becomes ``delivered.json`` and ``expected.delivered.json``. By then the API
server has filled in its defaults and the in-tree plugins (ServiceAccount, Priority, DefaultTolerationSeconds) have
run. What is different each time (managedFields, uid, times, random suffixes) is taken out or made the same.

The server must reach this machine's loopback, and it is changed: namespaces (with the labels and annotations of
``case.yaml``), service accounts and priority classes that the pods name are created and stay. Use a throw-away one.
Pods that it refuses are listed with its sentence; one that passed the webhook and failed validation afterwards is
recorded all the same.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import datetime as dt
import http.server
import ipaddress
import json
import os
import queue
import re
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Object = dict[str, Any]

TESTS = Path(__file__).parents[1] / "tests"
FOLDERS = (TESTS / "golden", TESTS / "defaults")
RECORDINGS = {"pod.yaml": "delivered.json", "expected.yaml": "expected.delivered.json"}
WEBHOOK = "pod-recorder.pillion.dev"
START_SECONDS = 30
"""How long the API server may take to call a webhook that was just registered."""

LONGEST_SENTENCE = 300
RANDOM_VOLUME = re.compile(r"kube-api-access-[a-z0-9]{5}\Z")
SAME_SUFFIX = "00000"
VANISHING = ("managedFields", "uid", "creationTimestamp")


def main() -> int:
    options = _parse_arguments()
    folders = options.folders or sorted(pod.parent for root in FOLDERS for pod in root.glob("*/pod.yaml"))
    cluster = Cluster(options.kubeconfig)
    with _listening_recorder() as recorder:
        recorder.start(cluster, sorted({_namespace_of(pod) for folder in folders for pod in _pods(folder).values()}))
        try:
            changed = [path for folder in folders for path in _record(folder, cluster, recorder, check=options.check)]
        finally:
            cluster.run("delete", "mutatingwebhookconfiguration", WEBHOOK)
    for sentence in recorder.refused:
        print(f"refused: {sentence}")
    for path in changed:
        print(f"{'stale' if options.check else 'written'}: {os.path.relpath(path)}")
    print(f"{len(folders)} folders, {len(changed)} changed recordings, {len(recorder.refused)} refused pods")
    return 1 if options.check and changed else 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", help="as kubectl takes it; default: $KUBECONFIG")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a recording is stale")
    parser.add_argument("folders", nargs="*", type=Path, help="folders with a pod.yaml; default: all of the tests'")
    return parser.parse_args()


def _pods(folder: Path) -> dict[str, Object]:
    """Return the pods of a folder by file name."""
    return {name: yaml.safe_load((folder / name).read_text()) for name in RECORDINGS if (folder / name).exists()}


def _namespace_of(pod: Object) -> str:
    return str(pod["metadata"].get("namespace") or "shop")


# What is recorded


def _record(folder: Path, cluster: Cluster, recorder: Recorder, *, check: bool) -> Iterator[Path]:
    """Record one folder; yield the files that changed."""
    case = folder / "case.yaml"
    namespace = (yaml.safe_load(case.read_text()) or {}).get("namespace", {}) if case.exists() else {}
    for source, pod in _pods(folder).items():
        cluster.prepare(pod, namespace)
        delivered = recorder.deliver(cluster, pod, f"{folder.name}/{source}")
        text = None if delivered is None else json.dumps(_stable(delivered, pod), indent=2, ensure_ascii=False) + "\n"
        target = folder / RECORDINGS[source]
        if text != (target.read_text() if target.exists() else None):
            yield target
            if not check:
                _write(target, text)


def _write(target: Path, text: str | None) -> None:
    if text is None:
        target.unlink()
    else:
        target.write_text(text, encoding="utf-8")


def _stable(delivered: Object, authored: Object) -> Object:
    """Return the pod without what is different each time."""
    metadata = {key: value for key, value in delivered["metadata"].items() if key not in VANISHING}
    if "name" in metadata and "name" not in authored["metadata"]:
        metadata["name"] = metadata["generateName"] + SAME_SUFFIX
    volumes = (volume["name"] for volume in delivered["spec"].get("volumes", ()))
    written = json.dumps(authored)
    random = {name for name in volumes if RANDOM_VOLUME.match(name) and name not in written}
    stable: Object = _renamed({**delivered, "metadata": metadata}, random)
    return stable


def _renamed(value: Any, names: set[str]) -> Any:
    match value:
        case dict():
            return {key: _renamed(item, names) for key, item in value.items()}
        case list():
            return [_renamed(item, names) for item in value]
        case str() if value in names:
            return f"kube-api-access-{SAME_SUFFIX}"
    return value


# The API server


@dataclass
class Cluster:
    """An API server by way of kubectl, and what has been made ready there."""

    kubeconfig: str | None
    ready: dict[tuple[str, str, str], Object] = field(default_factory=dict)

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Return what kubectl complains about, without its warnings."""
        chosen = [f"--kubeconfig={self.kubeconfig}"] if self.kubeconfig else []
        command = ["kubectl", *chosen, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else _complaint(done.stderr)

    def create_pod(self, pod: Object) -> str:
        """Create the pod as a dry run, as it is written; return why it was refused."""
        namespace = f"--namespace={_namespace_of(pod)}"
        flags = ("--dry-run=server", "--validate=ignore", namespace)
        return self.run("create", *flags, "--filename=-", stdin=json.dumps(pod))

    def prepare(self, pod: Object, namespace: Object) -> None:
        """Make ready what a pod needs to be admitted; without controllers nobody else does."""
        name, spec = _namespace_of(pod), pod.get("spec") or {}
        account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        self._ensure({"apiVersion": "v1", "kind": "Namespace", "metadata": {**namespace, "name": name}})
        self._ensure({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": name}})
        priority = spec.get("priorityClassName")
        if priority and not priority.startswith("system-"):
            self._ensure(_priority_class(priority, spec))

    def _ensure(self, wanted: Object) -> None:
        metadata = wanted["metadata"]
        key = (wanted["kind"], metadata.get("namespace", ""), metadata["name"])
        if self.ready.get(key) == wanted:
            return
        for verb in (["create"], ["replace"], ["replace", "--force"]):  # the value of a class cannot be changed
            complaint = self.run(*verb, "--filename=-", stdin=json.dumps(wanted))
            if not complaint:
                self.ready[key] = wanted
                return
        raise SystemExit(f"{' '.join(filter(None, key))} cannot be made ready: {complaint}")


def _priority_class(name: str, spec: Object) -> Object:
    """Return the class that gives a pod what it says of itself, or else a priority of 1000."""
    policy = {"preemptionPolicy": spec["preemptionPolicy"]} if spec.get("preemptionPolicy") else {}
    head = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
    return {**head, **policy, "value": spec.get("priority") or 1000}


def _complaint(stderr: str) -> str:
    text = " ".join(line for line in stderr.splitlines() if line and not line.startswith("Warning:"))
    return text if len(text) <= LONGEST_SENTENCE else f"{text[:LONGEST_SENTENCE]}…"


# The webhook


@dataclass
class Recorder:
    """A webhook that allows everything and keeps the objects that it was asked about."""

    port: int
    certificate: bytes
    received: queue.Queue[Object] = field(default_factory=queue.Queue)
    refused: list[str] = field(default_factory=list)

    def start(self, cluster: Cluster, namespaces: list[str]) -> None:
        """Register with the API server and wait until it calls."""
        complaint = cluster.run("apply", "--filename=-", stdin=json.dumps(self._configuration(namespaces)))
        if complaint:
            raise SystemExit(f"the webhook cannot be registered: {complaint}")
        metadata = {"name": "probe", "namespace": namespaces[0]}
        container = {"name": "probe", "image": "probe"}
        probe = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
        cluster.prepare(probe, {})
        for _ in range(START_SECONDS * 2):
            complaint = cluster.create_pod(probe)
            with contextlib.suppress(queue.Empty):
                self.received.get(timeout=0.5)
                return
        raise SystemExit(f"the API server never calls https://127.0.0.1:{self.port}; last it said {complaint!r}")

    def deliver(self, cluster: Cluster, pod: Object, name: str) -> Object | None:
        """Have the pod created; return what came here, None if it was refused before."""
        complaint = cluster.create_pod(pod)
        if complaint:
            self.refused.append(f"{name}: {complaint}")
        try:
            return self.received.get_nowait()
        except queue.Empty:
            return None

    def _configuration(self, namespaces: list[str]) -> Object:
        bundle = base64.b64encode(self.certificate).decode()
        selected = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces}
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
        webhook = {
            "name": WEBHOOK,
            "clientConfig": {"url": f"https://127.0.0.1:{self.port}/", "caBundle": bundle},
            "rules": [rule],
            "namespaceSelector": {"matchExpressions": [selected]},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
        }
        api = "admissionregistration.k8s.io/v1"
        kind = "MutatingWebhookConfiguration"
        return {"apiVersion": api, "kind": kind, "metadata": {"name": WEBHOOK}, "webhooks": [webhook]}


@contextlib.contextmanager
def _listening_recorder() -> Iterator[Recorder]:
    certificate, key = _make_certificate()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = _context(certificate, key).wrap_socket(server.socket, server_side=True)
    recorder = server.recorder = Recorder(server.server_port, certificate)  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield recorder
    finally:
        server.shutdown()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        self.server.recorder.received.put(request["object"])  # type: ignore[attr-defined]
        response = {"uid": request["uid"], "allowed": True}
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - likewise
        """Stay quiet: the report says what happened."""


def _make_certificate() -> tuple[bytes, bytes]:
    """Return a certificate for loopback that vouches for itself, and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, WEBHOOK)])
    now = dt.datetime.now(dt.UTC)
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).add_extension(addresses, critical=False)
    builder = builder.not_valid_before(now - dt.timedelta(hours=1))
    builder = builder.not_valid_after(now + dt.timedelta(days=1))
    private = serialization.PrivateFormat.PKCS8
    return (
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()),
    )


def _context(certificate: bytes, key: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as pair:
        pair.write(certificate + key)
        pair.flush()
        context.load_cert_chain(pair.name)
    return context


if __name__ == "__main__":
    sys.exit(main())

"""Another webhook changes the pod after us: we are called again, and what it added gets what it should have."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from e2e.chart import clusters
from e2e.chart.conftest import namespace
from e2e.live import latecomer, pods
from e2e.live.conftest import ENABLED, await_account, read_log, wait

SPACE = "e2e-latecomer"
PORT = 8443


@pytest.fixture(scope="module")
def neighbour(shipped, tmp_path_factory):
    """The other webhook, in a pod; its configuration's name comes after ours, and so does it."""
    certificate, key = _make_certificate(tmp_path_factory.mktemp("latecomer"))
    made = [namespace(SPACE), *_server(certificate, key), _configuration(certificate)]
    assert clusters.apply(made[:1]).returncode == 0
    await_account(SPACE)
    applied = clusters.apply(made[1:-1])
    assert applied.returncode == 0, applied.stderr
    wait("pod/latecomer", "condition=Ready", SPACE)
    assert clusters.apply(made[-1:]).returncode == 0
    yield
    clusters.delete([made[-1], made[0]])


@pytest.fixture
def both(neighbour, preview):
    """A pod that both have been at."""

    def is_called():
        stored = preview()  # or the sentence of a refusal, until its Service leads to it
        return isinstance(stored, dict) and latecomer.NAME in pods.containers(stored)

    clusters.await_true("it is called", is_called)
    return preview


def test_a_container_that_comes_after_us_gets_its_env_and_mounts(both):
    stored = both(annotations={"pillion.dev/templates": "badge"})
    [late] = [each for each in stored["spec"]["containers"] if each["name"] == latecomer.NAME]

    assert ["log-reader", "app", latecomer.NAME] == pods.containers(stored)
    assert [{"name": "BADGE", "value": "red"}] == late["env"]
    assert "/var/log/app" in {each["mountPath"] for each in late["volumeMounts"]}


def test_both_are_at_work_in_a_pod_that_runs(both, start):
    name = pods.name("web")
    start(pods.pod(name, ENABLED, pods.WRITE))
    wait(f"pod/{name}", "condition=Ready")

    seen = clusters.kubectl("-n", ENABLED, "exec", name, "-c", latecomer.NAME, "--", "cat", "/var/log/app/app.log")
    assert f"hello from {name}" in seen.stdout, seen.stderr
    clusters.await_true("the sidecar reads", lambda: "read hello" in read_log(name, "log-reader"))


def _make_certificate(folder):
    files = folder / "tls.crt", folder / "tls.key"
    host = f"latecomer.{SPACE}.svc"
    named = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}", "-out", files[0], "-keyout", files[1]]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run(["openssl", "req", "-x509", *key, *named], check=True, capture_output=True)
    return tuple(file.read_text() for file in files)


def _server(certificate, key):
    config = {"latecomer.py": Path(latecomer.__file__).read_text(), "tls.crt": certificate, "tls.key": key}
    script = "exec /opt/pillion/bin/python /config/latecomer.py /config/tls.crt /config/tls.key"
    pod = pods.pod("latecomer", SPACE, script, labels={"app": "latecomer"})
    container = pod["spec"]["containers"][0]
    container["volumeMounts"] = [{"name": "config", "mountPath": "/config"}]
    container["readinessProbe"] = {"tcpSocket": {"port": PORT}, "periodSeconds": 1}
    pod["spec"]["volumes"] = [{"name": "config", "configMap": {"name": "latecomer"}}]
    metadata = {"name": "latecomer", "namespace": SPACE}
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": config}
    yield pod
    ports = [{"port": 443, "targetPort": PORT}]
    spec = {"selector": {"app": "latecomer"}, "ports": ports}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _configuration(certificate):
    service = {"name": "latecomer", "namespace": SPACE, "path": "/"}
    webhook = {
        "name": "latecomer.example.com",
        "clientConfig": {"service": service, "caBundle": base64.b64encode(certificate.encode()).decode()},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ENABLED}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
    }
    metadata = {"name": "zz-latecomer"}
    kind = "MutatingWebhookConfiguration"
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "webhooks": [webhook],
    }

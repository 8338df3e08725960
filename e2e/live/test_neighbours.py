"""Another webhook changes the pod after us: we are called again, and what it added gets what it should have."""

from __future__ import annotations

import pytest

from e2e.chart import clusters
from e2e.live import latecomer, pods, stands
from e2e.live.conftest import ENABLED, read_log, wait


@pytest.fixture(scope="module")
def neighbour(shipped, tmp_path_factory):
    """The other webhook, in a pod; its configuration's name comes after ours, and so does it."""
    stand = stands.make(latecomer, tmp_path_factory.mktemp("latecomer"))
    stand.start()
    configuration = _configuration(stand.client_config())
    assert clusters.apply([configuration]).returncode == 0
    yield
    clusters.delete([configuration])
    stand.stop()


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


def _configuration(client_config):
    webhook = {
        "name": "latecomer.example.com",
        "clientConfig": client_config,
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

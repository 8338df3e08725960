"""
The life of a release: installed, upgraded, rolled back, removed.

There are no nodes here, so hooks that are Jobs are left out; what they do to the release's objects is done by hand.
"""

from __future__ import annotations

import base64
import json

import pytest

from e2e.chart import charts, clusters
from e2e.chart.charts import CHART, NAMESPACE

BUNDLE = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n").decode()
EVERYWHERE = "app.kubernetes.io/instance=pillion"


@pytest.fixture
def release(namespaces):
    """Install the chart and inject a caBundle, as the Job does."""
    _helm("install")
    patch = [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": BUNDLE}]
    patched = clusters.kubectl(
        "patch", "mutatingwebhookconfiguration", "pillion", "--type=json", "-p", json.dumps(patch)
    )
    assert patched.returncode == 0, patched.stderr
    yield
    charts.helm("uninstall", "pillion", "--namespace", NAMESPACE, "--ignore-not-found")


@pytest.mark.parametrize("flags", [(), ("--server-side=false",)], ids=["server-side", "client-side"])
def test_an_upgrade_that_changes_nothing_changes_nothing(release, flags):
    before = _objects()
    _helm("upgrade", *flags)
    _helm("upgrade", *flags)

    assert before == _objects()


def test_an_upgrade_and_a_rollback_keep_the_injected_authority(release):
    _helm("upgrade", "--set", "webhook.timeoutSeconds=7")
    assert (7, BUNDLE) == _first_webhook()

    done = charts.helm("rollback", "pillion", "1", "--namespace", NAMESPACE, "--no-hooks")
    assert done.returncode == 0, done.stderr
    assert (5, BUNDLE) == _first_webhook()


def test_nothing_is_left_of_a_release_that_is_removed(release):
    secret = (
        "secret",
        "generic",
        "pillion-tls",
        "--type=kubernetes.io/tls",
        "--from-literal=tls.crt=a",
        "--from-literal=tls.key=b",
    )
    assert clusters.kubectl("-n", NAMESPACE, "create", *secret).returncode == 0
    assert len(_objects()) > 10

    done = charts.helm("uninstall", "pillion", "--namespace", NAMESPACE)
    assert done.returncode == 0, done.stderr
    assert {} == _objects()
    assert clusters.kubectl("-n", NAMESPACE, "get", "secrets", "-o", "name").stdout == ""


def test_helm_shows_how_to_go_on(namespaces):
    done = charts.helm("install", "pillion", str(CHART), "--namespace", NAMESPACE, "--dry-run=client")

    assert "kubectl -n demo run web" in done.stdout
    assert "helm test pillion -n pillion-system" in done.stdout
    assert "! A pod starts uninjected when no server answers" in done.stdout


def _helm(verb, *flags):
    done = charts.helm(verb, "pillion", str(CHART), "--namespace", NAMESPACE, "--no-hooks", *flags)
    assert done.returncode == 0, done.stderr


def _objects():
    """Return all objects of the release in the cluster, by kind and name, with what makes a change seen."""
    kinds = clusters.kubectl("api-resources", "--verbs=list", "-o", "name").stdout.split()
    kinds = [kind for kind in kinds if not kind.startswith(("events", "componentstatuses"))]
    listed = clusters.kubectl("get", ",".join(kinds), "-A", "-l", EVERYWHERE, "-o", "json", "--ignore-not-found").stdout
    found = json.loads(listed or '{"items": []}')["items"]
    return {(each["kind"], each["metadata"]["name"]): each["metadata"]["resourceVersion"] for each in found}


def _first_webhook():
    text = clusters.kubectl("get", "mutatingwebhookconfiguration", "pillion", "-o", "json").stdout
    webhook = json.loads(text)["webhooks"][0]
    return webhook["timeoutSeconds"], webhook["clientConfig"].get("caBundle")

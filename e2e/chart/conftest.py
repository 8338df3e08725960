"""
What the tests of the chart share: an API server without nodes, on loopback, and names that are free in it.

    PATH=$FOLDER_OF_HELM:$PATH KUBE_BIN=$FOLDER_OF_KUBE_APISERVER scripts/api_server.sh python -m pytest e2e/chart
"""

from __future__ import annotations

import pytest

from e2e.chart import charts, clusters
from e2e.chart.charts import NAMESPACE

ENABLED = "chart-enabled"
"""A namespace whose pods opt in."""
PLAIN = "chart-plain"
OTHER = "chart-other"
"""A namespace whose label ``injection`` has another value."""
RESTRICTED = "chart-restricted"
LABELS = {
    ENABLED: {"pillion.dev/injection": "enabled"},
    OTHER: {"pillion.dev/injection": "maybe"},
    PLAIN: {},
    RESTRICTED: {"pod-security.kubernetes.io/enforce": "restricted"},
}


def namespace(name: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None):
    metadata = {"name": name, "labels": labels or {}, "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def account(namespace: str):
    """Make what a controller would, as pods are refused without it."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}


@pytest.fixture(scope="session")
def namespaces():
    """Namespaces of all sorts, those of the cluster included; they outlive the tests, as nothing here finishes them."""
    spaces = [namespace(name, labels) for name, labels in LABELS.items()]
    # What must be excluded opts in as loudly as it can.
    spaces += [
        namespace(name, LABELS[ENABLED]) for name in (NAMESPACE, "kube-system", "kube-public", "kube-node-lease")
    ]
    accounts = [account(space["metadata"]["name"]) for space in spaces]
    assert clusters.apply(spaces).returncode == 0
    assert clusters.apply(accounts).returncode == 0


@pytest.fixture(scope="module")
def install(namespaces):
    """Apply some kinds of what the chart renders, for the time of a module."""
    installed = []

    def apply(values, *kinds):
        things = [each for each in charts.objects(charts.render(values)) if each["kind"] in kinds]
        assert {each["kind"] for each in things} == set(kinds)
        done = clusters.apply(things)
        assert done.returncode == 0, done.stderr
        installed.extend(things)
        return things

    yield apply
    clusters.delete(installed)

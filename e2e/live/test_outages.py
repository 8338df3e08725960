"""Who is never asked about, and what becomes of pods while nobody answers."""

from __future__ import annotations

import re

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.live import pods, servers
from e2e.live.conftest import ENABLED, wait

NEEDY = {"pillion.dev/requires": "log-reader"}


@pytest.mark.parametrize("space", ["kube-system", "kube-public", "kube-node-lease", NAMESPACE])
def test_pods_of_the_cluster_and_of_the_release_are_never_sent(shipped, preview, space):
    preview()
    before = _count_reviews()
    pod = pods.pod(pods.name("web"), space, labels={"pillion.dev/inject": "true"})
    pod["spec"]["serviceAccountName"] = "default"
    clusters.await_true("an account", lambda: clusters.create(pod, "--dry-run=server").returncode == 0)

    assert before == _count_reviews()
    preview()
    assert before + 1 <= _count_reviews()


@pytest.fixture
def silence(shipped):
    """No server."""
    _scale(0)
    # one that drains still answers: on connections that are open, and on new ones while there is no other
    clusters.await_true("no server", lambda: not _pods(), 60)
    yield
    _scale(2)
    wait("deployment/pillion", "condition=Available", NAMESPACE)
    clusters.await_true("two servers", lambda: len(_endpoints()) == 2, 60)


def test_a_pod_starts_without_its_sidecar_while_no_server_answers(silence, start):
    name = pods.name("web")
    stored = start(pods.pod(name, ENABLED))
    wait(f"pod/{name}", "condition=Ready")

    assert ["app"] == pods.containers(stored)


@pytest.fixture(scope="module")
def required(release):
    """Policies that refuse a pod without what it requires."""
    release.upgrade("--no-hooks", values={"requirements": {"enabled": True}})
    yield
    release.upgrade("--no-hooks")


def test_a_pod_that_requires_its_sidecar_is_refused_while_no_server_answers(required, silence, preview):
    clusters.await_true("the policy is in force", lambda: isinstance(preview(annotations=NEEDY), str))
    error = preview(annotations=NEEDY)

    assert "pillion.dev/requires asks for containers that were not injected: log-reader" in error
    assert ["app"] == pods.containers(preview())


def test_a_pod_that_requires_its_sidecar_is_admitted_with_it(required, preview):
    assert ["log-reader", "app"] == pods.containers(preview(annotations=NEEDY))


def _scale(replicas):
    done = clusters.kubectl("-n", NAMESPACE, "scale", "deployment", "pillion", f"--replicas={replicas}")
    assert done.returncode == 0, done.stderr


def _pods():
    return clusters.kubectl("-n", NAMESPACE, "get", "pods", "-l", servers.SERVERS, "-o", "name").stdout.split()


def _endpoints():
    path = "jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses[*]}"
    selector = "kubernetes.io/service-name=pillion"
    return clusters.kubectl("-n", NAMESPACE, "get", "endpointslices", "-l", selector, "-o", path).stdout.split()


def _count_reviews():
    answered = r'^pillion_requests_total\{code="200",path="/mutate"\} (\S+)'
    texts = (servers.metrics(server) for server in servers.names())
    return sum(float(count) for text in texts for count in re.findall(answered, text, re.MULTILINE))

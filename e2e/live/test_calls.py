"""Which creates reach the servers, and how often: once, unless the pod is changed after it. All are made for real."""

from __future__ import annotations

import json

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.live import calls, pods
from e2e.live.conftest import ENABLED, PLAIN, await_account

INJECTED = ["injected"]
"""Once: what the API server would do to the container that came has been done already."""
UNSUITED = {"e2e-reader": "none"}
"""Labels of a pod that no template is for."""
MIRROR = {"kubernetes.io/config.mirror": "1", "kubernetes.io/config.source": "file", "kubernetes.io/config.hash": "1"}
NOWHERE = {"nodeName": "e2e-nowhere"}
"""A node that there is not: what must have a node runs nowhere all the same."""

CASES = {
    "its namespace opts in": (ENABLED, {}, {}, INJECTED),
    "namespace and pod opt in": (ENABLED, {"labels": {"pillion.dev/inject": "true"}}, {}, INJECTED),
    "the pod alone opts in": (PLAIN, {"labels": {"pillion.dev/inject": "true"}}, {}, INJECTED),
    "the pod's label says neither": (ENABLED, {"labels": {"pillion.dev/inject": "maybe"}}, {}, INJECTED),
    "no template is for it": (ENABLED, {"labels": UNSUITED}, {}, ["selector-mismatch"]),
    "nobody opts in": (PLAIN, {}, {}, []),
    "the pod opts out": (ENABLED, {"labels": {"pillion.dev/inject": "false"}}, {}, []),
    "the pod opts out where nobody is in": (PLAIN, {"labels": {"pillion.dev/inject": "false"}}, {}, []),
    "it is for Windows": (ENABLED, {}, {"os": {"name": "windows"}}, []),
    "it is for Linux": (ENABLED, {}, {"os": {"name": "linux"}}, INJECTED),
    "it selects nodes with Windows": (ENABLED, {}, {"nodeSelector": {"kubernetes.io/os": "windows"}}, []),
    "it selects nodes with Linux": (ENABLED, {}, {"nodeSelector": {"kubernetes.io/os": "linux"}}, INJECTED),
    "it is of the host's network": (ENABLED, {}, {"hostNetwork": True}, []),
    "it says that it is not": (ENABLED, {}, {"hostNetwork": False}, INJECTED),
    "it mirrors a node's own pod": (ENABLED, {"annotations": MIRROR}, NOWHERE, []),
    "it has a node already": (ENABLED, {"annotations": {"a": "b"}}, NOWHERE, INJECTED),
} | {
    f"it belongs to {space}": (space, {"labels": {"pillion.dev/inject": "true"}}, {}, [])
    for space in ("kube-system", "kube-public", "kube-node-lease", NAMESPACE)
}  # fmt: skip


@pytest.fixture(scope="module")
def said(shipped):
    """Create a pod of each case; what was decided at the calls for it, if there were any, by the case."""
    made = {case: _pod(*given[:3]) for case, given in CASES.items()}
    try:
        for pod in made.values():
            await_account(pod["metadata"]["namespace"])
            created = clusters.create(pod)
            assert created.returncode == 0, created.stderr
        _do_what_is_no_creation_of_a_pod(made["its namespace opts in"]["metadata"]["name"])
        _await_logs()
        reasons = calls.reasons()
    finally:
        clusters.delete(list(made.values()))
    return {case: reasons.get(_key(pod), []) for case, pod in made.items()}


@pytest.mark.parametrize("case", CASES)
def test_a_pod_that_is_created_is_sent_where_it_may_be_injected_and_no_second_time(said, case):
    assert CASES[case][3] == said[case]


def _pod(space, metadata, spec):
    pod = pods.pod(pods.name("web"), space, **metadata)
    waiting = {} if "nodeName" in spec else pods.WAITING
    pod["spec"] |= {"serviceAccountName": "default", **waiting, **spec}
    if MIRROR == metadata.get("annotations"):
        del pod["spec"]["serviceAccountName"]  # it would be refused, as its node cannot have one
    return pod


def _key(pod):
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _do_what_is_no_creation_of_a_pod(name):
    """Change, evict and delete a pod that was sent when it was created."""
    container = {"name": "looker", "image": pods.IMAGE, "command": ["true"]}
    looker = json.dumps({"spec": {"ephemeralContainers": [container]}})
    for words in (
        ["annotate", "pod", name, "a=b"],
        ["patch", "pod", name, "--subresource=ephemeralcontainers", "--patch", looker],
        ["delete", "pod", name, "--dry-run=server"],
    ):
        done = clusters.kubectl("-n", ENABLED, *words)
        assert done.returncode == 0, done.stderr
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": ENABLED}}
    path = f"/api/v1/namespaces/{ENABLED}/pods/{name}/eviction"
    evicted = clusters.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
    assert evicted.returncode == 0, evicted.stderr


def _await_logs():
    """Create one more pod and wait until it is told of: what was to be said before it has been said."""
    marker = pods.pod(pods.name("marker"), ENABLED)
    clusters.create(marker, "--dry-run=server")
    clusters.await_true("it is told of", lambda: _key(marker) in calls.reasons(), 60)

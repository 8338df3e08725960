"""Which creates reach the servers, how often, and what the last call changes: nothing. Every pod is made for real."""

from __future__ import annotations

import base64
import json

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.chart.conftest import namespace
from e2e.live import calls, pods, relay, stands
from e2e.live.conftest import ENABLED, PLAIN, await_account

INJECTED = ["injected", "already-injected"]
"""Called again, as the API server mounts the token of the account into the container that came."""
UNSUITED = {"e2e-reader": "none"}
"""Labels of a pod that no template is for."""
MIRROR = {"kubernetes.io/config.mirror": "1", "kubernetes.io/config.source": "file", "kubernetes.io/config.hash": "1"}
NOWHERE = {"nodeName": "e2e-nowhere"}
"""A node that there is not: what must have a node runs nowhere all the same."""
WAITING = {"schedulingGates": [{"name": "e2e.example.com/never"}]}
"""What makes a pod wait for ever: it is stored, and nothing runs."""

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
def test_a_pod_that_is_created_is_sent_where_it_may_be_injected_and_again_where_it_was(said, case):
    assert CASES[case][3] == said[case]


@pytest.fixture(scope="module")
def relayed(release, shipped, tmp_path_factory):
    """A namespace whose pods go to the servers by way of somebody who writes down what is said."""
    stand = stands.make(relay, tmp_path_factory.mktemp("relay"))
    host = f"pillion.{NAMESPACE}.svc"
    live = json.loads(clusters.kubectl("get", "mutatingwebhookconfiguration", "pillion", "-o", "json").stdout)
    authority = base64.b64decode(live["webhooks"][0]["clientConfig"]["caBundle"]).decode()
    address = clusters.kubectl("-n", NAMESPACE, "get", "service", "pillion", "-o", "jsonpath={.spec.clusterIP}").stdout
    names = {"hostAliases": [{"ip": address, "hostnames": [host]}]}
    release.upgrade("--no-hooks", values={"webhook": {"namespaceSelector": _only("NotIn")}})
    configuration = _configuration(live["webhooks"], stand.client_config())
    try:
        stand.start(host, "/config/authority.crt", files={"authority.crt": authority}, **names)
        applied = clusters.apply([namespace(RELAYED, {"pillion.dev/injection": "enabled"}), configuration])
        assert applied.returncode == 0, applied.stderr
        await_account(RELAYED)
        yield lambda: [json.loads(line) for line in _log(stand).splitlines()]
    finally:
        clusters.delete([configuration, namespace(RELAYED)])
        stand.stop()
        release.upgrade("--no-hooks")


RELAYED = "e2e-relayed"


def test_the_second_call_of_a_real_create_has_no_patch(relayed):
    pod = {**pods.pod(pods.name("web"), RELAYED), "spec": {**pods.spec(pods.WAIT), **WAITING}}
    clusters.await_true("the relay is called", lambda: _is_injected(clusters.create(pod, "--dry-run=server")))
    created = clusters.create(pod)
    stored = json.loads(created.stdout)

    first, second = (call for call in relayed() if call["name"] == pod["metadata"]["name"] and not call["dry_run"])
    assert {"add"} == {operation["op"] for operation in first["patch"]}
    assert ("injected", "hello=selector-mismatch,log-reader=injected") == _audit(first)
    assert ["log-reader", "app"] == pods.containers(second["pod"])
    assert first["pod"]["spec"] != second["pod"]["spec"]
    assert second["patch"] is None
    assert ("already-injected", "hello=selector-mismatch,log-reader=already-injected") == _audit(second)
    assert pods.containers(stored) == pods.containers(second["pod"])
    assert stored["metadata"]["annotations"] == second["pod"]["metadata"]["annotations"]


def _pod(space, metadata, spec):
    pod = pods.pod(pods.name("web"), space, **metadata)
    waiting = {} if "nodeName" in spec else WAITING
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


def _only(operator):
    return {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": operator, "values": [RELAYED]}]}


def _configuration(webhooks, client_config):
    """Make a configuration like the installed one, for one namespace and another server."""
    changed = [{**each, "clientConfig": client_config, "namespaceSelector": _only("In")} for each in webhooks]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "e2e-relay"},
        "webhooks": [each for each in changed if each["name"].startswith("namespace.")],
    }


def _is_injected(done):
    return done.returncode == 0 and "log-reader" in pods.containers(json.loads(done.stdout))


def _audit(call):
    return call["audit"]["decision"], call["audit"]["templates"]


def _log(stand):
    return clusters.kubectl("-n", stand.space, "logs", stand.name).stdout

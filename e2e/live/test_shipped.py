"""The templates that come with the chart do to real pods what they say."""

from __future__ import annotations

import json

import pytest

from e2e.chart import clusters
from e2e.chart.conftest import namespace
from e2e.live import pods, servers
from e2e.live.conftest import ENABLED, await_account, wait

SHIPPED = ["hello", "namespace-node-selector"]
GREETED = {"hello": "true"}
PLACE = "e2e.example.com/place"
SELECTOR = "scheduler.alpha.kubernetes.io/node-selector"
HERE, ELSEWHERE, GARBLED = "e2e-here", "e2e-elsewhere", "e2e-garbled"
SELECTORS = {HERE: f"{PLACE}=here", ELSEWHERE: f"{PLACE} = elsewhere", GARBLED: "here"}
"""What the namespaces say of the nodes of their pods."""
GREETING = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "hello", "namespace": ENABLED},
    "data": {"greeting": "hello from the namespace"},
}


@pytest.fixture(scope="module", autouse=True)
def chosen(release, shipped):
    """Both templates, a node with a label, and namespaces that name it, or another."""
    release.upgrade("--no-hooks", values={"shippedTemplates": SHIPPED})
    clusters.await_true("both in force", _are_in_force)
    spaces = [
        namespace(name, {"pillion.dev/injection": "enabled"}, {SELECTOR: text}) for name, text in SELECTORS.items()
    ]
    applied = clusters.apply([*spaces, GREETING])
    assert applied.returncode == 0, applied.stderr
    assert clusters.kubectl("label", "nodes", "--all", f"{PLACE}=here").returncode == 0
    for name in SELECTORS:
        await_account(name)
    yield
    clusters.kubectl("label", "nodes", "--all", f"{PLACE}-")
    clusters.delete([*spaces, GREETING])
    release.upgrade("--no-hooks")


def test_hello_puts_the_files_of_the_namespaces_config_map_into_every_container(start):
    name = pods.name("web")
    pod = pods.pod(name, ENABLED, labels=GREETED)
    pod["spec"]["initContainers"] = [{**pod["spec"]["containers"][0], "name": "before", "command": READ}]
    stored = start(pod)
    wait(f"pod/{name}", "condition=Ready")

    assert "OK" == stored["metadata"]["labels"]["hello-added"]
    assert GREETING["data"]["greeting"] == _exec(name, *READ)
    assert GREETING["data"]["greeting"] == clusters.kubectl("-n", ENABLED, "logs", name, "-c", "before").stdout


READ = ["cat", "/etc/hello/greeting"]


def test_hello_is_told_where_to_put_which_files(start):
    other = {**GREETING, "metadata": {"name": "other", "namespace": ENABLED}, "data": {"note": "elsewhere"}}
    start(other)
    name = pods.name("web")
    annotations = {"hello.pillion.dev/configMap": "other", "hello.pillion.dev/path": "/notes"}
    start(pods.pod(name, ENABLED, labels=GREETED, annotations=annotations))
    wait(f"pod/{name}", "condition=Ready")

    assert "elsewhere" == _exec(name, "cat", "/notes/note")


def test_a_pod_without_the_label_hello_gets_nothing_of_it(preview):
    stored = preview()

    assert "hello-added" not in stored["metadata"].get("labels", {})
    assert "hello" not in {each["name"] for each in stored["spec"]["volumes"]}


def test_a_pod_runs_on_the_nodes_that_its_namespace_names(start):
    name = pods.name("web")
    stored = start(pods.pod(name, HERE))
    wait(f"pod/{name}", "condition=Ready", HERE)

    assert {PLACE: "here"} == stored["spec"]["nodeSelector"]


def test_a_pod_of_the_hosts_network_runs_there_too(start):
    name = pods.name("web")
    pod = pods.pod(name, HERE)
    pod["spec"]["hostNetwork"] = True
    stored = start(pod)
    wait(f"pod/{name}", "condition=Ready", HERE)

    assert {PLACE: "here"} == stored["spec"]["nodeSelector"]


def test_a_pod_waits_where_no_node_is_as_its_namespace_names_it(start):
    name = pods.name("web")
    stored = start(pods.pod(name, ELSEWHERE))
    wait(f"pod/{name}", "condition=PodScheduled=false", ELSEWHERE)

    assert {PLACE: "elsewhere"} == stored["spec"]["nodeSelector"]


def test_a_pod_that_wants_to_run_elsewhere_is_refused(preview):
    error = preview(HERE, nodeSelector={PLACE: "elsewhere"})

    assert (
        f"Namespace {HERE} keeps its pods on nodes with {PLACE}=here, but this pod asks for {PLACE}=elsewhere;"
        " take that from its nodeSelector." in error
    )


def test_the_selector_of_a_pod_and_that_of_its_namespace_add_up(preview):
    stored = preview(HERE, nodeSelector={"disk": "fast"})

    assert {"disk": "fast", PLACE: "here"} == stored["spec"]["nodeSelector"]


def test_a_daemon_set_runs_where_it_was_put(start):
    name = pods.name("daemonset")
    start(pods.workload("DaemonSet", name, ELSEWHERE))
    wait(f"daemonset/{name}", "jsonpath={.status.numberReady}=1", ELSEWHERE)

    listed = clusters.kubectl("-n", ELSEWHERE, "get", "pods", "-l", f"app={name}", "-o", "json")
    [pod] = json.loads(listed.stdout)["items"]
    assert "nodeSelector" not in pod["spec"]


def test_a_selector_that_cannot_be_read_is_told_to_whoever_creates_a_pod(preview):
    error = preview(GARBLED)

    assert f"Namespace {GARBLED} has the node selector 'here'; write pairs such as env=test,tier=web." in error


def _exec(pod, *command):
    return clusters.kubectl("-n", ENABLED, "exec", pod, "-c", "app", "--", *command).stdout


def _are_in_force():
    return all(set(SHIPPED) <= servers.revisions(server).keys() for server in servers.names())

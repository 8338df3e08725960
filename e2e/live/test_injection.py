"""Pods that opt in get their passengers, and these work."""

from __future__ import annotations

import json

import pytest

from e2e.chart import clusters
from e2e.live import pods
from e2e.live.conftest import ENABLED, PLAIN, read_log, wait


def test_a_pod_of_a_labelled_namespace_runs_with_its_sidecar_at_work(start):
    name = pods.name("web")
    start(pods.pod(name, ENABLED, pods.WRITE))
    wait(f"pod/{name}", "condition=Ready")

    assert "2/2" == clusters.kubectl("-n", ENABLED, "get", "pod", name, "--no-headers").stdout.split()[1]
    clusters.await_true(
        "the sidecar reads what the application writes",
        lambda: f"read hello from {name}" in read_log(name, "log-reader"),
    )


TRUTH = [
    # namespace, label of the pod, injected
    (ENABLED, None, True),
    (ENABLED, "true", True),
    (ENABLED, "false", False),
    (PLAIN, None, False),
    (PLAIN, "true", True),
    (PLAIN, "false", False),
]


@pytest.mark.parametrize(("space", "label", "injected"), TRUTH)
def test_a_label_opts_a_pod_in_and_out(start, space, label, injected):
    labels = {"pillion.dev/inject": label} if label else {}
    stored = start(pods.pod(pods.name("web"), space, labels=labels))

    assert injected is ("log-reader" in pods.containers(stored))


def test_a_template_is_asked_for_by_name_with_parameters(preview):
    stored = preview(annotations={"pillion.dev/templates": "badge", "badge.pillion.dev/colour": "blue"})

    assert {"BADGE": "blue"} == pods.variables(stored)
    assert "blue" == stored["metadata"]["labels"]["badge"]
    assert ["log-reader", "app"] == pods.containers(stored)


def test_nobody_gets_what_he_did_not_ask_for(preview):
    assert {} == pods.variables(preview())


def test_a_minus_takes_a_default_away(preview):
    assert ["app"] == pods.containers(preview(annotations={"pillion.dev/templates": "-log-reader"}))


def test_a_bad_parameter_is_told_to_whoever_creates_the_pod(preview):
    error = preview(annotations={"pillion.dev/templates": "badge", "badge.pillion.dev/colour": "loud"})

    assert "template 'badge': annotation 'badge.pillion.dev/colour' of the pod: 'loud' is not one of" in error
    assert "['red', 'green', 'blue']" in error


def test_an_unknown_template_is_told_with_the_near_miss(preview):
    error = preview(annotations={"pillion.dev/templates": "badgee"})

    assert "'badgee'" in error
    assert "'badge'" in error


def test_a_bad_parameter_of_a_deployment_stands_in_the_condition_of_its_replica_set(start):
    name = pods.name("web")
    annotations = {"pillion.dev/templates": "badge", "badge.pillion.dev/colour": "loud"}
    start(pods.workload("Deployment", name, ENABLED, **annotations))
    wait(f"deployment/{name}", "condition=ReplicaFailure")

    [found] = json.loads(
        clusters.kubectl("-n", ENABLED, "get", "replicasets", "-l", f"app={name}", "-o", "json").stdout
    )["items"]
    [failure] = [each for each in found["status"]["conditions"] if each["type"] == "ReplicaFailure"]
    assert "'loud' is not one of ['red', 'green', 'blue']" in failure["message"]


def test_a_dry_run_shows_the_injection_and_leaves_nothing(preview):
    stored = preview()

    assert "log-reader" in pods.containers(stored)
    gone = clusters.kubectl("-n", ENABLED, "get", "pod", stored["metadata"]["name"])
    assert "NotFound" in gone.stderr


@pytest.mark.parametrize(
    "record",
    [
        '{"templates": [{"name": "log-reader", "revision": "0"}], "containers": ["log-reader"]}',
        "no JSON",
    ],
    ids=["forged", "broken"],
)
def test_a_record_that_lies_changes_nothing(preview, record):
    stored = preview(annotations={"pillion.dev/status": record})

    assert ["log-reader", "app"] == pods.containers(stored)
    assert preview()["metadata"]["annotations"] == stored["metadata"]["annotations"]


@pytest.mark.parametrize("stripped", [False, True], ids=["with its record", "without its record"])
def test_a_pod_that_was_copied_gets_nothing_twice(start, stripped):
    original = start(pods.pod(pods.name("web"), ENABLED))
    annotations = {} if stripped else original["metadata"]["annotations"]
    copy = pods.pod(pods.name("copy"), ENABLED, annotations=annotations, labels=original["metadata"].get("labels", {}))
    copy["spec"] = {key: value for key, value in original["spec"].items() if key != "nodeName"}
    stored = start(copy)

    assert pods.containers(original) == pods.containers(stored)
    assert original["spec"] == {**stored["spec"]}
    assert original["metadata"]["annotations"] == stored["metadata"]["annotations"]

"""Whoever applies a workload is told what its pods will be refused for, or go without; nobody else could see it."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from e2e.chart import clusters
from e2e.live import pods
from e2e.live.conftest import ENABLED, PLAIN, wait

LOUD = {"pillion.dev/templates": "badge", "badge.pillion.dev/colour": "loud"}
SENTENCE = (
    "template 'badge': annotation 'badge.pillion.dev/colour' of the pod: 'loud' is not one of ['red', 'green', 'blue']"
    " (bad-parameter)"
)
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


@pytest.fixture
def apply(shipped):
    """Apply a workload by kubectl for the time of a test, and return the warnings that it shows."""
    applied = []

    def run(workload, *flags):
        done = clusters.kubectl("apply", "--filename", "-", *flags, stdin=yaml.safe_dump(workload))
        applied.append(workload)
        assert done.returncode == 0, done.stderr
        return re.findall("^Warning: (.*)$", done.stderr, re.MULTILINE)

    yield run
    clusters.delete(applied)


def test_a_bad_parameter_is_told_at_apply_and_stands_in_the_condition_of_the_replica_set(apply):
    name = pods.name("web")

    warnings = apply(pods.workload("Deployment", name, ENABLED, **LOUD))

    assert [f"pods of deployment/{name} will be refused", SENTENCE] == warnings
    wait(f"deployment/{name}", "condition=ReplicaFailure")
    [found] = json.loads(
        clusters.kubectl("-n", ENABLED, "get", "replicasets", "-l", f"app={name}", "-o", "json").stdout
    )["items"]
    [failure] = [each for each in found["status"]["conditions"] if each["type"] == "ReplicaFailure"]
    assert SENTENCE in failure["message"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_is_told_whatever_the_kind(apply, kind):
    name = pods.name("web")

    assert [f"pods of {kind.lower()}/{name} will be refused", SENTENCE] == apply(
        pods.workload(kind, name, ENABLED, **LOUD), "--dry-run=server"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_workload_in_order_is_applied_without_a_word(apply, kind):
    annotations = {"pillion.dev/templates": "badge", "badge.pillion.dev/colour": "blue"}

    assert [] == apply(pods.workload(kind, pods.name("web"), ENABLED, **annotations), "--dry-run=server")


def test_a_mistake_in_a_namespace_that_does_not_opt_in_is_nobodys(apply):
    assert [] == apply(pods.workload("Deployment", pods.name("web"), PLAIN, **LOUD), "--dry-run=server")


def test_a_label_on_the_deployment_instead_of_its_pods_is_told(apply):
    workload = pods.workload("Deployment", pods.name("web"), PLAIN)
    workload["metadata"]["labels"] = {"pillion.dev/inject": "true"}

    assert [
        f"pods of deployment/{workload['metadata']['name']} get nothing",
        (
            "label 'pillion.dev/inject' of the Deployment itself is read by nobody:"
            " move it to spec.template.metadata.labels"
        ),
    ] == apply(workload, "--dry-run=server")


def test_an_update_that_leaves_the_pods_alone_is_not_told_again(apply):
    workload = pods.workload("Deployment", pods.name("web"), ENABLED, **LOUD)
    apply(workload)
    workload["spec"]["replicas"] = 0

    assert [] == apply(workload)
    workload["spec"]["template"]["metadata"]["annotations"]["badge.pillion.dev/colour"] = "shrill"
    assert ["'shrill' is not one of"] == re.findall("'shrill' is not one of", " ".join(apply(workload)))


def test_warnings_can_be_turned_off_and_on_again(release, apply):
    """The entries come back without authorities, which the Job that follows an upgrade has to give them."""
    workload = pods.workload("Deployment", pods.name("web"), ENABLED, **LOUD)

    release.upgrade(values={"workloadWarnings": {"enabled": False}})
    clusters.await_true("silence", lambda: [] == apply(workload, "--dry-run=server"))
    release.upgrade()
    clusters.await_true("a warning", lambda: SENTENCE in apply(workload, "--dry-run=server"))

"""
Which workloads the API server sends, and how often: selectors and matchConditions of the validating configuration.

A condition that fails is as good as a false one here, so each is seen at work both ways.
"""

from __future__ import annotations

import uuid

import pytest

from e2e.chart import clusters, recorders
from e2e.chart.charts import NAMESPACE
from e2e.chart.conftest import ENABLED, OTHER, PLAIN

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")
ASKING = {"pillion.dev/inject": "true"}
REFUSING = {"pillion.dev/inject": "false"}
PARAMETER = {"hello.pillion.dev/path": "/etc/hello"}
OWNER = {"apiVersion": "example.com/v1", "kind": "Rollout", "name": "web", "uid": str(uuid.uuid4())}
SENT = [
    # namespace, metadata of the workload itself, metadata of its pods, sent
    (ENABLED, {}, {}, 1),
    (ENABLED, {}, {"labels": ASKING}, 1),
    (ENABLED, {}, {"labels": REFUSING}, 0),
    (ENABLED, {"labels": REFUSING}, {}, 1),
    (OTHER, {}, {}, 1),
    (PLAIN, {}, {}, 0),
    (PLAIN, {}, {"labels": ASKING}, 1),
    (PLAIN, {}, {"labels": REFUSING}, 0),
    (PLAIN, {}, {"annotations": PARAMETER}, 1),
    (PLAIN, {"labels": ASKING}, {}, 1),
    (PLAIN, {"annotations": PARAMETER}, {}, 1),
    (PLAIN, {"annotations": {"notpillion.dev/a": "b", "pillion.dev": "c"}}, {}, 0),
    (ENABLED, {"ownerReferences": [OWNER]}, {}, 1),
    (ENABLED, {"ownerReferences": [{**OWNER, "controller": True}]}, {}, 0),
    *((space, {}, {"labels": ASKING}, 0) for space in ("kube-system", "kube-public", "kube-node-lease", NAMESPACE)),
]


@pytest.fixture(scope="module")
def recorder(install, tmp_path_factory):
    """The chart's validating configuration, calling a recorder."""
    with recorders.recording(tmp_path_factory.mktemp("recorder")) as found:
        provided = {"mode": "provided", "provided": {"secretName": "unused", "caBundle": found.authority}}
        install({"webhook": {"url": found.address}, "certificates": provided}, "ValidatingWebhookConfiguration")
        clusters.await_true("the API server calls", lambda: found.calls[_create("Deployment", ENABLED)] == 1)
        yield found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_sent(recorder, kind):
    assert (1, 1, 0) == (
        recorder.calls[_create(kind, ENABLED)],
        recorder.calls[_create(kind, PLAIN, {}, {"labels": ASKING})],
        recorder.calls[_create(kind, PLAIN)],
    )


@pytest.mark.parametrize(("space", "itself", "pods", "sent"), SENT)
def test_what_nobody_can_be_told_anything_of_stays_away(recorder, space, itself, pods, sent):
    assert sent == recorder.calls[_create("Deployment", space, itself, pods)]


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        (("scale", "--replicas=3"), 0),
        (("annotate", "team=blue"), 0),
        (("annotate", "pillion.dev/templates=hello"), 1),
        (("label", "pillion.dev/inject=true"), 1),
        (("set image", "*=example.com/other"), 1),
        (("delete",), 0),
    ],
    ids=lambda change: " ".join(change) if isinstance(change, tuple) else None,
)
def test_an_update_is_sent_where_it_can_change_what_pods_are_told(recorder, change, sent):
    created = _create("Deployment", ENABLED)

    _change(created, *change)

    assert 1 + sent == recorder.calls[created]


def test_a_key_of_ours_that_stays_is_not_told_again_and_again(recorder):
    created = _create("Deployment", ENABLED, {"annotations": PARAMETER}, {})

    _change(created, "annotate", "team=blue")

    assert 1 == recorder.calls[created]


@pytest.mark.parametrize("kind", ["CronJob", "StatefulSet"])
def test_a_pod_template_that_changes_is_sent_whatever_the_kind(recorder, kind):
    created = _create(kind, ENABLED)

    _change(created, "set image", "*=example.com/other", kind=kind)

    assert 2 == recorder.calls[created]


def _create(kind, space, itself=None, pods=None):
    name = f"web-{uuid.uuid4().hex[:10]}"
    done = clusters.create(_workload(kind, name, space, itself or {}, pods or {}))
    assert done.returncode == 0, done.stderr
    return f"{space}/{name}"


def _change(created, command, *words, kind="Deployment"):
    space, _, name = created.partition("/")
    done = clusters.kubectl("-n", space, *command.split(), f"{kind.lower()}/{name}", *words)
    assert done.returncode == 0, done.stderr


def _workload(kind, name, space, itself, pods):
    labels = {"app": name, **pods.get("labels", {})}
    template = {
        "metadata": {**pods, "labels": labels},
        "spec": {"containers": [{"name": "app", "image": "example.com/app"}]},
    }
    selecting = {"selector": {"matchLabels": {"app": name}}, "template": template}
    once = {"template": {**template, "spec": {**template["spec"], "restartPolicy": "Never"}}}
    spec = {"CronJob": {"schedule": "0 0 29 2 *", "jobTemplate": {"spec": once}}, "Job": once}.get(kind, selecting)
    group = "batch/v1" if kind.endswith("Job") else "apps/v1"
    return {
        "apiVersion": group,
        "kind": kind,
        "metadata": {**itself, "name": name, "namespace": space},
        "spec": {**spec, "serviceName": name} if kind == "StatefulSet" else spec,
    }

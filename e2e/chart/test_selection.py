"""
Which pods the API server sends, and how often: selectors and matchConditions of the installed configuration.

Every pod is created for real, as matchConditions are to be seen at work, before a server that only counts.
"""

from __future__ import annotations

import uuid

import pytest

from e2e.chart import clusters, recorders
from e2e.chart.charts import NAMESPACE
from e2e.chart.conftest import ENABLED, OTHER, PLAIN

TRUTH = [
    # namespace, pod label, sent
    (ENABLED, None, 1),
    (ENABLED, "true", 1),
    (ENABLED, "false", 0),
    (ENABLED, "maybe", 1),
    (PLAIN, None, 0),
    (PLAIN, "true", 1),
    (PLAIN, "false", 0),
    (PLAIN, "maybe", 0),
    (OTHER, None, 0),
    (OTHER, "true", 1),
    (OTHER, "false", 0),
    *(
        (excluded, label, 0)
        for excluded in ("kube-system", "kube-public", "kube-node-lease", NAMESPACE)
        for label in (None, "true")
    ),
]
MIRROR = {"kubernetes.io/config.mirror": "1", "kubernetes.io/config.source": "file", "kubernetes.io/config.hash": "1"}
CONDITIONS = [
    ({"spec": {"hostNetwork": True}}, 0),
    ({"spec": {"hostNetwork": False}}, 1),
    ({"spec": {"os": {"name": "windows"}}}, 0),
    ({"spec": {"os": {"name": "linux"}}}, 1),
    ({"spec": {"nodeSelector": {"kubernetes.io/os": "windows"}}}, 0),
    ({"spec": {"nodeSelector": {"kubernetes.io/os": "linux"}}}, 1),
    ({"spec": {"nodeSelector": {"disk": "fast"}}}, 1),
    ({"annotations": MIRROR, "spec": {"nodeName": "node-1"}}, 0),
    ({"annotations": {"a": "b"}, "spec": {"nodeName": "node-1"}}, 1),
]


@pytest.fixture(scope="module")
def recorder(install, tmp_path_factory):
    """The chart's mutating configuration, calling a recorder."""
    with recorders.recording(tmp_path_factory.mktemp("recorder")) as found:
        install(_values(found), "MutatingWebhookConfiguration")
        clusters.await_true("the API server calls", lambda: _create(found, ENABLED, "true", {}) == 1)
        yield found


@pytest.mark.parametrize(("namespace", "label", "sent"), TRUTH)
def test_a_pod_is_sent_once_or_never_as_the_truth_table_says(recorder, namespace, label, sent):
    assert sent == _create(recorder, namespace, label, {})


@pytest.mark.parametrize(("part", "sent"), CONDITIONS, ids=[str(part) for part, _ in CONDITIONS])
@pytest.mark.parametrize("label", [None, "true"], ids=["by its namespace", "by its label"])
def test_conditions_keep_back_what_cannot_be_injected(recorder, label, part, sent):
    assert sent == _create(recorder, ENABLED, label, part)


def test_what_is_no_creation_of_a_pod_is_never_sent(recorder):
    name = _name()
    assert clusters.create(_pod(name, ENABLED, "true", {})).returncode == 0
    assert clusters.kubectl("-n", ENABLED, "annotate", "pod", name, "a=b").returncode == 0
    assert clusters.kubectl("-n", ENABLED, "delete", "pod", name, "--grace-period=0", "--force").returncode == 0

    assert 1 == recorder.calls[f"{ENABLED}/{name}"]


def _values(recorder):
    provided = {"mode": "provided", "provided": {"secretName": "unused", "caBundle": recorder.authority}}
    return {"webhook": {"url": recorder.address, "failurePolicy": "Fail"}, "certificates": provided}


def _create(recorder, namespace, label, part):
    name = _name()
    done = clusters.create(_pod(name, namespace, label, part))
    assert done.returncode == 0, done.stderr
    return recorder.calls[f"{namespace}/{name}"]


def _name():
    return f"web-{uuid.uuid4().hex[:10]}"


def _pod(name, namespace, label, part):
    labels = {} if label is None else {"pillion.dev/inject": label}
    metadata = {
        "name": name,
        "namespace": namespace,
        "labels": labels,
        **{k: v for k, v in part.items() if k != "spec"},
    }
    spec = {"containers": [{"name": "app", "image": "example.com/app"}], **part.get("spec", {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

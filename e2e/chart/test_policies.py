"""The ValidatingAdmissionPolicies, in the API server that evaluates them; there is no webhook that would inject."""

from __future__ import annotations

import uuid

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.chart.conftest import ENABLED, PLAIN, namespace

KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
REQUIRING = "chart-requiring"
WRITER, OTHER_WRITER = "writer", "other"

CONFIGMAPS = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "chart-configmaps"},
    "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch", "delete"]}],
}
"""What a user usually has."""

PODS = [
    # namespace, annotation, label, containers, init containers, refused because of
    (PLAIN, None, None, {"app": "a"}, {}, None),
    (PLAIN, "proxy", None, {"app": "a"}, {}, "asks for containers that were not injected: proxy;"),
    (PLAIN, "proxy", None, {"app": "a", "proxy": "a"}, {}, None),
    (PLAIN, "proxy", None, {"app": "a"}, {"proxy": "a"}, None),
    (PLAIN, "proxy, logs", None, {"app": "a"}, {"proxy": "a"}, "not injected: logs;"),
    (PLAIN, " proxy ,logs,", None, {"app": "a"}, {}, "not injected: proxy, logs;"),
    (PLAIN, "", None, {"app": "a"}, {}, None),
    (PLAIN, "proxy", "false", {"app": "a"}, {}, "not injected: proxy;"),
    (REQUIRING, None, None, {"app": "a"}, {}, "not injected: mesh;"),
    (REQUIRING, None, "false", {"app": "a"}, {}, "not injected: mesh;"),
    (REQUIRING, "proxy", None, {"app": "a"}, {}, "not injected: proxy, mesh;"),
    (REQUIRING, None, None, {"app": "a", "mesh": "a"}, {}, None),
    (PLAIN, None, None, {"app": "auto"}, {}, None),
    (PLAIN, None, "true", {"app": "auto"}, {}, "image: auto was not replaced in app;"),
    (PLAIN, None, "true", {"app": "a"}, {"logs": "auto"}, "image: auto was not replaced in logs;"),
    (ENABLED, None, None, {"app": "a", "logs": "auto"}, {}, "image: auto was not replaced in logs;"),
    ("kube-system", "proxy", None, {"app": "a"}, {}, None),
    (NAMESPACE, "proxy", "true", {"app": "auto"}, {}, None),
]


@pytest.fixture(scope="module")
def policies(install):
    """Both policies of the chart, once they are in force, and the accounts of two people."""
    space = namespace(REQUIRING, annotations={"pillion.dev/requires": "mesh"})
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": REQUIRING}}
    assert clusters.apply([space]).returncode == 0
    assert clusters.apply([account]).returncode == 0
    install({"requirements": {"enabled": True}, "templateWriters": {"enabled": True}}, *KINDS, "ClusterRole")
    bindings = [_binding(WRITER, "pillion-template-writers"), _binding(OTHER_WRITER, CONFIGMAPS["metadata"]["name"])]
    assert clusters.apply([CONFIGMAPS, *bindings]).returncode == 0
    clusters.await_true("the policy of pods is in force", lambda: "not injected" in _create(*PODS[1][:5]))
    clusters.await_true(
        "the policy of templates is in force", lambda: "ClusterRole" in _write(OTHER_WRITER, NAMESPACE, _LABEL)
    )
    yield
    clusters.delete([CONFIGMAPS, *bindings])


_LABEL = {"pillion.dev/template": "true"}


@pytest.mark.parametrize(("space", "annotation", "label", "containers", "init", "refusal"), PODS)
def test_a_pod_is_refused_without_what_is_required_and_says_what_is_missing(
    policies, space, annotation, label, containers, init, refusal
):
    answer = _create(space, annotation, label, containers, init)

    assert refusal in answer if refusal else answer == ""


def test_a_mirror_pod_is_never_refused(policies):
    pod = _pod(REQUIRING, None, None, {"app": "a"}, {})
    pod["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "1"
    pod["spec"]["nodeName"] = "node-1"

    assert clusters.create(pod).stderr == ""


WRITES = [
    # who, namespace, labels, refused
    (WRITER, NAMESPACE, _LABEL, False),
    (OTHER_WRITER, NAMESPACE, _LABEL, True),
    (OTHER_WRITER, NAMESPACE, {}, False),
    (OTHER_WRITER, PLAIN, _LABEL, False),
]


@pytest.mark.parametrize(("user", "space", "labels", "refused"), WRITES)
def test_templates_are_written_by_those_who_have_the_verb(policies, user, space, labels, refused):
    assert refused is ("to write" in _write(user, space, labels))


def test_a_label_that_is_added_or_taken_away_counts_as_writing(policies):
    name = f"config-{uuid.uuid4().hex[:10]}"
    assert _write(OTHER_WRITER, NAMESPACE, {}, name) == ""

    assert "to write" in _label(OTHER_WRITER, name, "pillion.dev/template=true")
    assert _label(WRITER, name, "pillion.dev/template=true") == ""
    assert "to write" in _label(OTHER_WRITER, name, "pillion.dev/template-")


def test_who_may_delete_configmaps_may_delete_templates_as_a_namespace_that_goes_must(policies):
    name = f"config-{uuid.uuid4().hex[:10]}"
    assert _write(WRITER, NAMESPACE, _LABEL, name) == ""

    assert clusters.kubectl("--as", OTHER_WRITER, "-n", NAMESPACE, "delete", "configmap", name).stderr == ""


def _create(*parts):
    return clusters.create(_pod(*parts)).stderr


def _pod(space, annotation, label, containers, init):
    metadata = {
        "name": f"web-{uuid.uuid4().hex[:10]}",
        "namespace": space,
        "labels": {} if label is None else {"pillion.dev/inject": label},
        "annotations": {} if annotation is None else {"pillion.dev/requires": annotation},
    }
    spec = {"containers": _containers(containers), "initContainers": _containers(init)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _containers(images):
    return [{"name": name, "image": image} for name, image in images.items()]


def _write(user, space, labels, name=None):
    metadata = {"name": name or f"config-{uuid.uuid4().hex[:10]}", "namespace": space, "labels": labels}
    return clusters.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, "--as", user).stderr


def _label(user, name, label):
    return clusters.kubectl("--as", user, "-n", NAMESPACE, "label", "configmap", name, label).stderr


def _binding(user, role):
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"chart-{user}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }

"""Where the pod of each kind stands, what its controller lends it, and that all of that is taken away again."""

from __future__ import annotations

import pytest

from injector.core import workloads
from injector.core.errors import WorkloadError

SPEC = {"containers": [{"name": "app", "image": "example.com/app"}]}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": SPEC}
HASH = workloads.HASH


def holder(version, kind, body):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, **body}


HOLDERS = {
    "Pod": holder("v1", "Pod", {"spec": SPEC}),
    "PodTemplate": holder("v1", "PodTemplate", {"template": TEMPLATE}),
    "ReplicationController": holder("v1", "ReplicationController", {"spec": {"template": TEMPLATE}}),
    "ReplicaSet": holder("apps/v1", "ReplicaSet", {"spec": {"template": TEMPLATE}}),
    "Deployment": holder("apps/v1", "Deployment", {"spec": {"template": TEMPLATE}}),
    "StatefulSet": holder(
        "apps/v1",
        "StatefulSet",
        {"spec": {"template": TEMPLATE, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}},
    ),
    "DaemonSet": holder("apps/v1", "DaemonSet", {"spec": {"template": TEMPLATE}}),
    "Job": holder("batch/v1", "Job", {"spec": {"template": TEMPLATE}}),
    "CronJob": holder("batch/v1", "CronJob", {"spec": {"jobTemplate": {"spec": {"template": TEMPLATE}}}}),
}


def pod_of(found):
    return workloads.pod_of(found, workloads.kind_of(found), "shop")


def test_every_kind_with_a_pod_template_is_known():
    assert sorted(HOLDERS) == sorted(kind for _, kind in workloads.KINDS)


@pytest.mark.parametrize(
    ("kind", "name", "owner"),
    [
        ("Pod", {"name": "web"}, None),
        ("PodTemplate", {"generateName": "web-"}, None),
        ("ReplicationController", {"generateName": "web-"}, ("v1", "ReplicationController", "web")),
        ("ReplicaSet", {"generateName": "web-"}, ("apps/v1", "ReplicaSet", "web")),
        ("Deployment", {"generateName": f"web-{HASH}-"}, ("apps/v1", "ReplicaSet", f"web-{HASH}")),
        ("StatefulSet", {"name": "web-0"}, ("apps/v1", "StatefulSet", "web")),
        ("DaemonSet", {"generateName": "web-"}, ("apps/v1", "DaemonSet", "web")),
        ("Job", {"generateName": "web-"}, ("batch/v1", "Job", "web")),
        ("CronJob", {"generateName": "web-00000000-"}, ("batch/v1", "Job", "web-00000000")),
    ],
)
def test_a_pod_has_the_name_and_the_owner_that_its_controller_gives_it(kind, name, owner):
    pod = pod_of(HOLDERS[kind])

    metadata = pod["metadata"]
    (reference,) = metadata.get("ownerReferences") or [None]
    assert ("v1", "Pod", "shop") == (pod["apiVersion"], pod["kind"], metadata["namespace"])
    assert name == {key: metadata[key] for key in ("name", "generateName") if key in metadata}
    assert owner == (reference and (reference["apiVersion"], reference["kind"], reference["name"]))


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("Deployment", {"pod-template-hash": HASH}),
        ("Job", {"batch.kubernetes.io/job-name": "web", "job-name": "web"}),
        ("CronJob", {"batch.kubernetes.io/job-name": "web-00000000", "job-name": "web-00000000"}),
        (
            "StatefulSet",
            {
                "apps.kubernetes.io/pod-index": "0",
                "controller-revision-hash": f"web-{HASH}",
                "statefulset.kubernetes.io/pod-name": "web-0",
            },
        ),
    ],
)
def test_a_pod_has_the_labels_that_its_controller_adds(kind, labels):
    assert {**labels, "app": "web"} == pod_of(HOLDERS[kind])["metadata"]["labels"]


@pytest.mark.parametrize("kind", HOLDERS)
def test_what_is_put_back_unchanged_changes_nothing(kind):
    found = HOLDERS[kind]
    pod = pod_of(found)

    assert found == workloads.put_back(found, workloads.kind_of(found), pod, {**pod})


@pytest.mark.parametrize("kind", HOLDERS)
def test_only_labels_annotations_and_spec_of_the_pod_are_put_back(kind):
    found = HOLDERS[kind]
    pod = pod_of(found)
    metadata = {**pod["metadata"], "labels": {**(pod["metadata"].get("labels") or {}), "on": "board"}}
    metadata |= {"annotations": {"note": "this"}, "name": "another", "namespace": "another"}
    after = {**pod, "metadata": metadata, "spec": {**pod["spec"], "hostname": "host"}}

    result = workloads.put_back(found, workloads.kind_of(found), pod, after)

    template = workloads.template_of(result, workloads.kind_of(found))
    before = workloads.template_of(found, workloads.kind_of(found))
    changed = {"labels": {**(before["metadata"].get("labels") or {}), "on": "board"}, "annotations": {"note": "this"}}
    assert {**before, "metadata": {**before["metadata"], **changed}, "spec": {**SPEC, "hostname": "host"}} == template


def test_a_claim_template_lends_its_volume_and_takes_it_back():
    found = HOLDERS["StatefulSet"]
    pod = pod_of(found)
    claim = {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}
    ours = {"name": "ours", "emptyDir": {}}

    result = workloads.put_back(
        found, workloads.kind_of(found), pod, {**pod, "spec": {**pod["spec"], "volumes": [claim, ours]}}
    )

    assert [claim] == pod["spec"]["volumes"]
    assert [ours] == result["spec"]["template"]["spec"]["volumes"]


def test_a_template_without_metadata_gets_some_in_front():
    found = holder("batch/v1", "Job", {"spec": {"template": {"spec": SPEC}}})
    pod = pod_of(found)
    after = {**pod, "metadata": {**pod["metadata"], "annotations": {"note": "this"}}}

    template = workloads.put_back(found, workloads.kind_of(found), pod, after)["spec"]["template"]

    assert [("metadata", {"annotations": {"note": "this"}}), ("spec", SPEC)] == list(template.items())


@pytest.mark.parametrize(
    "found",
    [
        {"apiVersion": "v1", "kind": "Service"},
        {"apiVersion": "example.com/v1", "kind": "Deployment"},
        {"apiVersion": "example.com/v1", "kind": "Pod"},
        {"apiVersion": None, "kind": "Pod"},
        {},
    ],
)
def test_anything_else_is_no_workload(found):
    assert workloads.kind_of(found) is None


@pytest.mark.parametrize(
    ("document", "kinds"),
    [
        ({"kind": "List", "apiVersion": "v1", "items": [HOLDERS["Pod"]]}, ["Pod"]),
        ({"kind": "PodList", "apiVersion": "v1", "items": [{"spec": SPEC}]}, ["Pod"]),
        ({"kind": "DeploymentList", "apiVersion": "apps/v1", "items": [{}, {}]}, ["Deployment", "Deployment"]),
        ({"kind": "NamespaceList", "apiVersion": "v1", "items": [{}]}, ["Namespace"]),
    ],
)
def test_a_list_has_items_whose_kind_is_known(document, kinds):
    assert kinds == [item["kind"] for item in workloads.items_of(document)]


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "AllowList", "apiVersion": "example.com/v1", "items": ["a"]},
        {"kind": "List", "apiVersion": "v1"},
        {"kind": "Pod", "apiVersion": "v1", "items": []},
    ],
)
def test_what_only_looks_like_a_list_is_none(document):
    assert workloads.items_of(document) is None


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            holder("apps/v1", "Deployment", {"spec": {}}),
            "spec.template is missing: a Deployment makes its pods of spec.template",
        ),
        (
            holder("batch/v1", "CronJob", {"spec": {"schedule": "@daily"}}),
            "spec.jobTemplate is missing: a CronJob makes its pods of spec.jobTemplate.spec.template",
        ),
        (holder("apps/v1", "Deployment", {"spec": []}), "spec is a list, expected a mapping"),
        (holder("v1", "Pod", {"spec": "none"}), "spec is a str, expected a mapping"),
        (
            holder("apps/v1", "StatefulSet", {"spec": {"template": TEMPLATE, "volumeClaimTemplates": [{}]}}),
            "spec.volumeClaimTemplates[0] lacks metadata.name",
        ),
        (
            holder("apps/v1", "StatefulSet", {"spec": {"template": TEMPLATE, "volumeClaimTemplates": "data"}}),
            "spec.volumeClaimTemplates is a str, expected a list",
        ),
    ],
)
def test_a_pod_template_that_is_none_is_an_error_with_its_path(found, sentence):
    with pytest.raises(WorkloadError) as caught:
        pod_of(found)

    assert sentence == str(caught.value)

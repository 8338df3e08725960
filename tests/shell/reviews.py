"""Reviews as an API server sends them."""

from __future__ import annotations

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
V1, V1BETA1 = "admission.k8s.io/v1", "admission.k8s.io/v1beta1"


def pod(*, labels=(), annotations=(), **metadata):
    """Return a pod of one container that opts in."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "cart",
            "labels": {"pillion.dev/inject": "true", **dict(labels)},
            "annotations": dict(annotations),
            **metadata,
        },
        "spec": {"containers": [{"name": "app", "image": "registry.example/cart:1"}]},
    }


WORKLOADS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}
"""The version of each kind whose pods a controller makes."""


def workload(kind="Deployment", **annotations):
    """Return a workload whose pods opt in."""
    metadata = {"labels": {"pillion.dev/inject": "true"}, "annotations": annotations}
    template = {"metadata": metadata, "spec": pod()["spec"]}
    spec = {"jobTemplate": {"spec": {"template": template}}} if kind == "CronJob" else {"template": template}
    return {"apiVersion": WORKLOADS[kind], "kind": kind, "metadata": {"name": "web"}, "spec": spec}


def review(obj, *, version=V1, kind="Pod", namespace="shop", **fields):
    """Return an AdmissionReview; fields with the value None are left out."""
    request = {
        "uid": UID,
        "kind": {"group": "", "version": "v1", "kind": kind},
        "resource": {"group": "", "version": "v1", "resource": f"{kind.lower()}s"},
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
        "object": obj,
        "oldObject": None,
        "dryRun": False,
        **fields,
    }
    return {
        "apiVersion": version,
        "kind": "AdmissionReview",
        "request": {name: value for name, value in request.items() if value is not None},
    }


def configmap(name="greeter", *, data, labels=(), annotations=(), namespace="pillion-system"):
    """Return a template's ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"pillion.dev/template": "true", **dict(labels)},
            "annotations": dict(annotations),
        },
        "data": data,
    }


def template_review(obj, **fields):
    """Return the review of a ConfigMap in the namespace that it names."""
    return review(obj, kind="ConfigMap", namespace=obj["metadata"]["namespace"], **fields)

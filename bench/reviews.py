"""
AdmissionReviews as an API server sends them for the pods of a ReplicaSet, of any size and never two alike.

Everything is made from the number of the review, so two runs see the same bytes.
"""

from __future__ import annotations

import itertools
import random
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

NAMESPACE = "shop"
OWNER = "checkout-6d9f7c8b5"

_UID = "5d1f0c7e-8a43-4b0e-9c2d-00"
"""Of every review, before its token."""

_NUMBERS = itertools.count(1_000_000_000)
"""Of reviews that are made anew; smaller numbers are for those that are made in order."""

_TOKEN_MOUNT = {
    "name": "kube-api-access-x7k2p",
    "readOnly": True,
    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
}
_MOUNTS = (
    {"name": "config", "readOnly": True, "mountPath": "/etc/checkout"},
    {"name": "cache", "mountPath": "/var/cache/checkout"},
    {"name": "scratch", "mountPath": "/tmp"},
    {"name": "credentials", "readOnly": True, "mountPath": "/etc/credentials"},
    _TOKEN_MOUNT,
)
_TOLERATION = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large a pod is; the default is the one that all peers are measured with, 12.9 kB."""

    containers: int = 3
    variables: int = 20
    """Of each container."""
    volumes: int = 5
    """At least five."""
    annotations: int = 0
    """Further ones, of 240 characters each."""
    managers: int = 1
    """Who own fields, each an entry of ``managedFields``."""
    templates: tuple[str, ...] = ()
    """Templates that the pod asks for by name, beside the defaults; ``-*`` does without those."""


def make_many(count: int, shape: Shape | None = None) -> tuple[bytes, ...]:
    """Return so many reviews that differ in name, uid, hash label and one variable."""
    return tuple(make(number, shape or Shape()) for number in range(count))


def token(number: int) -> str:
    """Return ten hexadecimal digits that no other number below a million million has."""
    return f"{(number + 1) * 0x9E3779B97F % 16**10:010x}"


def cut(request: bytes) -> list[bytes]:
    """Return the pieces of a request with a review between its tokens: joined by another, it is another review."""
    begin = request.index(_UID.encode()) + len(_UID)
    return request.split(request[begin : begin + 10])


def renew(bodies: Iterable[bytes]) -> list[bytes]:
    """Return these reviews with tokens that none had before, so that nobody can remember one."""
    return [token(next(_NUMBERS)).encode().join(cut(body)) for body in bodies]


def make(number: int, shape: Shape) -> bytes:
    """Return the review of that number."""
    pod = make_pod(number, shape)
    request = {
        "uid": _UID + token(number),
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
        "requestResource": {"group": "", "version": "v1", "resource": "pods"},
        "name": pod["metadata"]["name"],
        "namespace": NAMESPACE,
        "operation": "CREATE",
        "userInfo": {
            "username": "system:serviceaccount:kube-system:replicaset-controller",
            "uid": "1a3c9f0e-5d0b-4a53-9d3e-1f6f8c1f0a11",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": ["JTI=0b8b9e7e-2f6c-4c1b-9f63-1d0c5f8a2f10"]},
        },
        "object": pod,
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    return orjson.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request})


def make_pod(number: int, shape: Shape) -> dict[str, Any]:
    """Return the pod of that number."""
    digest = token(number)
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": _metadata(digest, shape),
        "spec": {
            "volumes": [*_volumes(shape.volumes)],
            "containers": [_container(index, shape, digest) for index in range(shape.containers)],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "checkout",
            "serviceAccount": "checkout",
            "securityContext": {"runAsNonRoot": True, "fsGroup": 1000},
            "schedulerName": "default-scheduler",
            "tolerations": [
                {"key": f"node.kubernetes.io/{key}", **_TOLERATION} for key in ("not-ready", "unreachable")
            ],
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": {"app": "checkout"}},
                }
            ],
            "priority": 0,
            "enableServiceLinks": True,
            "preemptionPolicy": "PreemptLowerPriority",
        },
        "status": {},
    }


def _metadata(digest: str, shape: Shape) -> dict[str, Any]:
    annotations = {
        "checksum/config": digest * 6,
        "kubectl.kubernetes.io/default-container": _name(0),
        "kubectl.kubernetes.io/restartedAt": "2030-01-01T00:00:00Z",
        "prometheus.io/port": "8080",
        "prometheus.io/scrape": "true",
        "vault.hashicorp.com/agent-inject": "true",
        "vault.hashicorp.com/role": "checkout",
        f"{shape.templates[-1] if shape.templates else 'agent'}.pillion.dev/level": "debug",
        **{f"notes.example.com/{index:03}": f"{index:03} " * 60 for index in range(shape.annotations)},
    }
    if shape.templates:
        annotations["pillion.dev/templates"] = ", ".join(shape.templates)
    return {
        "name": f"checkout-{digest}",
        "generateName": f"{OWNER}-",
        "namespace": NAMESPACE,
        "labels": {
            "app": "checkout",
            "app.kubernetes.io/instance": "checkout-production",
            "app.kubernetes.io/managed-by": "Helm",
            "app.kubernetes.io/name": "checkout",
            "app.kubernetes.io/part-of": "shop",
            "app.kubernetes.io/version": "1.27.4",
            "pillion.dev/inject": "true",
            "pod-template-hash": digest,
            "tier": "backend",
        },
        "annotations": dict(sorted(annotations.items())),  # as the API server writes them
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": OWNER,
                "uid": "7b0f3c52-68f3-4a57-8a4e-6a4f2b6f0c9d",
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
        "managedFields": [_managed_fields(shape, index) for index in range(shape.managers)],
    }


def _managed_fields(shape: Shape, index: int) -> dict[str, Any]:
    """Return who owns which field, down to the containers' fields; what a plugin adds on the way here is nobody's."""
    nothing: dict[str, Any] = {}
    container = {
        f"f:{name}": nothing
        for name in ("args", "env", "image", "imagePullPolicy", "livenessProbe", "name", "ports", "readinessProbe")
    } | {"f:resources": {".": nothing, "f:limits": nothing, "f:requests": nothing}}
    names = (f'k:{{"name":"{_name(index)}"}}' for index in range(shape.containers))
    containers = {name: {".": nothing, **container} for name in names}
    spec = {f"f:{name}": nothing for name in ("dnsPolicy", "restartPolicy", "schedulerName", "securityContext")}
    authored = [volume["name"] for volume in _volumes(shape.volumes) if volume["name"] != _TOKEN_MOUNT["name"]]
    volumes = {f'k:{{"name":"{name}"}}': {".": nothing, "f:name": nothing} for name in authored}
    return {
        "manager": f"manager-{index}" if index else "kube-controller-manager",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2030-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:metadata": {"f:generateName": nothing, "f:labels": {".": nothing, "f:app": nothing, "f:tier": nothing}},
            "f:spec": {"f:containers": containers, "f:volumes": volumes, **spec},
        },
    }


def _container(index: int, shape: Shape, digest: str) -> dict[str, Any]:
    name = _name(index)
    port = 8080 + 2 * index
    return {
        "name": name,
        "image": f"registry.example.com/shop/{name}@sha256:{index:064x}",
        "args": ["serve", f"--listen=:{port}", "--config=/etc/checkout/config.yaml"],
        "ports": [
            {"name": f"http-{index}", "containerPort": port, "protocol": "TCP"},
            {"name": f"metrics-{index}", "containerPort": port + 1, "protocol": "TCP"},
        ],
        "env": [*_variables(index, shape.variables, digest)],
        "resources": {
            "limits": {"cpu": "500m", "memory": "512Mi"},
            "requests": {"cpu": "100m", "memory": "128Mi"},
        },
        "volumeMounts": [*_MOUNTS],
        "livenessProbe": _probe("/livez", port),
        "readinessProbe": _probe("/readyz", port),
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
        },
    }


def _variables(container: int, count: int, digest: str) -> Iterator[dict[str, Any]]:
    """Yield variables: most are literal, a sixth each comes from a field and from a Secret; one tells the pod."""
    dice = random.Random(f"variables of {container}")
    for index in range(count):
        name = f"CHECKOUT_SETTING_{index:02}"
        if index == 0:
            yield {"name": name, "value": f"release {digest}"}
        elif index % 6 == 1:
            yield {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}
        elif index % 6 == 4:
            yield {"name": name, "valueFrom": {"secretKeyRef": {"name": "checkout", "key": f"setting-{index}"}}}
        else:
            yield {"name": name, "value": "".join(dice.choices(string.ascii_letters, k=24))}


def _volumes(count: int) -> Iterator[dict[str, Any]]:
    yield {"name": "config", "configMap": {"name": "checkout", "defaultMode": 420}}
    yield {"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}}
    yield {"name": "scratch", "emptyDir": {}}
    yield {"name": "credentials", "secret": {"secretName": "checkout", "defaultMode": 256}}
    token = {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    authority = {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
    yield {"name": _TOKEN_MOUNT["name"], "projected": {"sources": [token, authority], "defaultMode": 420}}
    yield from ({"name": f"data-{index}", "emptyDir": {}} for index in range(5, count))


def _probe(path: str, port: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": port, "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def _name(index: int) -> str:
    return "checkout" if index == 0 else f"worker-{index}"

"""Pods and values to try a template on before any pod meets it. Data only: nothing is judged here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from injector.core.model import CONTAINER_LISTS, JSON, Object, Template

if TYPE_CHECKING:
    from injector.core.schemas import Parameter

_BARE: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {},
    "spec": {"containers": [{"name": "app", "image": "app:1"}]},
}

_FULL: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "generateName": "web-7d4b9c6f5-",
        "labels": {"app": "web", "app.kubernetes.io/name": "web", "version": "1.10"},
        "annotations": {"prometheus.io/scrape": "true"},
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7d4b9c6f5", "uid": "1", "controller": True}
        ],
    },
    "spec": {
        "serviceAccountName": "web",
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
        "securityContext": {},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        "initContainers": [{"name": "migrate", "image": "web:1", "args": ["migrate"]}],
        "containers": [
            {
                "name": "web",
                "image": "web:1",
                "command": ["/web"],
                "args": ["--port=8080"],
                "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                "env": [{"name": "LOG_LEVEL", "value": "info"}],
                "envFrom": [{"configMapRef": {"name": "web"}}],
                "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}},
                "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
                "securityContext": {"runAsNonRoot": True},
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            },
            {"name": "helper", "image": "helper:1"},
        ],
        "volumes": [{"name": "data", "emptyDir": {}}],
    },
}

_JOB: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "generateName": "report-",
        "labels": {"job-name": "report"},
        "ownerReferences": [
            {"apiVersion": "batch/v1", "kind": "Job", "name": "report", "uid": "2", "controller": True}
        ],
    },
    "spec": {"restartPolicy": "Never", "containers": [{"name": "report", "image": "report:1", "command": ["/report"]}]},
}

PODS = {"a bare pod": _BARE, "a pod of a Deployment": _FULL, "a pod of a Job": _JOB}
"""What a template should be able to meet, by a name for messages."""


def overlays(pod: Object, names: frozenset[str]) -> Iterator[Object]:
    """Yield the pod with a container of the author's by each of *names*, in either list."""
    for name in sorted(names):
        container = {"name": name, "image": "auto"}
        for key in CONTAINER_LISTS:
            yield {**pod, "spec": {**pod["spec"], key: [*(pod["spec"].get(key) or ()), container]}}


def values(template: Template) -> dict[str, JSON]:
    """Return a plausible value for each parameter that has no default."""
    return {name: _value(declared) for name, declared in template.parameters.items() if not declared.has_default}


def _value(parameter: Parameter) -> JSON:
    schema = parameter.schema
    for candidate in (*(schema.get("examples") or ()), schema.get("const"), *(schema.get("enum") or ())):
        if candidate is not None:
            return candidate
    kinds = schema.get("type", "string")
    return _of_kind(kinds if isinstance(kinds, str) else kinds[0], parameter)


def _of_kind(kind: str, parameter: Parameter) -> JSON:
    schema = parameter.schema
    match kind:
        case "integer" | "number":
            return schema.get("minimum", schema.get("maximum", 1))
        case "boolean":
            return True
        case "array":
            return []
        case "object":
            return {}
        case "null":
            return None
        case _:
            return "x" * max(int(schema.get("minLength", 1)), 1)

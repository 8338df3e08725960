"""The objects that the tests create, made of the one image that every provider of a cluster has loaded."""

from __future__ import annotations

import uuid

from e2e.chart.charts import Object

IMAGE = "localhost/pillion:e2e"
WRITE = 'while :; do echo "hello from $HOSTNAME" >>/var/log/app/app.log; sleep 0.2; done'
"""An application that writes a file where the template `log-reader` mounts a volume."""
WAIT = "exec sleep 3600"
WAITING = {"schedulingGates": [{"name": "e2e.example.com/never"}]}
"""What makes a pod wait for ever: it is stored, and nothing runs."""
WRITE_ONCE = 'echo "hello from $HOSTNAME" >>/var/log/app/app.log; sleep 1'


def name(stem: str) -> str:
    """Make a name that nothing has yet."""
    return f"{stem}-{uuid.uuid4().hex[:6]}"


def pod(name: str, namespace: str, script: str = WAIT, **metadata: Object) -> Object:
    """Make a pod whose one container runs a script."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": spec(script),
    }


def spec(script: str, **more: object) -> Object:
    """Make what a pod template has, too."""
    container = {
        "name": "app",
        "image": IMAGE,
        "command": ["sh", "-c", script],
        "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}},
    }
    return {"terminationGracePeriodSeconds": 1, "containers": [container], **more}


def workload(kind: str, name: str, namespace: str, script: str = WRITE, **annotations: str) -> Object:
    """Make a workload of one pod."""
    template = {"metadata": {"labels": {"app": name}, "annotations": annotations}, "spec": spec(script)}
    selecting = {"selector": {"matchLabels": {"app": name}}, "template": template}
    once = {"template": {**template, "spec": spec(WRITE_ONCE, restartPolicy="Never")}}
    specs: Object = {
        "Deployment": selecting,
        "DaemonSet": selecting,
        "StatefulSet": {**selecting, "serviceName": name},
        "Job": once,
        "CronJob": {"schedule": "0 0 29 2 *", "jobTemplate": {"spec": once}},
    }
    group = "batch/v1" if kind.endswith("Job") else "apps/v1"
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": specs[kind]}


def containers(pod: Object) -> list[str]:
    """List all containers of a pod, those that run before the others first."""
    return [each["name"] for key in ("initContainers", "containers") for each in pod["spec"].get(key, ())]


def variables(pod: Object) -> dict[str, str]:
    """Return the environment of a pod's first container."""
    return {each["name"]: each.get("value", "") for each in pod["spec"]["containers"][0].get("env", ())}

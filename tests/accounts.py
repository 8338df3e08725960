"""
What an API server does for a pod's token, as a small model: it notes who wrote what, then its plugin mounts the token.

The plugin is modelled after kubernetes/kubernetes, ``plugin/pkg/admission/serviceaccount/admission.go`` (``Admit``,
``shouldAutomount``, ``mountServiceAccountToken``), with nothing of the engine in it.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

VOLUME = "kube-api-access-x7x7x"
PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
SOURCES = [
    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
]


def noted(pod: Object) -> Object:
    """The pod with a record of what its author wrote, as far as it concerns volumes and containers."""
    spec = pod["spec"]
    fields = {
        f"f:{key}": {f'k:{{"name":"{item["name"]}"}}': {".": {}, "f:name": {}} for item in spec[key]}
        for key in ("containers", "initContainers", "volumes")
        if spec.get(key)
    }
    record = {"manager": "kubectl-create", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1"}
    entry = {**record, "fieldsV1": {"f:metadata": {"f:name": {}}, "f:spec": fields}}
    return {**pod, "metadata": {**pod["metadata"], "managedFields": [entry]}}


def mounted(pod: Object, account: bool | None = None, volume: str = VOLUME) -> Object:
    """The pod as the plugin leaves it; *account* is what its account says, *volume* the name for a new one."""
    spec = {**pod["spec"], "serviceAccountName": pod["spec"].get("serviceAccountName") or "default"}
    wanted = next((said for said in (spec.get("automountServiceAccountToken"), account) if said is not None), True)
    if not wanted:
        return {**pod, "spec": spec}
    volumes = spec.get("volumes") or []
    name = next((each["name"] for each in volumes if each["name"].startswith("kube-api-access-")), volume)
    lists = {
        key: [_with_token(container, name) for container in spec[key]]
        for key in ("initContainers", "containers")
        if spec.get(key)
    }
    needed = any(lists[key] != spec[key] for key in lists)
    if needed and all(each["name"] != name for each in volumes):
        lists["volumes"] = [*volumes, {"name": name, "projected": {"sources": SOURCES, "defaultMode": 420}}]
    return {**pod, "spec": {**spec, **lists}}


def _with_token(container: Object, volume: str) -> Object:
    mounts = container.get("volumeMounts") or []
    if any(mount["mountPath"] == PATH for mount in mounts):
        return container
    return {**container, "volumeMounts": [*mounts, {"name": volume, "readOnly": True, "mountPath": PATH}]}

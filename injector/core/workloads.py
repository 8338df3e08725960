"""
Objects with a pod inside: where it stands, the pod that the API server would be asked to create, and the way back.

Nothing is injected here. What a controller adds to its pods (a generated name, an owner, labels, the volumes of claim
templates) is lent to the pod, so that templates see what they would see in a cluster, and taken away on the way back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from injector.core.errors import WorkloadError
from injector.core.model import Object

HASH = "0000000000"
"""Stands for the hash that a controller makes of a pod template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Where a kind of workload has its pod template, and who makes the pods of it."""

    path: tuple[str, ...] = ()
    """Fields down to the pod template; empty: the object is the pod itself."""
    controller: tuple[str, str] | None = None
    """apiVersion and kind of the pod's owner."""
    suffix: str = ""
    """What stands between the object's name and the owner's, where the owner is made by another controller."""
    ordinal: bool = False
    """Whether pods are numbered instead of named at random."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that the controller adds; ``{owner}`` and ``{pod}`` stand for their names."""


_TEMPLATE = ("spec", "template")
_OF_REPLICA_SETS = {"pod-template-hash": HASH}
_OF_DAEMON_SETS = {"controller-revision-hash": HASH, "pod-template-generation": "1"}
_OF_STATEFUL_SETS = {
    "apps.kubernetes.io/pod-index": "0",
    "controller-revision-hash": "{owner}-" + HASH,
    "statefulset.kubernetes.io/pod-name": "{pod}",
}
_OF_JOBS = {"batch.kubernetes.io/job-name": "{owner}", "job-name": "{owner}"}

KINDS: Mapping[tuple[str, str], Kind] = MappingProxyType({
    ("", "Pod"): Kind(),
    ("", "PodTemplate"): Kind(path=("template",)),
    ("", "ReplicationController"): Kind(path=_TEMPLATE, controller=("v1", "ReplicationController")),
    ("apps", "ReplicaSet"): Kind(path=_TEMPLATE, controller=("apps/v1", "ReplicaSet")),
    ("apps", "Deployment"): Kind(
        path=_TEMPLATE, controller=("apps/v1", "ReplicaSet"), suffix="-" + HASH, labels=_OF_REPLICA_SETS
    ),
    ("apps", "StatefulSet"): Kind(
        path=_TEMPLATE, controller=("apps/v1", "StatefulSet"), ordinal=True, labels=_OF_STATEFUL_SETS
    ),
    ("apps", "DaemonSet"): Kind(path=_TEMPLATE, controller=("apps/v1", "DaemonSet"), labels=_OF_DAEMON_SETS),
    ("batch", "Job"): Kind(path=_TEMPLATE, controller=("batch/v1", "Job"), labels=_OF_JOBS),
    ("batch", "CronJob"): Kind(
        path=("spec", "jobTemplate", *_TEMPLATE), controller=("batch/v1", "Job"), suffix="-00000000", labels=_OF_JOBS
    ),
})  # fmt: skip
"""Every kind with a pod template, by API group and kind."""


def kind_of(holder: Object) -> Kind | None:
    """Return what kind of workload *holder* is; None: none."""
    version, kind = holder.get("apiVersion"), holder.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str):
        return None
    return KINDS.get((version.rpartition("/")[0], kind))


def title_of(holder: Object) -> str:
    """Return ``deployment/web``, as kubectl names objects."""
    metadata = _mapping(holder.get("metadata"), "metadata")
    name = metadata.get("name") or metadata.get("generateName") or "?"
    return f"{str(holder.get('kind', 'object')).lower()}/{name}"


def namespace_of(holder: Object) -> str:
    """Return the namespace that *holder* names; empty: none."""
    return str(_mapping(holder.get("metadata"), "metadata").get("namespace") or "")


def pod_of(holder: Object, kind: Kind, namespace: str) -> Object:
    """Return the pod as the API server would be asked to create it in *namespace*; raises WorkloadError."""
    template = template_of(holder, kind)
    metadata = _mapping(template.get("metadata"), ".".join((*kind.path, "metadata")))
    spec = _mapping(template.get("spec"), ".".join((*kind.path, "spec")))
    if kind.path:
        metadata = {**metadata, **_lent_metadata(holder, kind, metadata)}
        spec = _with_claims(holder, kind, spec)
    head = {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "namespace": namespace}}
    return {**head, **template, **head, "spec": spec}


def template_of(holder: Object, kind: Kind) -> Object:
    """Return the pod template of *holder*, or the pod itself; raises WorkloadError."""
    found = holder
    for depth, step in enumerate(kind.path, start=1):
        path = ".".join(kind.path[:depth])
        if step not in found:
            raise WorkloadError(f"{path} is missing: a {holder['kind']} makes its pods of {'.'.join(kind.path)}")
        found = _mapping(found[step], path)
    return found


def put_back(holder: Object, kind: Kind, before: Object, after: Object) -> Object:
    """Return *holder* with labels, annotations and spec of *after* in its pod template, less what was lent."""
    template = template_of(holder, kind)
    metadata = template.get("metadata") or {}
    changed = {
        key: own
        for key in ("labels", "annotations")
        if (own := _own(metadata.get(key) or {}, _of(before, key), _of(after, key))) != (metadata.get(key) or {})
    }
    injected = {**template, "spec": _own_spec(template.get("spec") or {}, before["spec"], after["spec"])}
    if changed and "metadata" not in template:
        injected = {"metadata": changed, **injected}
    elif changed:
        injected["metadata"] = {**metadata, **changed}
    return _replaced(holder, kind.path, injected)


def items_of(document: Object) -> list[Object] | None:
    """Return the objects of a ``List``, or of a typed one such as ``PodList``; None: it is no list of ours."""
    kind, items = document.get("kind"), document.get("items")
    if not isinstance(kind, str) or not kind.endswith("List") or not isinstance(items, list):
        return None
    typed = {} if kind == "List" else {"apiVersion": document.get("apiVersion"), "kind": kind.removesuffix("List")}
    if typed and typed["kind"] != "Namespace" and kind_of(typed) is None:
        return None
    return [{**typed, **_mapping(item, f"items[{index}]")} for index, item in enumerate(items)]


def _lent_metadata(holder: Object, kind: Kind, metadata: Object) -> Object:
    name = title_of(holder).partition("/")[2]
    owner = name + kind.suffix
    pod = f"{owner}-0" if kind.ordinal else f"{owner}-"
    lent: Object = {"name" if kind.ordinal else "generateName": pod}
    if kind.controller:
        version, controller = kind.controller
        reference = {"apiVersion": version, "kind": controller, "name": owner, "uid": "", "controller": True}
        lent["ownerReferences"] = [{**reference, "blockOwnerDeletion": True}]
    if kind.labels:
        labels = {key: text.format(owner=owner, pod=pod) for key, text in kind.labels.items()}
        lent["labels"] = {**labels, **_mapping(metadata.get("labels"), ".".join((*kind.path, "metadata", "labels")))}
    return lent


def _with_claims(holder: Object, kind: Kind, spec: Object) -> Object:
    """Return *spec* with a volume for every claim template, which replaces one of the same name."""
    claims = list(_claims(holder)) if kind.ordinal else []
    if not claims:
        return spec
    volumes = spec.get("volumes") or []
    others = [volume for volume in volumes if not (isinstance(volume, dict) and volume.get("name") in claims)]
    owner = title_of(holder).partition("/")[2]
    lent = [{"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{owner}-0"}} for name in claims]
    return {**spec, "volumes": [*others, *lent]}


def _claims(holder: Object) -> Iterator[str]:
    templates = holder["spec"].get("volumeClaimTemplates") or []
    if not isinstance(templates, list):
        raise WorkloadError(f"spec.volumeClaimTemplates is a {type(templates).__name__}, expected a list")
    for index, claim in enumerate(templates):
        path = f"spec.volumeClaimTemplates[{index}]"
        name = _mapping(_mapping(claim, path).get("metadata"), f"{path}.metadata").get("name")
        if not isinstance(name, str):
            raise WorkloadError(f"{path} lacks metadata.name")
        yield name


def _of(pod: Object, key: str) -> Mapping[str, str]:
    return pod["metadata"].get(key) or {}


def _own(given: Mapping[str, str], before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Return *after* less what was lent: what *before* has and *given* has not."""
    return {key: text for key, text in after.items() if key in given or key not in before or before[key] != text}


def _own_spec(given: Object, before: Object, after: Object) -> Object:
    if before is after:
        return given
    if "volumes" not in after:
        return after
    present = {volume["name"] for volume in before.get("volumes") or ()}
    volumes = [*(given.get("volumes") or ()), *(new for new in after["volumes"] if new["name"] not in present)]
    if volumes or "volumes" in given:
        return {**after, "volumes": volumes}
    return {key: value for key, value in after.items() if key != "volumes"}


def _replaced(holder: Object, path: tuple[str, ...], template: Object) -> Object:
    if not path:
        return template
    return {**holder, path[0]: _replaced(holder[path[0]], path[1:], template)}


def _mapping(value: object, path: str) -> Object:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise WorkloadError(f"{path} is a {type(value).__name__}, expected a mapping")
    return value

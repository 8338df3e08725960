"""
What the API server fills into a pod, and what it leaves out: one table, and how values compare without it.

Sources, in kubernetes/kubernetes: ``pkg/apis/core/v1/defaults.go`` and ``zz_generated.defaults.go`` (defaults),
``pkg/apis/core/v1/conversion.go`` (``serviceAccount``), ``plugin/pkg/admission/{serviceaccount,priority}`` (what is
filled in before webhooks are called), ``pkg/util/parsers`` (pull policy), ``staging/src/k8s.io/api/core/v1/types.go``
(pointers, whose zero values are stored), ``apimachinery/pkg/api/resource`` (quantities). The tests compare every entry
with what a live API server delivered. No rule of merging may be here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from injector.core.field_table import TYPES, Field
from injector.core.model import JSON, Object

DEFAULTS: Mapping[str, Mapping[str, JSON]] = {
    "PodSpec": {
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 0,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "serviceAccountName": "default",
        "terminationGracePeriodSeconds": 30,
    },
    "Container": {
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    },
    "EphemeralContainer": {
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    },
    "ContainerPort": {"protocol": "TCP"},
    "Probe": {"failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1},
    "HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    "GRPCAction": {"service": ""},
    "ObjectFieldSelector": {"apiVersion": "v1"},
    "ResourceFieldSelector": {"divisor": "0"},
    "FileKeySelector": {"optional": False},
    "ConfigMapVolumeSource": {"defaultMode": 0o644},
    "DownwardAPIVolumeSource": {"defaultMode": 0o644},
    "ProjectedVolumeSource": {"defaultMode": 0o644},
    "SecretVolumeSource": {"defaultMode": 0o644},
    "ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    "HostPathVolumeSource": {"type": ""},
    "AzureDiskVolumeSource": {"cachingMode": "ReadWrite", "fsType": "ext4", "kind": "Shared", "readOnly": False},
    "ISCSIVolumeSource": {"iscsiInterface": "default"},
    "RBDVolumeSource": {"keyring": "/etc/ceph/keyring", "pool": "rbd", "user": "admin"},
    "ScaleIOVolumeSource": {"fsType": "xfs", "storageMode": "ThinProvisioned"},
    "PersistentVolumeClaimTemplate": {"metadata": {}},
    "PersistentVolumeClaimSpec": {"resources": {}, "volumeMode": "Filesystem"},
}
"""By type and field: the value that the API server fills in; what depends on other fields is in ``is_default``."""

IMPLIED: Mapping[str, Mapping[str, JSON]] = {
    "Toleration": {"operator": "Equal"},
    "VolumeMount": {"mountPropagation": "None", "recursiveReadOnly": "Disabled"},
}
"""What the API means by a missing field without ever writing it down: it counts when values are compared."""

STORED_ZEROS: Mapping[str, frozenset[str]] = {
    "AppArmorProfile": frozenset({"localhostProfile"}),
    "AzureDiskVolumeSource": frozenset({"cachingMode", "fsType", "kind", "readOnly"}),
    "CSIVolumeSource": frozenset({"fsType", "readOnly"}),
    "ClusterTrustBundleProjection": frozenset({"name", "optional", "signerName"}),
    "ConfigMapEnvSource": frozenset({"optional"}),
    "ConfigMapKeySelector": frozenset({"optional"}),
    "ConfigMapProjection": frozenset({"optional"}),
    "ConfigMapVolumeSource": frozenset({"defaultMode", "optional"}),
    "Container": frozenset({"restartPolicy"}),
    "DownwardAPIVolumeFile": frozenset({"mode"}),
    "DownwardAPIVolumeSource": frozenset({"defaultMode"}),
    "EphemeralContainer": frozenset({"restartPolicy"}),
    "FCVolumeSource": frozenset({"lun"}),
    "FileKeySelector": frozenset({"optional"}),
    "GRPCAction": frozenset({"service"}),
    "HostPathVolumeSource": frozenset({"type"}),
    "ISCSIVolumeSource": frozenset({"initiatorName"}),
    "KeyToPath": frozenset({"mode"}),
    "Lifecycle": frozenset({"stopSignal"}),
    "ObjectMeta": frozenset({"deletionGracePeriodSeconds"}),
    "OwnerReference": frozenset({"blockOwnerDeletion", "controller"}),
    "PersistentVolumeClaimSpec": frozenset({"storageClassName", "volumeAttributesClassName", "volumeMode"}),
    "PodCertificateProjection": frozenset({"maxExpirationSeconds"}),
    "PodDNSConfigOption": frozenset({"value"}),
    "PodResourceClaim": frozenset({"resourceClaimName", "resourceClaimTemplateName"}),
    "PodSchedulingGroup": frozenset({"podGroupName"}),
    "PodSecurityContext": frozenset({
        "fsGroup", "fsGroupChangePolicy", "runAsGroup", "runAsNonRoot", "runAsUser", "seLinuxChangePolicy",
        "supplementalGroupsPolicy",
    }),
    "PodSpec": frozenset({
        "activeDeadlineSeconds", "automountServiceAccountToken", "enableServiceLinks", "hostUsers", "hostnameOverride",
        "preemptionPolicy", "priority", "runtimeClassName", "setHostnameAsFQDN", "shareProcessNamespace",
        "terminationGracePeriodSeconds",
    }),
    "Probe": frozenset({"terminationGracePeriodSeconds"}),
    "ProjectedVolumeSource": frozenset({"defaultMode"}),
    "SeccompProfile": frozenset({"localhostProfile"}),
    "SecretEnvSource": frozenset({"optional"}),
    "SecretKeySelector": frozenset({"optional"}),
    "SecretProjection": frozenset({"optional"}),
    "SecretVolumeSource": frozenset({"defaultMode", "optional"}),
    "SecurityContext": frozenset({
        "allowPrivilegeEscalation", "privileged", "procMount", "readOnlyRootFilesystem", "runAsGroup", "runAsNonRoot",
        "runAsUser",
    }),
    "ServiceAccountTokenProjection": frozenset({"expirationSeconds"}),
    "Toleration": frozenset({"tolerationSeconds"}),
    "TopologySpreadConstraint": frozenset({"minDomains", "nodeAffinityPolicy", "nodeTaintsPolicy"}),
    "TypedLocalObjectReference": frozenset({"apiGroup"}),
    "TypedObjectReference": frozenset({"apiGroup", "namespace"}),
    "VolumeMount": frozenset({"mountPropagation", "recursiveReadOnly"}),
    "WindowsSecurityContextOptions": frozenset({
        "gmsaCredentialSpec", "gmsaCredentialSpecName", "hostProcess", "runAsUserName",
    }),
}  # fmt: skip
"""Optional strings, integers and booleans that keep ``""``, ``0`` and ``false``; all others lose them."""

_ZEROS: Mapping[str, JSON] = {"string": "", "integer": 0, "number": 0, "boolean": False}

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_IMAGE = re.compile(
    rf"(?:(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/)?(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?P<digest>@[A-Za-z][A-Za-z0-9+._-]*:[0-9a-f]{32,})?\Z"
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}\Z")
_LONGEST_PATH = 255
_LONGEST_IMAGE = 1024
"""Longer text is no image: a path, a host, a tag and a digest have at most 255, 253, 128 and 135 characters."""

_QUANTITY = re.compile(
    r"(?P<sign>[+-]?)(?=\.?[0-9])(?P<whole>[0-9]{0,30})(?:\.(?P<part>[0-9]{0,30}))?"
    r"(?:[eE](?P<exponent>[+-]?[0-9]{1,2})|(?P<suffix>[numkMGTPE]|[KMGTPE]i)?)\Z"
)
_NANOS = 10**9
_SCALES = {
    **{suffix: 10 ** (3 * power) for power, suffix in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"))},
    **{suffix: _NANOS * 1024**power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
}


def default_pull_policy(image: str) -> str:
    """Return the policy for an image without one: Always for ``:latest`` or neither tag nor digest, if it is a name."""
    found = _IMAGE.match(image) if len(image) <= _LONGEST_IMAGE and not _IDENTIFIER.match(image) else None
    if found is None or len(found["path"]) > _LONGEST_PATH:
        return "IfNotPresent"
    tag = found["tag"] or ("" if found["digest"] else "latest")
    return "Always" if tag == "latest" else "IfNotPresent"


def is_default(type_name: str, field: str, value: JSON, holder: Object) -> bool:
    """Whether the API server would have filled in *value*; *holder* is the object of that type that has the field."""
    match type_name, field:
        case ("Container" | "EphemeralContainer", "imagePullPolicy"):
            return bool(value == default_pull_policy(holder.get("image") or ""))
        case ("ImageVolumeSource", "pullPolicy"):
            return bool(value == default_pull_policy(holder.get("reference") or ""))
        case ("PodSpec", "serviceAccount"):
            return bool(value == (holder.get("serviceAccountName") or "default"))
        case ("Volume", "emptyDir"):  # of a volume without a source
            return bool(value == {})
        case ("ContainerPort", "hostPort"):  # with hostNetwork, where nothing else is allowed anyway
            return bool(value == holder.get("containerPort"))
    defaults = DEFAULTS.get(type_name, {})
    return field in defaults and _same(value, defaults[field])


def is_empty(type_name: str, field: str, value: JSON) -> bool:
    """Whether the API server would leave *value* out: null, an empty list or map, a zero of no pointer."""
    if value is None:
        return True
    found = TYPES[type_name].get(field)
    if found is None or found.required:
        return False
    if found.kind in ("list", "map"):
        return value in ([], {})
    if field in STORED_ZEROS.get(type_name, ()):
        return False
    return found.kind in _ZEROS and _same(value, _ZEROS[found.kind])


def normalized(type_name: str, value: JSON) -> JSON:
    """
    Return *value*, an object of that type, as it compares: without defaults and empties, quantities as one text each.

    Two values that the API server would store alike become equal. Unknown fields and values of a wrong type stay.
    """
    if not isinstance(value, dict):
        return value
    return {
        name: plain
        for name, item in _without_derived(type_name, value).items()
        for plain in (_normalized_field(TYPES[type_name].get(name), item),)
        if not _is_left_out(type_name, name, plain, value)
    }


def _without_derived(type_name: str, value: Object) -> Object:
    """Take out the requests that the API server derives from limits."""
    match type_name, value:
        case ("ResourceRequirements", {"requests": dict(requests), "limits": dict(limits)}):
            kept = {name: amount for name, amount in requests.items() if not _amounts_to(limits.get(name), amount)}
            return {**value, "requests": kept}
    return value


def _amounts_to(limit: JSON, request: JSON) -> bool:
    return limit is not None and _ceiling(limit, "m") == _ceiling(request, "m")


def _is_left_out(type_name: str, field: str, value: JSON, holder: Object) -> bool:
    implied = IMPLIED.get(type_name, {})
    return (
        is_empty(type_name, field, value)
        or is_default(type_name, field, value, holder)
        or (field in implied and _same(value, implied[field]))
    )


def _normalized_field(field: Field | None, value: JSON) -> JSON:
    match field, value:
        case (Field(kind="object", of=of), dict()) if of in TYPES:
            return normalized(of, value)
        case (Field(kind="list", of=of), list()) if of in TYPES:
            return [normalized(of, item) for item in value]
        case (Field(kind="map", of=of), dict()):
            kept = {name: item for name, item in value.items() if item is not None}
            return {name: _ceiling(item, "m") for name, item in kept.items()} if of == "quantity" else kept
        case (Field(kind="quantity"), _):
            return _ceiling(value, "n")
    return value


def _ceiling(quantity: JSON, unit: str) -> JSON:
    """Return the quantity as a whole number of *unit*, rounded up as the API server does; other values as they are."""
    found = _QUANTITY.match(str(quantity)) if type(quantity) in (str, int, float) else None
    if found is None:
        return quantity
    part = found["part"] or ""
    power = int(found["exponent"] or 0) - len(part)
    scale = _SCALES[found["suffix"] or ""] * 10 ** max(power, 0)
    amount = -(int((found["whole"] or "") + part) * scale // (-_SCALES[unit] * 10 ** max(-power, 0)))
    return f"{'-' if found['sign'] == '-' and amount else ''}{amount}{unit}" if amount else "0"


def _same(left: JSON, right: JSON) -> bool:
    """Equality that tells ``0`` from ``false``."""
    return type(left) is type(right) and bool(left == right)

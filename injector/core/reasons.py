"""Every reason a decision can have: one word for machines, one sentence for people. Nothing is decided here."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reason(StrEnum):
    """The same word in warnings, logs, metrics, audit annotations and ``explain``."""

    INJECTED = "injected"
    ALREADY_INJECTED = "already-injected"
    OTHER_KIND = "other-kind"
    OTHER_OPERATION = "other-operation"
    EXCLUDED_NAMESPACE = "excluded-namespace"
    MIRROR_POD = "mirror-pod"
    OPTED_OUT = "opted-out"
    NOT_REQUESTED = "not-requested"
    OS_MISMATCH = "os-mismatch"
    NO_TEMPLATES = "no-templates"
    BAD_REQUEST = "bad-request"
    HOST_NETWORK = "host-network"
    SKIPPED_BY_REQUEST = "skipped-by-request"
    SELECTOR_MISMATCH = "selector-mismatch"
    WHEN_FALSE = "when-false"
    UNKNOWN_TEMPLATE = "unknown-template"
    BAD_PARAMETER = "bad-parameter"
    CONFLICT = "conflict"
    REFUSED = "refused"
    TEMPLATE_BROKEN = "template-broken"
    TEMPLATE_ACCEPTED = "template-accepted"
    RENDER_FAILED = "render-failed"
    LIMIT_EXCEEDED = "limit-exceeded"
    FORBIDDEN_FIELD = "forbidden-field"
    UNSTABLE_TEMPLATE = "unstable-template"


SENTENCES: Mapping[Reason, str] = MappingProxyType({
    Reason.INJECTED: "the template was injected",
    Reason.ALREADY_INJECTED: "the pod already carries everything that the template injects",
    Reason.OTHER_KIND: "only pods are injected",
    Reason.OTHER_OPERATION: "pods are injected when they are created and at no other time",
    Reason.EXCLUDED_NAMESPACE: "pods of this namespace are never injected",
    Reason.MIRROR_POD: "mirror pods of a node's static pods cannot be changed",
    Reason.OPTED_OUT: "the pod opts out by label",
    Reason.NOT_REQUESTED: "neither the namespace nor the pod opts in by label",
    Reason.OS_MISMATCH: "the pod runs on another operating system than Linux",
    Reason.NO_TEMPLATES: "the pod opts in, but there is no default template and it asks for none by name",
    Reason.BAD_REQUEST: "the annotation that asks for templates cannot be read",
    Reason.HOST_NETWORK: "the pod uses the host's network, and the template does not allow that",
    Reason.SKIPPED_BY_REQUEST: "the pod takes the default template away",
    Reason.SELECTOR_MISMATCH: "the template's selectors do not match the pod or its namespace",
    Reason.WHEN_FALSE: "the template's condition is false for this pod",
    Reason.UNKNOWN_TEMPLATE: "the pod asks for a template that does not exist",
    Reason.BAD_PARAMETER: "a parameter does not exist or has a value that its schema refuses",
    Reason.CONFLICT: "the pod and the template cannot stand together",
    Reason.REFUSED: "the template refuses the pod",
    Reason.TEMPLATE_BROKEN: "the template's ConfigMap is broken and there is no earlier good version",
    Reason.TEMPLATE_ACCEPTED: "the ConfigMap is a template that can be used",
    Reason.RENDER_FAILED: "the template failed on this pod",
    Reason.LIMIT_EXCEEDED: "the template asked for more than a template may have",
    Reason.FORBIDDEN_FIELD: "the template rendered a field that it may not set",
    Reason.UNSTABLE_TEMPLATE: "the template changes with what it injects",
})  # fmt: skip

"""
Labels and annotations of our domain where nothing reads them: the usual reason why "nothing happens".

The commonest is a label on the Deployment instead of its pod template; nothing else would ever say so.
"""

from __future__ import annotations

from collections.abc import Iterator

from injector.core import workloads
from injector.core.model import Domain, Namespace, Object
from injector.core.workloads import Kind

_MEANT_AS_ENABLED = ("true", "yes", "on", "1", "enable", "Enabled", "True")


def find(holder: Object, kind: Kind, namespace: Namespace, domain: Domain) -> Iterator[str]:
    """Yield a sentence with the fix for each label or annotation that nothing reads."""
    metadata = workloads.template_of(holder, kind).get("metadata") or {}
    if kind.path:
        yield from _outside(holder, kind, metadata, domain)
    yield from _of_pod(metadata, ".".join((*kind.path, "metadata")), domain)
    yield from _of_namespace(namespace, domain)


def _outside(holder: Object, kind: Kind, metadata: Object, domain: Domain) -> Iterator[str]:
    for what in ("labels", "annotations"):
        for key in (holder.get("metadata") or {}).get(what) or {}:
            if domain.owns(key) and key not in (metadata.get(what) or {}):
                place = ".".join((*kind.path, "metadata", what))
                yield f"{what[:-1]} {key!r} of the {holder['kind']} itself is read by nobody: move it to {place}"


def _of_pod(metadata: Object, place: str, domain: Domain) -> Iterator[str]:
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    if domain.inject in annotations:
        yield f"{domain.inject!r} is a label, not an annotation: move it to {place}.labels"
    for key in labels:
        if key == domain.templates or domain.parameter_suffix in key:
            yield f"{key!r} is an annotation, not a label: move it to {place}.annotations"
    if domain.injection in labels:
        yield f'label {domain.injection!r} is read on namespaces only: on a pod write {domain.inject}: "true"'
    if labels.get(domain.inject, "true") not in ("true", "false"):
        found = f"label {domain.inject!r} is {labels[domain.inject]!r}"
        yield f'{found}, which means nothing: write "true" or "false"'


def _of_namespace(namespace: Namespace, domain: Domain) -> Iterator[str]:
    holder = f"namespace {namespace.name!r}"
    if domain.injection in namespace.annotations:
        yield f"{domain.injection!r} is a label, not an annotation: move it to the labels of {holder}"
    if domain.inject in namespace.labels:
        yield f"label {domain.inject!r} is read on pods only: on {holder} write {domain.injection}: enabled"
    value = namespace.labels.get(domain.injection, "")
    if value in _MEANT_AS_ENABLED:
        yield f"label {domain.injection!r} of {holder} is {value!r}; only 'enabled' means something"

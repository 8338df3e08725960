"""
The record of what was injected: an annotation for people and for ``pillion status``.

It is computed from what rendered and always replaced, and nothing is ever decided by it: a forged, copied or missing
record changes nothing about what is injected.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from injector.core import filling
from injector.core.model import CONTAINER_LISTS, Domain, Fragment, Object


def record(pod: Object, fragments: Iterable[Fragment], domain: Domain) -> Object:
    """Return *pod* with the record of *fragments*; the same object if it has it already."""
    text = _text(pod, tuple(fragments))
    metadata = pod.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if annotations.get(domain.status) == text:
        return pod
    return {**pod, "metadata": {**metadata, "annotations": {**annotations, domain.status: text}}}


def _text(pod: Object, fragments: tuple[Fragment, ...]) -> str:
    spec = pod.get("spec") or {}
    carried = {item["name"]: item for key in CONTAINER_LISTS for item in spec.get(key) or ()}
    templates = [_entry(fragment, carried) for fragment in fragments]
    containers = sorted(name for fragment in fragments for name in fragment.containers)
    return orjson.dumps({"templates": templates, "containers": containers}).decode()


def _entry(fragment: Fragment, carried: dict[str, Object]) -> Object:
    """
    Return name and revision of a template; the revision only if its containers are as this revision makes them.

    A container of the author's, or one copied with an old pod, is ``overlaid``: it is never claimed as ours.
    """
    ours = (*fragment.sidecars, *fragment.init_containers)
    added = {id(container) for container in (*ours, *fragment.native_sidecars)}
    overlaid = [
        container["name"]
        for container in ours
        if id(mine := carried[container["name"]]) not in added and not _is_as_rendered(mine, container)
    ]
    entry: Object = {"name": fragment.template.reference}
    return {**entry, "overlaid": overlaid} if overlaid else {**entry, "revision": fragment.template.revision}


def _is_as_rendered(mine: Object, ours: Object) -> bool:
    """Whether *mine* says what *ours* says, field by field; lists of keyed elements may hold more."""
    return filling.covers("Container", mine, ours)

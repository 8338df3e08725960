"""
Random pods, templates and surroundings for the laws: small pools of names, so that things meet.

Most draws choose among prepared pieces, which keeps thousands of examples cheap. A template is some of ``FEATURES``;
a pod is some pieces of metadata, spec and containers, as authored or as the API server delivers it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
import yaml
from hypothesis import strategies as st

from injector.core import templates
from injector.core.errors import TemplateError
from injector.core.model import BrokenTemplate, Namespace, Object, Policy, Template
from injector.core.selection import Catalog
from tests import pieces, storing
from tests.pieces import TROUBLES, Feature

TEMPLATE_NAMES = ("alpha", "bravo", "charlie")
NAMESPACE = "shop"


@dataclass(frozen=True)
class Written:
    """A template as its author wrote it, and what we know of it without asking the engine."""

    configmap: Object
    features: tuple[Feature, ...]

    @property
    def name(self) -> str:
        return self.configmap["metadata"]["name"]

    @property
    def reads(self) -> bool:
        """Whether it looks at the pod."""
        return "pod." in str(self.configmap["data"]) or "when" in str(self.configmap["metadata"]["annotations"])

    def plain(self, key: str, field: str) -> frozenset[str]:
        """What *field* says in the items of *key* that hold no Jinja."""
        texts = (feature.data.get(key, "") for feature in self.features)
        items = (item for text in texts if "{{" not in text and "{%" not in text for item in yaml.safe_load(text) or ())
        return frozenset(item[field] for item in items)


@dataclass(frozen=True)
class Situation:
    """All that one call of the engine depends on."""

    pod: Object
    written: tuple[Written, ...]
    namespace: Namespace
    policy: Policy

    @cached_property
    def catalog(self) -> Catalog:
        return catalog_of((item.configmap for item in self.written), self.policy)

    @cached_property
    def containers(self) -> frozenset[str]:
        """The names of all containers that any of the templates may bring."""
        return frozenset(name for item in self.written for feature in item.features for name in feature.containers)


def catalog_of(configmaps: Iterable[Object], policy: Policy) -> Catalog:
    stored = [_template(configmap, policy) for configmap in configmaps]
    return Catalog({template.reference: template for template in stored})


def _template(configmap: Object, policy: Policy) -> Template | BrokenTemplate:
    try:
        return templates.parse(configmap, policy)
    except TemplateError as error:
        return templates.broken(configmap, str(error), policy)


# Pods


def _merged(strategy: st.SearchStrategy[list[Object]]) -> st.SearchStrategy[Object]:
    return strategy.map(lambda found: {key: value for piece in found for key, value in piece.items()})


def _some(found: tuple[Object, ...], *, most: int, least: int = 0) -> st.SearchStrategy[Object]:
    return _merged(st.lists(st.sampled_from(found), min_size=least, max_size=most))


def _names(most: int, least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(pieces.CONTAINER_NAMES), min_size=least, max_size=most, unique=True)


@st.composite
def containers(draw: st.DrawFn, name: str) -> Object:
    return {"name": name, **draw(_some(pieces.CONTAINERS, least=1, most=4))}


@st.composite
def specs(draw: st.DrawFn) -> Object:
    names = draw(_names(5, least=draw(st.sampled_from((1, 2, 3)))))
    first = draw(st.integers(1, len(names)))
    regular = [draw(containers(name)) for name in names[:first]]
    init = [{**draw(containers(name)), **draw(st.sampled_from(pieces.RESTARTS))} for name in names[first:]]
    crowd = draw(st.sampled_from((0,) * 15 + (50,)))
    regular += [{"name": f"c{number}", "image": "shop/worker:1"} for number in range(crowd)]
    spec = {**draw(_some(pieces.SPECS, least=1, most=5)), "containers": regular}
    return {**spec, "initContainers": init} if init else spec


@st.composite
def metadata(draw: st.DrawFn) -> Object:
    found: Object = draw(_some(pieces.METADATA, most=3))
    annotations = draw(_merged(st.lists(st.sampled_from(pieces.PARAMETERS + pieces.ANNOTATIONS), max_size=3)))
    labels = draw(_some(pieces.LABELS, most=3))
    by_name = draw(st.sampled_from(pieces.REQUESTS))
    annotations = {**annotations, **by_name}
    for key, texts in (("labels", labels), ("annotations", annotations)):
        if texts or draw(st.sampled_from((False, False, True))):
            found = {**found, key: texts or draw(st.sampled_from((None, {})))}
    return found


@st.composite
def pods(draw: st.DrawFn) -> Object:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": draw(metadata()), "spec": draw(specs())}
    pod |= draw(st.sampled_from(({}, {}, {"status": {}}, {"futureField": [1, True, 1.0]})))
    return storing.delivered(pod) if draw(st.booleans()) else pod


# Templates


@st.composite
def written_templates(draw: st.DrawFn, name: str) -> Written:
    chosen = draw(
        st.lists(st.sampled_from(pieces.DRAWN), min_size=2, max_size=6, unique_by=lambda feature: feature.group)
    )
    groups = {feature.group for feature in chosen}
    chosen += [feature for feature in draw(st.sampled_from(TROUBLES)) if feature.group not in groups]
    settings = draw(_some(pieces.SETTINGS, most=3))
    data: dict[str, str] = {"parameters": pieces.DECLARED}
    for feature in chosen:
        for key, text in feature.data.items():
            data[key] = data.get(key, "") + text
    annotations = {f"pillion.dev/{key}": text for key, text in {"default": "true", **settings}.items()}
    head = {"name": name, "namespace": "pillion-system", "annotations": annotations}
    return Written({"metadata": head, "data": data}, tuple(chosen))


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    names = TEMPLATE_NAMES[: draw(st.sampled_from((1, 2, 2, 3)))]
    written = tuple(draw(written_templates(name)) for name in names)
    labels = draw(st.sampled_from(({"pillion.dev/injection": "enabled"},) * 9 + ({},)))
    policy = Policy(
        native_sidecars=draw(st.booleans()),
        parameters=draw(st.sampled_from(({}, {}, {"alpha": {"port": 2020}}))),
    )
    namespace = Namespace(name=NAMESPACE, labels=labels, annotations=draw(st.sampled_from(pieces.NAMESPACES)))
    return Situation(draw(pods()), written, namespace, policy)


# Other webhooks


@st.composite
def meddlers(draw: st.DrawFn) -> tuple[Object, ...]:
    """What another webhook does between two calls: see ``meddled``."""
    return tuple(draw(st.lists(st.sampled_from(pieces.MEDDLINGS), min_size=1, max_size=4)))


def meddled(pod: Object, changes: Iterable[Object]) -> Object:
    """The pod after another webhook added and changed things in it."""
    changed: Object = orjson.loads(orjson.dumps(pod))
    for change in changes:
        _MEDDLE[change["do"]](changed, change)
    return changed


def _list_of(holder: Object, key: str) -> list[Any]:
    holder[key] = holder.get(key) or []
    return holder[key]


def _add_container(pod: Object, change: Object) -> None:
    spec = pod["spec"]
    names = {item["name"] for key in ("containers", "initContainers") for item in spec.get(key) or ()}
    if change["container"]["name"] not in names:
        _list_of(spec, change["to"]).insert(change["at"], change["container"])


def _add_item(pod: Object, change: Object) -> None:
    """Add to a list of every container; what is there stays."""
    for container in pod["spec"]["containers"]:
        items = _list_of(container, change["to"])
        if all(item.get(change["key"]) != change["item"][change["key"]] for item in items):
            items.append(change["item"])


def _add_volume(pod: Object, change: Object) -> None:
    volumes = _list_of(pod["spec"], "volumes")
    if all(volume["name"] != change["volume"]["name"] for volume in volumes):
        volumes.insert(0, change["volume"])


def _set_text(pod: Object, change: Object) -> None:
    pod["metadata"][change["in"]] = {**(pod["metadata"].get(change["in"]) or {}), **change["texts"]}


def _set_field(pod: Object, change: Object) -> None:
    for holder in pod["spec"]["containers"] if change["of"] == "containers" else [pod["spec"]]:
        holder.update(change["fields"])


_MEDDLE = {
    "add container": _add_container,
    "add item": _add_item,
    "add volume": _add_volume,
    "set text": _set_text,
    "set field": _set_field,
}

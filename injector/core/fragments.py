"""
From what a template's keys rendered to one Fragment: of the right form, with valid names, before anything is merged.

What a fragment may ask for is decided by ``policy``; how it meets the pod, by ``merging``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from injector.core import shapes, tokens
from injector.core.errors import ForbiddenField, TemplateError
from injector.core.field_table import TYPES
from injector.core.model import JSON, TOKEN_VOLUME, Domain, Fragment, Object, Template

APPLICATION_KEYS = ("env", "envFrom", "volumeMounts")
"""Keys of a template that are fields of the application's containers; ``container`` holds all others."""

OWN_POD_KEYS = {"containers": "sidecars", "initContainers": "initContainers", "volumes": "volumes"}
"""Fields of a pod's spec that have a key of their own."""

_INIT_ONLY = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")
_KEY = re.compile(r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")


def assemble(template: Template, parts: Mapping[str, JSON], domain: Domain) -> Fragment:
    """Return the fragment of *parts* (rendered YAML by data key); raises ForbiddenField."""
    key = ""
    try:
        built: dict[str, JSON] = {}
        for key, value in parts.items():
            built[key] = _BUILDERS[key](key, value)
        key = "sidecars"
        fragment = _fragment(template, built)
        for key in ("labels", "annotations"):
            _check_domain(getattr(fragment, key), domain)
    except TemplateError as error:
        raise error.within(key=key) from error.__cause__
    return fragment


def _fragment(template: Template, built: Mapping[str, JSON]) -> Fragment:
    sidecars, init = built.get("sidecars", ()), built.get("initContainers", ())
    volumes = built.get("volumes", ())
    if not template.api_token and (sidecars or init):
        sidecars, init = tuple(map(tokens.shield, sidecars)), tuple(map(tokens.shield, init))
        volumes = (*volumes, {"name": TOKEN_VOLUME, "emptyDir": {}})
    names = [container["name"] for container in (*sidecars, *init)]
    _check_unique("container", names)
    _check_unique("volume", [volume["name"] for volume in volumes])
    application = {key: list(built[key]) for key in APPLICATION_KEYS if built.get(key)}
    return Fragment(
        template=template,
        sidecars=sidecars,
        init_containers=init,
        volumes=volumes,
        application={**built.get("container", {}), **application},
        targets=built.get("targets", ()),
        labels=built.get("labels", {}),
        annotations=built.get("annotations", {}),
        pod=built.get("pod", {}),
        containers=frozenset(names),
        volume_names=frozenset(volume["name"] for volume in volumes),
    )


def _sidecars(key: str, value: JSON) -> tuple[Object, ...]:
    containers = _containers(key, value)
    for index, container in enumerate(containers):
        if container.get("restartPolicy", "Always") != "Always":
            problem = f"{key}[{index}].restartPolicy is {container['restartPolicy']!r}: a sidecar's is always 'Always'"
            raise ForbiddenField(problem)
    return tuple({name: item for name, item in sidecar.items() if name != "restartPolicy"} for sidecar in containers)


def _init_containers(key: str, value: JSON) -> tuple[Object, ...]:
    containers = _containers(key, value)
    for index, container in enumerate(containers):
        for name in (*_INIT_ONLY, "restartPolicy"):
            if name in container:
                problem = f"{key}[{index}].{name}: a plain init container has none; write it under sidecars"
                raise ForbiddenField(problem)
    return containers


def _containers(key: str, value: JSON) -> tuple[Object, ...]:
    containers = shapes.canonical_list("Container", value, key)
    for index, container in enumerate(containers):
        _check_name(f"{key}[{index}].name", container["name"])
        if not container.get("image"):
            raise ForbiddenField(f"{key}[{index}] ({container['name']!r}) has no image")
    return containers


def _volumes(key: str, value: JSON) -> tuple[Object, ...]:
    volumes = shapes.canonical_list("Volume", value, key, TYPES["PodSpec"]["volumes"].keys)
    for index, volume in enumerate(volumes):
        _check_name(f"{key}[{index}].name", volume["name"])
        sources = sorted(set(volume) - {"name"})
        if len(sources) != 1:
            found = " and ".join(sources) or "none"
            raise ForbiddenField(f"{key}[{index}] ({volume['name']!r}) must have one source, it has {found}")
    return volumes


def _field_of_container(key: str, value: JSON) -> tuple[Object, ...]:
    field = TYPES["Container"][key]
    return shapes.canonical_list(field.of, value, key, field.keys)


def _container(key: str, value: JSON) -> Object:
    container = {} if value is None else value
    if isinstance(container, dict):
        for name in ("name", "image", *APPLICATION_KEYS):
            if name in container:
                hint = f"write it under the key {name!r}" if name in APPLICATION_KEYS else "it is the author's"
                raise ForbiddenField(f"{key}.{name} may not be set: {hint}")
        named = shapes.canonical("Container", {"name": "x", **container}, key)
        return {name: item for name, item in named.items() if name != "name"}
    return shapes.canonical("Container", container, key)


def _targets(key: str, value: JSON) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ForbiddenField(
            f"{key} is {value!r}, expected a list of container names or globs, such as ['web-*', 'init:setup']"
        )
    return tuple(value)


def _texts(key: str, value: JSON) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ForbiddenField(f"{key} is {value!r}, expected a mapping of names to strings")
    for name, text in value.items():
        if not _KEY.match(name):
            raise ForbiddenField(
                f"{key}: {name!r} is no key that Kubernetes accepts (prefix/name, each of letters, digits, -, _ and .)"
            )
        if text is not None and not isinstance(text, str):
            raise ForbiddenField(f"{key}.{name} is {text!r}, expected a string")
        if text is not None and key == "labels" and not _LABEL_VALUE.match(text):
            raise ForbiddenField(
                f"{key}.{name} is {text!r}, which is no label value: at most 63 letters, digits, -, _ and ."
            )
    return {name: text for name, text in value.items() if text is not None}


def _pod(key: str, value: JSON) -> Object:
    spec = {} if value is None else value
    if isinstance(spec, dict):
        for name, own in OWN_POD_KEYS.items():
            if name in spec:
                raise ForbiddenField(f"{key}.{name} may not be set here: write it under the key {own!r}")
        spec = shapes.canonical("PodSpec", {"containers": [{"name": "x"}], **spec}, key)
        return {name: item for name, item in spec.items() if name != "containers"}
    return shapes.canonical("PodSpec", spec, key)


def _check_name(path: str, name: str) -> None:
    if not _DNS_LABEL.match(name):
        raise ForbiddenField(f"{path} is {name!r}, which is no DNS label: lower-case letters, digits and -, at most 63")


def _check_unique(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ForbiddenField(f"two {what}s of the template are named {name!r}")
        seen.add(name)


def _check_domain(texts: Iterable[str], domain: Domain) -> None:
    for name in texts:
        if domain.owns(name):
            raise ForbiddenField(f"{name!r} is of the domain {domain.name}, which templates may not write")


_BUILDERS = {
    "sidecars": _sidecars,
    "initContainers": _init_containers,
    "volumes": _volumes,
    "env": _field_of_container,
    "envFrom": _field_of_container,
    "volumeMounts": _field_of_container,
    "container": _container,
    "targets": _targets,
    "labels": _texts,
    "annotations": _texts,
    "pod": _pod,
}

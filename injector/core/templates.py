"""
From a ConfigMap to a Template: every annotation and data key is known, every text compiles, every default fits.

Nothing is rendered here. All problems are TemplateErrors that name ConfigMap, key, line and column.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from typing import TYPE_CHECKING, Any

import orjson

from injector.core import documents, inputs, rendering, schemas, selectors
from injector.core.errors import Place, TemplateError
from injector.core.model import JSON, BrokenTemplate, Native, Object, OnError, Policy, Template

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from injector.core.inputs import Reading
    from injector.core.rendering import Expression, Program
    from injector.core.schemas import Parameter
    from injector.core.selectors import Selector

PROGRAM_KEYS = (
    "sidecars", "initContainers", "volumes", "volumeMounts", "env", "envFrom", "container", "targets",
    "labels", "annotations", "pod",
)  # fmt: skip
"""Data keys whose text is Jinja that renders to YAML."""

DATA_KEYS = ("parameters", *PROGRAM_KEYS)

ANNOTATIONS = (
    "description", "default", "when", "namespace-selector", "pod-selector", "order", "on-error", "native", "version",
    "init", "host-network", "api-token", "delimiters",
)  # fmt: skip
"""Annotations of a template ConfigMap, without the domain."""

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_DELIMITERS = re.compile(r"(?P<open>[^\w\s]{2})\s+(?P<close>[^\w\s]{2})\Z")


def parse(configmap: JSON, policy: Policy) -> Template:
    """Return the template of a labelled ConfigMap; raises TemplateError."""
    name, namespace = _identity(configmap, policy)
    try:
        return _parse(configmap, name, namespace, policy)
    except TemplateError as error:
        raise error.within(template=f"{namespace}/{name}") from error.__cause__


def broken(configmap: JSON, problem: str, policy: Policy) -> BrokenTemplate:
    """Return what can be said of a ConfigMap that ``parse`` refused: enough to decide what its pods get."""
    metadata = (configmap.get("metadata") if isinstance(configmap, dict) else None) or {}
    metadata = metadata if isinstance(metadata, dict) else {}
    name, namespace = str(metadata.get("name", "")), str(metadata.get("namespace") or policy.release_namespace)
    annotations = metadata.get("annotations")
    settings = _settings(annotations, policy) if isinstance(annotations, dict) else {}
    on_error = settings.get("on-error")
    return BrokenTemplate(
        name=name,
        namespace=namespace,
        reference=reference(namespace, name, policy),
        problem=problem,
        is_default=settings.get("default") == "true",
        on_error=OnError(on_error) if on_error in tuple(OnError) else None,
    )


def reference(namespace: str, name: str, policy: Policy) -> str:
    """How pods ask for a template: by its name, or by ``namespace/name`` if it is not the release's."""
    return name if namespace == policy.release_namespace else f"{namespace}/{name}"


def _identity(configmap: JSON, policy: Policy) -> tuple[str, str]:
    metadata = (configmap.get("metadata") if isinstance(configmap, dict) else None) or {}
    if not isinstance(metadata, dict) or not isinstance(name := metadata.get("name"), str) or not name:
        raise TemplateError("a template must be a ConfigMap with metadata.name")
    namespace = str(metadata.get("namespace") or policy.release_namespace)
    if not _DNS_LABEL.match(name):
        problem = f"the name {name!r} is no DNS label (lower-case letters, digits and -, at most 63): rename it"
        raise TemplateError(problem, Place(template=f"{namespace}/{name}", key="metadata.name"))
    return name, namespace


def _parse(configmap: Object, name: str, namespace: str, policy: Policy) -> Template:
    annotations = configmap["metadata"].get("annotations") or {}
    if not isinstance(annotations, dict):
        raise TemplateError(f"expected a mapping, got {type(annotations).__name__}", Place(key="metadata.annotations"))
    settings = _settings(annotations, policy)
    _check_known("annotation", settings, ANNOTATIONS)
    data = _data(configmap)
    delimiters = _delimiters(settings.get("delimiters", "{{ }}"))
    parameters = _parameters(data.get("parameters", ""))
    programs, when = _programs(data, delimiters, parameters), _when(settings, parameters)
    return Template(
        name=name,
        namespace=namespace,
        reference=reference(namespace, name, policy),
        revision=_revision(data),
        parameters=parameters,
        programs=programs,
        inputs=_inputs(programs, when),
        description=settings.get("description", ""),
        version=settings.get("version", ""),
        is_default=_choice(settings, "default", ("false", "true")) == "true",
        when=when,
        namespace_selector=_selector(settings, "namespace-selector"),
        pod_selector=_selector(settings, "pod-selector"),
        order=_order(settings),
        on_error=OnError(settings["on-error"]) if _choice(settings, "on-error", ("", *OnError)) else None,
        native=Native(_choice(settings, "native", tuple(Native))),
        init_first=_choice(settings, "init", ("last", "first")) == "first",
        host_network=_choice(settings, "host-network", ("false", "true")) == "true",
        api_token=_choice(settings, "api-token", ("true", "false")) == "true",
    )


def _settings(annotations: Mapping[str, Any], policy: Policy) -> dict[str, str]:
    """Return the annotations of our domain, without the domain."""
    prefix = f"{policy.domain.name}/"
    texts = ((str(key), str(text)) for key, text in annotations.items())
    return {key.removeprefix(prefix): text for key, text in texts if key.startswith(prefix)}


def _data(configmap: Object) -> dict[str, str]:
    if configmap.get("binaryData"):
        raise TemplateError("binaryData is not read: move its keys to data", Place(key="binaryData"))
    data = configmap.get("data") or {}
    if not isinstance(data, dict):
        raise TemplateError(f"expected a mapping of keys to texts, got {type(data).__name__}", Place(key="data"))
    _check_known("data key", data, DATA_KEYS)
    for key, text in data.items():
        if not isinstance(text, str):
            raise TemplateError(f"expected a text (write 'key: |'), got {type(text).__name__}", Place(key=key))
    return data


def _check_known(what: str, given: Iterable[str], known: tuple[str, ...]) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise TemplateError(f"unknown {what} {key!r}; {hint}", Place(key=str(key)))


def _delimiters(text: str) -> tuple[str, str]:
    match = _DELIMITERS.match(text.strip())
    if match is None or match["open"] == match["close"]:
        raise _bad_setting("delimiters", text, "two pairs of signs such as '[[ ]]'")
    return match["open"], match["close"]


def _parameters(text: str) -> dict[str, Parameter]:
    declared = documents.parse_plain(text, key="parameters")
    if declared is None:
        return {}
    if not isinstance(declared, dict):
        problem = f"expected a mapping of names to schemas, got {type(declared).__name__}"
        raise TemplateError(problem, Place(key="parameters"))
    try:
        return {name: schemas.declare(name, schema) for name, schema in declared.items()}
    except TemplateError as error:
        raise error.within(key="parameters") from error.__cause__


def _programs(
    data: Mapping[str, str], delimiters: tuple[str, str], parameters: Mapping[str, Parameter]
) -> dict[str, Program]:
    return {
        key: rendering.compile_program(data[key], key=key, delimiters=delimiters, parameters=parameters)
        for key in PROGRAM_KEYS
        if data.get(key, "").strip()
    }


def _revision(data: Mapping[str, str]) -> str:
    return hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


def _when(settings: Mapping[str, str], parameters: Mapping[str, Parameter]) -> Expression | None:
    text = settings.get("when", "").strip()
    return rendering.compile_expression(text, key="when", parameters=parameters) if text else None


def _inputs(programs: Mapping[str, Program], when: Expression | None) -> Reading:
    """Return what all texts and the condition read."""
    read = frozenset().union(*(program.inputs for program in programs.values()))
    return inputs.plan(read | when.program.inputs if when else read)


def _selector(settings: Mapping[str, str], key: str) -> Selector | None:
    if not settings.get(key, "").strip():
        return None
    try:
        return selectors.parse(settings[key])
    except ValueError as error:
        raise TemplateError(str(error), Place(key=key)) from None


def _order(settings: Mapping[str, str]) -> int:
    text = settings.get("order", "100")
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise _bad_setting("order", text, 'a whole number such as "100"')
    return int(text)


def _choice(settings: Mapping[str, str], key: str, choices: tuple[str, ...]) -> str:
    """Return the setting, which must be one of *choices*; the first is the default."""
    text = settings.get(key, choices[0])
    if text not in choices:
        raise _bad_setting(key, text, " or ".join(repr(str(choice)) for choice in choices if choice))
    return text


def _bad_setting(key: str, text: str, expected: str) -> TemplateError:
    return TemplateError(f"annotation {key!r} is {text!r}: expected {expected}", Place(key=key))

"""
The templates of one pod, rendered until they no longer see what they bring.

A template that loops over containers must never see injected ones, or a second call would inject again. So what the
templates bring is taken out of the pod that they see, and they are rendered again if that changed it. Whether a name
was brought by an earlier call or written by the author (an overlay) makes no difference: every call sees the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from injector.core import assembly, parameters
from injector.core.errors import AuthorError, TemplateError, UnstableTemplate
from injector.core.model import CONTAINER_LISTS, Fragment, Namespace, Object, Policy, Review, Template
from injector.core.parameters import Given

ROUNDS = 4
"""How often the templates of a pod are rendered before they count as unstable: once, and three times again."""


class Surroundings(NamedTuple):
    """All that templates may know beside the pod."""

    review: Review
    namespace: Namespace
    policy: Policy
    given: Given
    """What annotations say of parameters."""
    expired: Callable[[], bool]


class Names(NamedTuple):
    """Names of containers and of volumes."""

    containers: frozenset[str] = frozenset()
    volumes: frozenset[str] = frozenset()


_NONE = Names()


class Settled(NamedTuple):
    """The fragments of the templates whose condition holds, and the templates whose condition does not."""

    fragments: tuple[Fragment, ...]
    declined: tuple[Template, ...]


class Failure(Exception):
    """A template that failed, and why."""

    def __init__(self, template: Template, error: TemplateError | AuthorError) -> None:
        super().__init__(str(error))
        self.template = template
        self.error = error


def settle(templates: Iterable[Template], pod: Object, surroundings: Surroundings) -> Settled:
    """Return what *templates* render to once they see the pod without it; raises Failure, Expired."""
    wanted = tuple(templates)
    hidden = _NONE
    previous = settled = Settled((), ())
    shown = _shown(surroundings)
    for _ in range(ROUNDS):
        shown["pod"] = _without(pod, hidden, surroundings.policy.domain.status)
        previous, settled = settled, _render_all(wanted, shown, surroundings)
        brought = _names_brought(settled.fragments, pod)
        if brought == hidden:
            return settled
        hidden = brought
    raise Failure(_changing(previous, settled), UnstableTemplate(
        "what it renders changes with what it injects: do not read back what the template itself brings"
    ))  # fmt: skip


def _shown(surroundings: Surroundings) -> dict[str, Any]:
    """Return what is shown to every template alike, but for the pod."""
    namespace, review = surroundings.namespace, surroundings.review
    return {
        "namespace": {
            "name": namespace.name,
            "labels": {**namespace.labels},
            "annotations": {**namespace.annotations},
        },
        "request": {"operation": review.operation, "user": review.user},
    }


def _render_all(templates: tuple[Template, ...], shown: Mapping[str, Any], surroundings: Surroundings) -> Settled:
    found: list[Fragment] = []
    declined: list[Template] = []
    for template in templates:
        try:
            fragment = _render(template, shown, surroundings)
        except (TemplateError, AuthorError) as error:
            raise Failure(template, _located(error, template)) from error
        if fragment is None:
            declined.append(template)
        else:
            found.append(fragment)
    return Settled(tuple(found), tuple(declined))


def _render(template: Template, shown: Mapping[str, Any], surroundings: Surroundings) -> Fragment | None:
    """Return the template's fragment; None if its condition is false."""
    shown = {
        **shown,
        "params": parameters.resolve(template, surroundings.given, surroundings.policy),
        "template": {"name": template.name, "version": template.version, "revision": template.revision},
    }
    return assembly.assemble(template, shown, surroundings.policy, surroundings.expired)


def _located(error: TemplateError | AuthorError, template: Template) -> TemplateError | AuthorError:
    if isinstance(error, TemplateError):
        return error.within(template=f"{template.namespace}/{template.name}")
    return error


def _names_brought(fragments: Iterable[Fragment], pod: Object) -> Names:
    """Return the names in *pod* that a fragment brings."""
    spec = pod.get("spec") or {}
    containers = {item["name"] for key in CONTAINER_LISTS for item in spec.get(key) or ()}
    volumes = {item["name"] for item in spec.get("volumes") or ()}
    return Names(
        frozenset().union(*[fragment.containers.intersection(containers) for fragment in fragments]),
        frozenset().union(*[fragment.volume_names.intersection(volumes) for fragment in fragments]),
    )


def _without(pod: Object, hidden: Names, status: str) -> Object:
    """Return the pod as its author wrote it: without our own parts and our record of them."""
    metadata, spec = pod.get("metadata") or {}, pod.get("spec") or {}
    seen = pod
    if status in (metadata.get("annotations") or {}):
        annotations = {key: text for key, text in metadata["annotations"].items() if key != status}
        seen = {**seen, "metadata": {**metadata, "annotations": annotations}}
    if hidden != _NONE:
        seen = {**seen, "spec": {**spec, **_lists_without(spec, hidden)}}
    return seen


def _lists_without(spec: Object, hidden: Names) -> Object:
    names = {"containers": hidden.containers, "initContainers": hidden.containers, "volumes": hidden.volumes}
    return {
        key: [item for item in spec[key] if item["name"] not in gone] for key, gone in names.items() if spec.get(key)
    }


def _changing(previous: Settled, settled: Settled) -> Template:
    """Return the first template that rendered something else in the last two rounds."""
    before = {fragment.template.reference: fragment for fragment in previous.fragments}
    for fragment in settled.fragments:
        if before.get(fragment.template.reference) != fragment:
            return fragment.template
    return settled.declined[0] if settled.declined else settled.fragments[0].template

"""
Who gets injected, and with which templates. Labels and names decide here; ``when`` is evaluated in ``admission``.

    namespace label   pod label       pod is
    injection         inject          injected?
    ---------------   -------------   ------------------------
    (any)             "false"         no: opted-out
    (any)             "true"          yes
    enabled           absent, other   yes
    absent, other     absent, other   no: not-requested

An excluded namespace, a mirror pod or another operating system: never.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from injector.core.model import BrokenTemplate, Decision, Namespace, Object, Policy, Review, Template
from injector.core.reasons import Reason

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
OS_LABEL = "kubernetes.io/os"


@dataclass(frozen=True, slots=True)
class Catalog:
    """The templates in force, by reference, with the defaults apart: choosing never walks over all of them."""

    templates: Mapping[str, Template | BrokenTemplate] = field(default_factory=dict)
    defaults: tuple[Template | BrokenTemplate, ...] = field(init=False)

    def __post_init__(self) -> None:
        defaults = (template for template in self.templates.values() if template.is_default)
        by_name = sorted(defaults, key=lambda template: template.reference)  # every replica says the same in one order
        object.__setattr__(self, "defaults", tuple(by_name))


class Candidate(NamedTuple):
    """A template that a pod is to get, and whether the pod asked for it by name."""

    template: Template | BrokenTemplate
    by_name: bool


class Choice(NamedTuple):
    """The candidates in order of merging, and what was decided of the others."""

    candidates: tuple[tuple[Template, bool], ...]
    decisions: tuple[Decision, ...]


class Request(NamedTuple):
    """The annotation ``templates``, read."""

    wanted: tuple[str, ...] = ()
    unwanted: frozenset[str] = frozenset()
    problem: str = ""


def exclude(review: Review, namespace: Namespace, policy: Policy) -> Reason | None:
    """Return why this pod gets nothing, whatever the templates; None: it may."""
    metadata, spec = review.object.get("metadata") or {}, review.object.get("spec") or {}
    label = (metadata.get("labels") or {}).get(policy.domain.inject)
    if namespace.name in policy.excluded_namespaces or namespace.name == policy.release_namespace:
        return Reason.EXCLUDED_NAMESPACE
    if MIRROR_ANNOTATION in (metadata.get("annotations") or {}):
        return Reason.MIRROR_POD
    if label == "false":
        return Reason.OPTED_OUT
    if label != "true" and namespace.labels.get(policy.domain.injection) != "enabled":
        return Reason.NOT_REQUESTED
    if _operating_system(spec) != "linux":
        return Reason.OS_MISMATCH
    return None


def _operating_system(spec: Object) -> str:
    declared = (spec.get("os") or {}).get("name") or (spec.get("nodeSelector") or {}).get(OS_LABEL)
    return declared or "linux"


def read_request(annotations: Mapping[str, str], policy: Policy) -> Request:
    """Read ``log-shipper, team/proxy, -vault-agent``; a name and its ``-name`` together are a problem."""
    text = annotations.get(policy.domain.templates) or ""
    words = [word for word in map(str.strip, text.split(",")) if word]
    wanted = tuple(dict.fromkeys(word for word in words if not word.startswith("-")))
    unwanted = frozenset(word[1:].strip() for word in words if word.startswith("-"))
    both = sorted(unwanted.intersection(wanted))
    if both:
        return Request(problem=f"{policy.domain.templates} has both {both[0]!r} and {'-' + both[0]!r}: remove one")
    return Request(wanted, unwanted)


def choose(request: Request, pod: Object, namespace: Namespace, catalog: Catalog, policy: Policy) -> Choice:
    """Return the templates for a pod that opted in: the defaults and those asked for, less those taken away."""
    decisions: list[Decision] = []
    chosen: list[tuple[Template, bool]] = []
    for candidate in _candidates(request, namespace, catalog, policy, decisions):
        decision = _reject(candidate, pod, namespace)
        if decision is not None:
            decisions.append(decision)
        elif isinstance(candidate.template, Template):
            chosen.append((candidate.template, candidate.by_name))
    chosen.sort(key=lambda pair: (pair[0].order, pair[0].reference))
    return Choice(tuple(chosen), tuple(decisions))


def _candidates(
    request: Request, namespace: Namespace, catalog: Catalog, policy: Policy, decisions: list[Decision]
) -> Iterator[Candidate]:
    for template in catalog.defaults:
        if template.reference in request.wanted or not _serves(template, namespace, policy):
            continue
        if "*" in request.unwanted or template.reference in request.unwanted:
            decisions.append(Decision(reason=Reason.SKIPPED_BY_REQUEST, template=template.reference))
        else:
            yield Candidate(template, by_name=False)
    for reference in request.wanted:
        found = catalog.templates.get(reference)
        if found is None or not _serves(found, namespace, policy):
            decisions.append(_unknown(reference, namespace, catalog, policy))
        else:
            yield Candidate(found, by_name=True)
    decisions += _taken_in_vain(request, catalog)


def _serves(template: Template | BrokenTemplate, namespace: Namespace, policy: Policy) -> bool:
    """A template of the release namespace serves every namespace, any other its own only, and only if allowed."""
    if template.namespace == policy.release_namespace:
        return True
    return policy.namespace_templates and template.namespace == namespace.name


def _unknown(reference: str, namespace: Namespace, catalog: Catalog, policy: Policy) -> Decision:
    known = sorted(name for name, template in catalog.templates.items() if _serves(template, namespace, policy))
    near = difflib.get_close_matches(reference, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known[:10]) or 'none'}"
    return Decision(
        reason=Reason.UNKNOWN_TEMPLATE,
        template=reference,
        message=f"{policy.domain.templates} asks for template {reference!r}, which does not exist; {hint}",
        denies=True,
    )


def _taken_in_vain(request: Request, catalog: Catalog) -> Iterator[Decision]:
    references = {template.reference for template in catalog.defaults}
    for reference in sorted(request.unwanted - references - {"*"}):
        yield Decision(
            reason=Reason.SKIPPED_BY_REQUEST,
            template=reference,
            message=f"{'-' + reference!r} takes nothing away: {reference!r} is no default template",
            warns=True,
        )


def _reject(candidate: Candidate, pod: Object, namespace: Namespace) -> Decision | None:
    template = candidate.template
    if isinstance(template, BrokenTemplate):
        denies = template.on_error == "deny"
        return Decision(
            reason=Reason.TEMPLATE_BROKEN,
            template=template.reference,
            message=template.problem,
            denies=denies,
            warns=not denies,
        )
    reason = _mismatch(template, pod, namespace)
    if reason is None:
        return None
    return Decision(reason=reason, template=template.reference, revision=template.revision, warns=candidate.by_name)


def _mismatch(template: Template, pod: Object, namespace: Namespace) -> Reason | None:
    labels = (pod.get("metadata") or {}).get("labels") or {}
    if (pod.get("spec") or {}).get("hostNetwork") and not template.host_network:
        return Reason.HOST_NETWORK
    if template.namespace_selector and not template.namespace_selector.matches(namespace.labels):
        return Reason.SELECTOR_MISMATCH
    if template.pod_selector and not template.pod_selector.matches(labels):
        return Reason.SELECTOR_MISMATCH
    return None

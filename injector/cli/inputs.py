"""
What a command works on: the manifests, the namespaces that they name, the templates and the rules of the cluster.

Files are read here and nowhere else; what is decided about them is in ``core``.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

import injector
from injector.cli.options import KUBE_VERSION
from injector.core import previews, schemas, templates, workloads
from injector.core.errors import BadParameter, ReviewError, TemplateError, WorkloadError
from injector.core.model import JSON, BrokenTemplate, Namespace, Object, Policy, Template
from injector.core.previews import Preview
from injector.core.selection import Catalog
from injector.shell import forms, manifests
from injector.shell.errors import ManifestError, StoreError
from injector.shell.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for, field by field an option of ``options.inputs``."""

    files: tuple[str, ...]
    templates: str | None
    namespace: str
    labels: tuple[str, ...]
    kube_version: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a file; a List is one."""

    source: str
    line: int
    object: Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that was read."""

    documents: tuple[Document, ...]
    namespaces: Mapping[str, Namespace]
    default_namespace: str
    labels: Mapping[str, str]
    """Of every namespace."""
    catalog: Catalog
    policy: Policy
    problems: tuple[str, ...]
    """Of the templates; those concerned are in the catalog as broken ones."""

    def namespace_of(self, holder: Object) -> Namespace:
        """Return the namespace of an object, as far as it is known."""
        name = workloads.namespace_of(holder) or self.default_namespace
        known = self.namespaces.get(name, Namespace(name=name))
        labels = {"kubernetes.io/metadata.name": name, **self.labels, **known.labels}
        return replace(known, labels=labels)


def read(request: Request) -> Inputs:
    """Read everything; raises PillionError, OSError and click.UsageError."""
    labels = dict(_pair(text, "--namespace-label", "KEY=VALUE") for text in request.labels)
    documents = tuple(read_documents(request.files))
    catalog, policy, lent, problems = read_templates(request.templates, request.kube_version, request.values)
    return Inputs(
        documents=documents,
        namespaces={**lent, **{namespace.name: namespace for namespace in _namespaces(documents)}},
        default_namespace=request.namespace,
        labels=labels,
        catalog=catalog,
        policy=policy,
        problems=problems,
    )


def read_documents(paths: Iterable[str]) -> Iterator[Document]:
    """Yield the documents of files, folders and, for ``-``, of standard input."""
    for source, content in manifests.read_contents(paths, sys.stdin.buffer):
        for root in manifests.parse_whole(content, source):
            yield Document(source=source, line=root.line, object=root.value)


def read_templates(
    path: str | None, kube_version: str = KUBE_VERSION, values: Iterable[str] = ()
) -> tuple[Catalog, Policy, Mapping[str, Namespace], tuple[str, ...]]:
    """Return the templates of a file or folder, the rules of the cluster with *values*, and what is wrong with them."""
    policy = build_policy(kube_version)
    place = str(find_templates(path))
    documents = tuple(read_documents((place,)))
    catalog, problems = _catalog(template_documents(documents, policy, place), policy)
    lent = {namespace.name: namespace for namespace in _namespaces(documents)}
    return catalog, replace(policy, parameters=_parameters(values, catalog)), lent, tuple(problems)


def build_policy(kube_version: str = KUBE_VERSION) -> Policy:
    """Return the rules of a cluster of that version, otherwise as Pillion is installed."""
    return Settings(kubernetes_version=_version(kube_version)).policy()


def _is_template(item: Object, policy: Policy) -> bool:
    """Whether an object is a ConfigMap with the label of a template."""
    labels = (item.get("metadata") or {}).get("labels")
    labelled = isinstance(labels, dict) and labels.get(policy.domain.template_label) == "true"
    return labelled and (item["apiVersion"], item["kind"]) == ("v1", "ConfigMap")


def objects_of(documents: Iterable[Document]) -> Iterator[tuple[Document, Object]]:
    """Yield every object with its document, those of Lists one by one."""
    for document in documents:
        try:
            items = workloads.items_of(document.object)
        except WorkloadError as error:
            raise ManifestError(str(error), source=document.source, line=document.line) from error
        yield from ((document, item) for item in ([document.object] if items is None else items))


def template_documents(documents: Iterable[Document], policy: Policy, place: str) -> list[tuple[Document, Object]]:
    """Return the template ConfigMaps among *documents*, at least one; raises StoreError."""
    found = [(document, item) for document, item in objects_of(documents) if _is_template(item, policy)]
    if not found:
        needed = f'a ConfigMap with the label {policy.domain.template_label}: "true"'
        raise StoreError(f"{place}: there is no template here; a template is {needed}")
    return found


def _catalog(configmaps: Iterable[tuple[Document, Object]], policy: Policy) -> tuple[Catalog, list[str]]:
    found: dict[str, Template | BrokenTemplate] = {}
    problems: list[str] = []
    for document, configmap in configmaps:
        try:
            template: Template | BrokenTemplate = templates.parse(configmap, policy)
        except TemplateError as error:
            template = templates.broken(configmap, str(error), policy)
            problems.append(f"{document.source}: {error.with_caret()}")
        if template.reference in found:
            problems.append(f"{document.source}: there is another template {template.reference!r}; this one is used")
        found[template.reference] = template
    return Catalog(found), problems


def find_templates(path: str | None) -> Path:
    """Return the path that was named, ``./templates`` if there is one, or the folder of those that are shipped."""
    if path is not None:
        return Path(path)
    here = Path("templates")
    return here if here.is_dir() else shipped_templates()


def shipped_templates() -> Path:
    """Return the folder of the shipped templates: in a wheel inside the package, in a clone beside it."""
    package = Path(injector.__file__).parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def preview_all(inputs: Inputs) -> Iterator[tuple[Object, tuple[Preview, ...]]]:
    """Yield every document as it would be after injection, with the previews of its workloads."""
    for document in inputs.documents:
        try:
            yield _preview_document(document.object, inputs)
        except (WorkloadError, ReviewError) as error:
            raise ManifestError(str(error), source=document.source, line=document.line) from error


def _preview_document(found: Object, inputs: Inputs) -> tuple[Object, tuple[Preview, ...]]:
    """Return an object or, item by item, a List."""
    items = workloads.items_of(found)
    if items is None:
        preview = _preview(found, inputs)
        return (preview.result, (preview,)) if preview else (found, ())
    shown = [_preview_document(item, inputs) for item in items]
    results = [
        given if result is item else result
        for given, item, (result, _) in zip(found["items"], items, shown, strict=True)
    ]
    return {**found, "items": results}, tuple(preview for _, previews in shown for preview in previews)


def _preview(holder: Object, inputs: Inputs) -> Preview | None:
    kind = workloads.kind_of(holder)
    if kind is None:
        return None
    namespace = inputs.namespace_of(holder)
    try:
        return previews.preview(holder, kind, namespace, inputs.catalog, inputs.policy, _never)
    except (WorkloadError, ReviewError) as error:
        raise WorkloadError(f"{workloads.title_of(holder)}: {error}") from error


def _never() -> bool:
    """A file has no deadline; budgets of steps and sizes end what would not end."""
    return False


def _namespaces(documents: Iterable[Document]) -> Iterator[Namespace]:
    for document, item in objects_of(documents):
        if (item.get("apiVersion"), item.get("kind")) == ("v1", "Namespace"):
            yield _namespace(item, document)


def _namespace(item: Object, document: Document) -> Namespace:
    metadata = item.get("metadata") or {}
    texts = {key: metadata.get(key) or {} for key in ("labels", "annotations")}
    for key, found in texts.items():
        if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
            problem = f"{workloads.title_of(item)}: metadata.{key} must be a mapping of strings"
            raise ManifestError(problem, source=document.source, line=document.line)
    return Namespace(name=str(metadata.get("name", "")), **texts)


def _version(text: str) -> tuple[int, int]:
    try:
        found: Any = forms.VERSION.parse(text)
    except ValueError:
        raise click.UsageError(f"--kube-version is {text!r}: expected {forms.VERSION.expected}") from None
    return found[0], found[1]


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise click.UsageError(f"{option} is {text!r}: expected {form}")
    return key, value


def _parameters(values: Iterable[str], catalog: Catalog) -> dict[str, dict[str, JSON]]:
    found: dict[str, dict[str, JSON]] = {}
    for text in values:
        key, value = _pair(text, "--set", "TEMPLATE.PARAM=VALUE")
        name, _, parameter = key.partition(".")
        template = catalog.templates.get(name)
        if not isinstance(template, Template):
            raise click.UsageError(f"--set {text}: there is no template {name!r}{near(name, catalog.templates)}")
        if parameter not in template.parameters:
            hint = near(parameter, template.parameters)
            raise click.UsageError(f"--set {text}: template {name!r} has no parameter {parameter!r}{hint}")
        try:
            found.setdefault(name, {})[parameter] = schemas.read(template.parameters[parameter], value)
        except BadParameter as error:
            raise click.UsageError(f"--set {text}: {error}") from error
    return found


def near(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown word: the one that was meant, or those that there are."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(names) or 'none'}"

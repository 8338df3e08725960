"""
From files or objects of a cluster to the templates in force, keeping the last good version of what is broken.

Nothing is read here and nothing is logged. Texts that were seen before are not parsed or compiled again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import orjson

from injector.core import templates
from injector.core.errors import OurFault, TemplateError
from injector.core.model import BrokenTemplate, Namespace, Object, Policy, Template
from injector.shell import manifests
from injector.shell.errors import ManifestError
from injector.shell.folders import File, Listing
from injector.shell.manifests import Document

Outcome: TypeAlias = Template | TemplateError | OurFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that keeps a template from being what its file says."""

    source: str
    """The file, the folder where that is gone, or the ConfigMap in a cluster."""
    template: str = ""
    """How pods ask for the template; empty: the file as a whole."""
    message: str
    """One sentence that names the file, or the ConfigMap in a cluster."""
    detail: str = ""
    """The message with the line and a caret, where there is one."""
    keeps_last_good: bool = False
    """Whether the version before is still in force."""

    def __str__(self) -> str:
        return f"{self.message}; the last good version stays in force" if self.keeps_last_good else self.message


@dataclass(slots=True)
class Contents:
    """What a folder or a cluster amounts to."""

    templates: dict[str, Template | BrokenTemplate] = field(default_factory=dict)
    """By reference."""
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Sentences on what was passed over."""
    sources: dict[tuple[str, str], str] = field(default_factory=dict)
    """The file of each object in force, by kind and name; empty for a cluster."""


class Shelf:
    """Remembers what came of each text, and what was in force last."""

    def __init__(self, policy: Policy, check: Callable[[Object], None]) -> None:
        """*check* sees each ConfigMap before it is compiled here; it raises TemplateError or OurFault."""
        self._policy = policy
        self._check = check
        self._last = Contents()
        self._documents: dict[bytes, list[Document]] = {}
        self._outcomes: dict[bytes, Outcome] = {}

    @property
    def needs_retry(self) -> bool:
        """Whether a text could not be checked for a reason of ours."""
        return any(isinstance(outcome, OurFault) for outcome in self._outcomes.values())

    def arrange(self, listing: Listing) -> Contents:
        """Return what is in force with these files."""
        contents = Contents(notes=list(_notes(listing)))
        known_documents, self._documents = self._documents, {}
        known_outcomes, self._outcomes = self._outcomes, {}
        unreadable: list[ManifestError] = []
        for file in listing.files:
            try:
                documents = self._parse(file, known_documents)
            except ManifestError as error:
                unreadable.append(error)
                continue
            for document in documents:
                self._place(document, contents, known_outcomes)
        for broken in unreadable:  # at last, so that a template that has moved to a good file is taken from there
            self._keep_file(broken, contents)
        self._last = contents
        return contents

    def arrange_configmaps(self, configmaps: Iterable[Object]) -> Contents:
        """Return what is in force with these template ConfigMaps of a cluster."""
        contents = Contents()
        known, self._outcomes = self._outcomes, {}
        for configmap in configmaps:
            problem = self._place_template(configmap, contents, known)
            contents.problems += [problem] if problem else []
        self._last = contents
        return contents

    def keep(self, folder: str, problem: str) -> Contents:
        """Return what was in force last, for a folder that cannot be read any more."""
        last = self._last
        gone = Problem(source=folder, message=problem, keeps_last_good=bool(last.templates))
        return Contents(last.templates, last.namespaces, [gone], sources=last.sources)

    def _parse(self, file: File, known: Mapping[bytes, list[Document]]) -> list[Document]:
        if file.problem:
            raise ManifestError(file.problem, source=file.name)
        digest = hashlib.sha256(file.name.encode() + b"\0" + file.content).digest()
        self._documents[digest] = known[digest] if digest in known else manifests.parse(file.content, file.name)
        return self._documents[digest]

    def _keep_file(self, error: ManifestError, contents: Contents) -> None:
        """Keep in force what came from a file that cannot be parsed now."""
        last, kept = self._last, False
        for key, source in last.sources.items():
            kind, name = key
            if source != error.source or key in contents.sources:
                continue
            contents.sources[key] = source
            if kind == "Namespace":
                contents.namespaces[name] = last.namespaces[name]
            else:
                contents.templates[name] = last.templates[name]
                kept = kept or isinstance(last.templates[name], Template)
        problem = Problem(source=error.source, message=str(error), detail=error.with_caret(), keeps_last_good=kept)
        contents.problems.append(problem)

    def _place(self, document: Document, contents: Contents, known: Mapping[bytes, Outcome]) -> None:
        """Take one object of a file into *contents*."""
        kind, metadata = document.object["kind"], document.object.get("metadata") or {}
        labels = metadata.get("labels")
        label = labels.get(self._policy.domain.template_label) if isinstance(labels, dict) else None
        name, namespace = metadata.get("name"), metadata.get("namespace") or self._policy.release_namespace
        is_ours = document.object["apiVersion"] == "v1" and kind in ("ConfigMap", "Namespace")
        if not is_ours or (kind == "ConfigMap" and label not in ("true", True)):
            contents.notes.append(f"file {document.source!r}: {self._pass_over(kind, name)}")
        elif not isinstance(name, str) or not name or not isinstance(namespace, str):
            _blame(document, "", f"a {kind} must have a metadata.name, and texts for it and its namespace", contents)
        elif kind == "Namespace":
            _place_namespace(name, metadata, document, contents)
        elif label is True:
            problem = f'the label {self._policy.domain.template_label} must be the text "true": put it in quotes'
            _blame(document, templates.reference(namespace, name, self._policy), problem, contents)
        elif _claim("ConfigMap", templates.reference(namespace, name, self._policy), document, contents):
            configmap = {**document.object, "metadata": {**metadata, "namespace": namespace}}
            flaw = self._place_template(configmap, contents, known)
            contents.problems += [_at_home(flaw, document)] if flaw else []

    def _pass_over(self, kind: str, name: object) -> str:
        wanted = f'ConfigMaps labelled {self._policy.domain.template_label}: "true" and Namespaces'
        return f"the {kind} {name!r} is passed over, as only {wanted} are read"

    def _place_template(self, configmap: Object, contents: Contents, known: Mapping[bytes, Outcome]) -> Problem | None:
        """Put a ConfigMap's template, or what is left of it, into *contents* and return what is amiss."""
        namespace, name = configmap["metadata"]["namespace"], configmap["metadata"]["name"]
        reference = templates.reference(namespace, name, self._policy)
        outcome = self._compile(configmap, known)
        if isinstance(outcome, Template):
            contents.templates[reference] = outcome
            return None
        last = self._last.templates.get(reference)
        is_good = isinstance(last, Template)
        broken = templates.broken(configmap, str(outcome), self._policy)
        contents.templates[reference] = last if last and is_good else broken
        return Problem(
            source=f"ConfigMap {namespace}/{name}",
            template=reference,
            message=str(outcome),
            detail=outcome.with_caret() if isinstance(outcome, TemplateError) else "",
            keeps_last_good=is_good,
        )

    def _compile(self, configmap: Object, known: Mapping[bytes, Outcome]) -> Outcome:
        digest = hashlib.sha256(orjson.dumps(configmap)).digest()
        outcome = known.get(digest)
        if outcome is None or isinstance(outcome, OurFault):
            outcome = self._compile_anew(configmap)
        self._outcomes[digest] = outcome
        return outcome

    def _compile_anew(self, configmap: Object) -> Outcome:
        try:
            self._check(configmap)
            return templates.parse(configmap, self._policy)
        except (TemplateError, OurFault) as error:
            return error


def _place_namespace(name: str, metadata: Object, document: Document, contents: Contents) -> None:
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    for texts in (labels, annotations):
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            _blame(document, "", f"labels and annotations of Namespace {name!r} must be texts: use quotes", contents)
            return
    if _claim("Namespace", name, document, contents):
        contents.namespaces[name] = Namespace(name=name, labels=labels, annotations=annotations)


def _claim(kind: str, name: str, document: Document, contents: Contents) -> bool:
    """Tell whether an object is the first of its name; if not, that is a problem."""
    first = contents.sources.get((kind, name))
    if first is None:
        contents.sources[kind, name] = document.source
        return True
    problem = f"{kind} {name!r} is also in file {first!r}, which comes first and is used: remove one"
    _blame(document, name if kind == "ConfigMap" else "", problem, contents)
    return False


def _blame(document: Document, template: str, message: str, contents: Contents) -> None:
    contents.problems.append(_at_home(Problem(source="", template=template, message=message), document))


def _at_home(problem: Problem, document: Document) -> Problem:
    """Return a problem with the file that it is in."""
    return replace(problem, source=document.source, message=f"file {document.source!r}: {problem.message}")


def _notes(listing: Listing) -> Iterator[str]:
    for name in listing.subfolders:
        yield f"the subfolder {name!r} is passed over, as only the folder's own files are read"
    for name in listing.others:
        yield f"the file {name!r} is passed over, as only files that end in {', '.join(manifests.SUFFIXES)} are read"

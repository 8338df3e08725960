"""``pillion lint``: everything that is wrong with template files, in one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from injector.cli import colours, options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from injector.cli.inputs import Document
    from injector.core.errors import TemplateError
    from injector.core.model import Object, Policy


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to say about one file."""

    source: str
    severity: str
    """``error`` or ``warning``."""
    text: str
    """A sentence; below it, where the place is known, the line with a caret."""


@click.command(name="lint")
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True), metavar="FILE|DIR|-...")
@click.option("--strict", is_flag=True, help="Let warnings count as errors.")
@click.option(
    "--kube-version", default=options.KUBE_VERSION, show_default=True, metavar="VERSION", help="Version of the cluster."
)
@colours.option
def command(files: tuple[str, ...], strict: bool, kube_version: str) -> int:  # noqa: FBT001 - click's shape
    """
    Check template files.

    Syntax, parameters, fields, idempotence, what the restricted Pod Security level or a quota would refuse: all
    problems of all files in one run. Exit code 1: there are errors, or warnings under --strict.

    \b
    Examples:
      pillion lint my-sidecar.yaml
      pillion lint templates/ --strict
      helm template mychart | pillion lint -
    """
    from injector.cli import inputs

    policy = inputs.build_policy(kube_version)
    documents = list(inputs.read_documents(files))
    found = inputs.template_documents(documents, policy, ", ".join(files))
    remarks = [remark for document, item in found for remark in _check(document, item, policy)]
    for line in _lines(remarks, documents, len(found)):
        click.echo(line)
    errors = [remark for remark in remarks if strict or remark.severity == "error"]
    return 1 if errors else 0


def _check(document: Document, configmap: Object, policy: Policy) -> Iterator[Remark]:
    from injector.core import linting, templates
    from injector.core.errors import TemplateError

    try:
        template = templates.parse(configmap, policy)
    except TemplateError:
        for error in problems(configmap, policy):
            yield Remark(document.source, "error", error.with_caret())
        return
    for finding in linting.lint(template, policy):
        text = finding.detail or f"template {template.reference}: {finding.message}"
        yield Remark(document.source, finding.severity, text)


def problems(configmap: Object, policy: Policy) -> Iterator[TemplateError]:
    """Yield what keeps a ConfigMap from being a template: once a key is found wrong, the rest is read without it."""
    from injector.core import templates
    from injector.core.errors import TemplateError

    while True:
        try:
            templates.parse(configmap, policy)
        except TemplateError as error:
            yield error
            smaller = _without(configmap, error.place.key, policy)
            if smaller is None:
                return
            configmap = smaller
        else:
            return


def _without(configmap: Object, key: str, policy: Policy) -> Object | None:
    """Return the ConfigMap less one data key or annotation; None if what follows would not make sense without it."""
    data, metadata = configmap.get("data") or {}, configmap["metadata"]
    annotations = metadata.get("annotations") or {}
    annotation = f"{policy.domain.name}/{key}"
    if isinstance(data, dict) and key in data and key != "parameters":
        return {**configmap, "data": {name: text for name, text in data.items() if name != key}}
    if isinstance(annotations, dict) and annotation in annotations and key != "delimiters":
        others = {name: text for name, text in annotations.items() if name != annotation}
        return {**configmap, "metadata": {**metadata, "annotations": others}}
    return None


def _lines(remarks: list[Remark], documents: Iterable[Document], templates: int) -> Iterator[str]:
    from injector.cli.reports import count

    for remark in remarks:
        colour = colours.error if remark.severity == "error" else colours.warning
        first, *rest = remark.text.splitlines()
        yield f"{colours.strong(remark.source)}: {colour(remark.severity)}: {first}"
        yield from rest
    errors = sum(remark.severity == "error" for remark in remarks)
    files = len({document.source for document in documents})
    result = f"{count(errors, 'error')}, {count(len(remarks) - errors, 'warning')}" if remarks else "all is well"
    yield f"{count(templates, 'template')} in {count(files, 'file')}: {result}"

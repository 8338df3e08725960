"""``pillion inject``: manifests in, the same manifests with their pods injected out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from injector.cli import colours, options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from injector.cli.inputs import Inputs
    from injector.core.model import Object
    from injector.core.previews import Preview


@click.command(name="inject")
@options.inputs
@click.option(
    "-o", "--output", type=click.Choice(["yaml", "json", "patch", "diff"]), default="yaml", show_default=True,
    help="What goes to stdout: the manifests, the JSON Patch of every object that changes, or a unified diff.",
)  # fmt: skip
@colours.option
def command(output: str, **request: Any) -> int:
    """
    Inject the pods of manifests, as the webhook would.

    Every workload kind with a pod template is known; anything else passes through unchanged. What was decided goes to
    stderr. Exit code 1: a pod would be denied, or a template failed.

    \b
    Examples:
      pillion inject -f app.yaml | kubectl apply -f -
      pillion inject -f manifests/ -n shop --namespace-label pillion.dev/injection=enabled
      kustomize build . | pillion inject -f - -o diff
      pillion inject -f app.yaml --set log-shipper.level=debug
    """
    from injector.cli import inputs, reports

    given = inputs.read(inputs.Request(**request))
    documents = list(inputs.preview_all(given))
    previews = [preview for _, found in documents for preview in found]
    for text in _write(output, [document for document, _ in documents], previews):
        click.echo(text, nl=False)
    tell(previews, given)
    return 1 if given.problems or any(map(reports.failed, previews)) else 0


def tell(previews: Iterable[Preview], given: Inputs) -> None:
    """Report on stderr what was decided."""
    from injector.cli import reports

    for problem in given.problems:
        click.echo(f"{colours.error('template:')} {problem}", err=True)
    for preview in previews:
        for line in reports.report(preview, given.policy):
            click.echo(line, err=True)


def differences(previews: Iterable[Preview]) -> Iterator[str]:
    """Yield a coloured unified diff for every workload that changes."""
    from injector.cli import reports
    from injector.shell import texts

    for preview in previews:
        if preview.result is not preview.holder:
            before, after = texts.dump([preview.holder]), texts.dump([preview.result])
            yield "".join(f"{line}\n" for line in reports.unified(before, after, reports.title_of(preview)))


def _write(output: str, documents: list[Object], previews: list[Preview]) -> Iterator[str]:
    match output:
        case "yaml":
            from injector.shell.texts import dump

            yield dump(documents)
        case "json":
            yield _json(documents[0] if len(documents) == 1 else _listed(documents))
        case "patch":
            yield _json([_patch(preview) for preview in previews if preview.result is not preview.holder])
        case "diff":
            yield from differences(previews)


def _listed(documents: list[Object]) -> Object:
    return {"apiVersion": "v1", "kind": "List", "items": documents}


def _patch(preview: Preview) -> Object:
    from injector.core import patches

    holder = preview.holder
    metadata = holder.get("metadata") or {}
    return {
        "apiVersion": holder["apiVersion"],
        "kind": holder["kind"],
        "namespace": preview.namespace.name,
        "name": metadata.get("name", ""),
        "patch": patches.as_json(patches.diff(holder, preview.result)),
    }


def _json(value: Any) -> str:
    import orjson

    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"

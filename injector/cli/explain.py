"""``pillion explain``: why a pod is injected, or why not, and what would change that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from injector.cli import colours, options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from injector.cli.inputs import Inputs
    from injector.core.previews import Preview


@click.command(name="explain")
@options.inputs
@colours.option
def command(**request: Any) -> int:
    """
    Explain why pods are injected, or why not.

    Condition by condition: the first that blocks is shown with the command or YAML that fixes it. Then every template
    with its reason, its parameters and where each value comes from. Exit code 1: a pod gets nothing, or a failure.

    \b
    Examples:
      pillion explain -f app.yaml
      pillion explain -f app.yaml -n shop --namespace-label pillion.dev/injection=enabled
      kubectl get deployment web -o yaml | pillion explain -f -
    """
    from injector.cli import explanations, inputs, reports

    given = inputs.read(inputs.Request(**request))
    previews = [preview for _, found in inputs.preview_all(given) for preview in found]
    for line in _lines(previews, given):
        click.echo(line)
    if not previews:
        raise click.ClickException("there is no workload in what was read: nothing has a pod template")
    return 1 if any(explanations.is_bare(preview) or reports.failed(preview) for preview in previews) else 0


def _lines(previews: list[Preview], given: Inputs) -> Iterator[str]:
    from injector.cli import explanations

    for number, preview in enumerate(previews):
        if number:
            yield ""
        yield from explanations.explain(preview, given.catalog, given.policy)
    for problem in given.problems:
        yield ""
        yield f"{colours.error('template:')} {problem}"

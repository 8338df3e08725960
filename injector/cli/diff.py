"""``pillion diff``: what ``pillion inject`` would change."""

from __future__ import annotations

from typing import Any

import click

from injector.cli import colours, options


@click.command(name="diff")
@options.inputs
@colours.option
def command(**request: Any) -> int:
    """
    Show what injection would change in manifests.

    Exit code 0: nothing; 1: there are differences, a pod would be denied, or a template failed.

    \b
    Examples:
      pillion diff -f app.yaml
      pillion diff -f manifests/ -t my-templates/
      kubectl get deployment web -o yaml | pillion diff -f -
    """
    from injector.cli import inject, inputs, reports

    given = inputs.read(inputs.Request(**request))
    previews = [preview for _, found in inputs.preview_all(given) for preview in found]
    different = False
    for text in inject.differences(previews):
        different = True
        click.echo(text, nl=False)
    inject.tell(previews, given)
    return 1 if different or given.problems or any(map(reports.failed, previews)) else 0

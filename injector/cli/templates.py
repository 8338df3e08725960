"""``pillion templates``: list those that there are, show one, start a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from injector.cli import colours

if TYPE_CHECKING:
    from injector.core.model import BrokenTemplate, Template
    from injector.core.selection import Catalog

_folder = click.option(
    "-t", "--templates", "path", metavar="FILE|DIR", default=None, type=click.Path(),
    help="Where to look; default ./templates if there is one, else those that Pillion ships.",
)  # fmt: skip


@click.group(name="templates")
def command() -> None:
    """
    List templates, show one, or start a new one.

    \b
    Examples:
      pillion templates list
      pillion templates show log-shipper
      pillion templates new my-sidecar
    """


@command.command(name="list")
@_folder
@colours.option
def list_all(path: str | None) -> int:
    """
    List templates with what they are for.

    \b
    Examples:
      pillion templates list
      pillion templates list -t my-templates/
    """
    from injector.cli import descriptions, inputs

    catalog, _, _, problems = inputs.read_templates(path)
    for line in descriptions.table(catalog):
        click.echo(line)
    for problem in problems:
        click.echo(f"{colours.error('template:')} {problem}", err=True)
    return 1 if problems else 0


@command.command(name="show")
@click.argument("name")
@_folder
@click.option("-o", "--output", type=click.Choice(["text", "pod"]), default="text", show_default=True,
              help="All about the template, or only a pod that asks for it, as YAML.")  # fmt: skip
@colours.option
def show(name: str, path: str | None, output: str) -> int:
    """
    Show a template: its parameters, and a pod that asks for it.

    \b
    Examples:
      pillion templates show log-shipper
      pillion templates show log-shipper -o pod | pillion diff -f -
    """
    from injector.cli import descriptions, inputs

    catalog, policy, _, _ = inputs.read_templates(path)
    template = _find(name, catalog)
    lines = descriptions.example(template, policy) if output == "pod" else descriptions.describe(template, policy)
    for line in lines:
        click.echo(line)
    return 0


@command.command(name="new")
@click.argument("name")
@colours.option
def new(name: str) -> int:
    """
    Write a starter template to NAME.yaml, with comments.

    \b
    Examples:
      pillion templates new my-sidecar
    """
    from pathlib import Path

    from injector.cli import inputs, starters

    path = Path(f"{name}.yaml")
    text = starters.write(name, inputs.build_policy())
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise click.ClickException(f"{path} exists already: choose another name, or remove it") from error
    click.echo(f"{path} is written. Change it, then:", err=True)
    example = f"pillion templates show {name} -t {path} -o pod | pillion diff -t {path} -f -"
    for text in (f"pillion lint {path}", example):
        click.echo(f"  {colours.command(text)}", err=True)
    return 0


def _find(name: str, catalog: Catalog) -> Template:
    from injector.cli.inputs import near
    from injector.core.model import BrokenTemplate

    found: Template | BrokenTemplate | None = catalog.templates.get(name)
    if found is None:
        raise click.ClickException(f"there is no template {name!r}{near(name, catalog.templates)}")
    if isinstance(found, BrokenTemplate):
        raise click.ClickException(f"template {name!r} is broken: {found.problem}")
    return found

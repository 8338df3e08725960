"""Options that several commands share: what to read and as what cluster to see it. What they mean is in ``inputs``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import click

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

KUBE_VERSION = "1.36"
"""The version of Kubernetes that files are meant for, unless an option says otherwise."""

_ALL: tuple[Decorator, ...] = (
    click.option(
        "-f", "--filename", "files", multiple=True, required=True, metavar="FILE|DIR|-",
        type=click.Path(allow_dash=True),
        help="Manifests in YAML or JSON: a file, a folder, or - for stdin. Repeatable.",
    ),
    click.option(
        "-t", "--templates", "templates", metavar="FILE|DIR", default=None, type=click.Path(),
        help="Templates; default ./templates if there is one, else those that Pillion ships.",
    ),
    click.option(
        "-n", "--namespace", default="default", show_default=True, metavar="NAME",
        help="Namespace of objects that name none.",
    ),
    click.option(
        "--namespace-label", "labels", multiple=True, metavar="KEY=VALUE",
        help="A label that every namespace has. Namespaces among the manifests lend their own. Repeatable.",
    ),
    click.option(
        "--kube-version", default=KUBE_VERSION, show_default=True, metavar="VERSION",
        help="Version of the cluster; from 1.29 sidecars are native by default.",
    ),
    click.option(
        "--set", "values", multiple=True, metavar="TEMPLATE.PARAM=VALUE",
        help="Value of a parameter, as the chart would set it; annotations overrule it. Repeatable.",
    ),
)  # fmt: skip


def inputs(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options from which ``inputs.Request`` is made, by the names of its fields."""
    for option in reversed(_ALL):
        function = option(function)
    return function

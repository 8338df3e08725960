"""
Colours by their meaning. Styled text is always made; ``click.echo`` drops the colours where nobody would see them.

Nobody does in a pipe or a file, with ``NO_COLOR`` set or with ``--color=never``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click

_CHOICES = {"auto": None, "always": True, "never": False}


def _choose(context: click.Context, _option: click.Parameter, choice: str | None) -> None:
    if choice and choice != "auto":
        context.color = _CHOICES[choice]


option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--color",
    type=click.Choice(list(_CHOICES)),
    expose_value=False,
    callback=_choose,
    help="When to use colours; auto (the default) means on a terminal, unless NO_COLOR is set.",
)
"""The flag ``--color`` of a command."""


def good(text: str) -> str:
    """Colour what went as wished."""
    return click.style(text, fg="green")


def bad(text: str) -> str:
    """Colour what stands in the way."""
    return click.style(text, fg="red")


def error(text: str) -> str:
    """Colour the head of an error."""
    return click.style(text, fg="red", bold=True)


def warning(text: str) -> str:
    """Colour what one should look at."""
    return click.style(text, fg="yellow")


def faint(text: str) -> str:
    """Colour what one may skip."""
    return click.style(text, dim=True)


def strong(text: str) -> str:
    """Colour what a line is about."""
    return click.style(text, bold=True)


def command(text: str) -> str:
    """Colour what one may type or paste."""
    return click.style(text, fg="cyan")


def difference(lines: Iterable[str]) -> Iterator[str]:
    """Colour the lines of a unified diff."""
    for line in lines:
        match line[:3]:
            case "---" | "+++":
                yield strong(line)
            case "@@ ":
                yield command(line)
            case _ if line.startswith("+"):
                yield good(line)
            case _ if line.startswith("-"):
                yield bad(line)
            case _:
                yield line

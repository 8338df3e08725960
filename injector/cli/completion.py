"""``pillion completion``: the script that makes a shell complete commands, options and files."""

from __future__ import annotations

import click

_SHELLS = ("bash", "zsh", "fish")


@click.command(name="completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> int:
    """
    Print the completion script of a shell.

    \b
    Examples:
      source <(pillion completion bash)              in ~/.bashrc
      source <(pillion completion zsh)               in ~/.zshrc, after compinit
      pillion completion fish > ~/.config/fish/completions/pillion.fish
    """
    from click.shell_completion import get_completion_class

    from injector.cli.main import COMPLETE_VARIABLE, pillion

    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"there is no completion for {shell!r}")
    click.echo(script(pillion, {}, "pillion", COMPLETE_VARIABLE).source())
    return 0

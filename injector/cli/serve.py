"""``pillion serve``: the admission server. Its flags come from the table of settings; nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from injector.shell.settings import OPTIONS, read_environment

Command = TypeVar("Command", bound=Callable[..., object])


def _with_settings(command: Command) -> Command:
    """Add a flag for each setting, in the order of the table."""
    for option in reversed(OPTIONS):
        default = f" [{option.variable}; {option.default}]" if option.default else f" [{option.variable}]"
        add = click.option(option.flag, option.name, metavar=option.form.metavar, help=option.text + default)
        command = add(command)
    return command


@click.command("serve")
@_with_settings
def command(**flags: str | None) -> int:
    """
    Serve admission reviews over HTTPS.

    Each flag has a variable, shown with its default in brackets; the flag wins. SIGTERM drains and stops, SIGHUP looks
    at certificate and templates at once (changes are also noticed by themselves).

    \b
    Examples:
      pillion serve --templates templates/ --certificate tls.crt --key tls.key
      PILLION_LOG_FORMAT=console pillion serve --port 9443 --probe-port 9080
      curl localhost:8080/readyz?verbose            what is loaded, and what is amiss
    """
    settings = read_environment(flags)
    from injector.shell.pool import Pool

    with Pool(settings.policy()) as pool:  # its process gets ready while the rest is imported
        from injector.shell import serving

        return serving.serve(settings, pool.check)

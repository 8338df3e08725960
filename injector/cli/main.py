"""
The group of all commands, and how every run of it ends: with 0, 1 or 2, and an error as one sentence.

A command is imported when it is named, and what it works with when it runs, so that ``--help`` costs next to nothing.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from injector.cli import colours
from injector.core.errors import PillionError, TemplateError
from injector.shell.errors import ManifestError

COMMANDS = {
    "demo": "Watch a real server inject a real pod.",
    "inject": "Inject the pods of manifests, as the webhook would.",
    "diff": "Show what injection would change in manifests.",
    "explain": "Explain why pods are injected, or why not.",
    "lint": "Check template files.",
    "templates": "List templates, show one, or start a new one.",
    "serve": "Serve admission reviews over HTTPS.",
    "verify": "Create a pod by dry run and see that it is injected.",
    "certs": "Make, renew and show the webhook's certificate.",
    "completion": "Print the completion script of a shell.",
}
"""The first sentence of each command's help, in the order in which one meets them; modules here have their names."""

FINE, FINDINGS, ERROR = 0, 1, 2
"""Exit codes: all is well; differences, denials or problems were found; the command could not do its work."""

COMPLETE_VARIABLE = "_PILLION_COMPLETE"
"""The variable by which the shell asks for completions; click's protocol."""


class Commands(click.Group):
    """Commands by name, imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in their own order, not by alphabet."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"injector.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing one."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(COMMANDS)}"
            raise click.UsageError(f"unknown command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it raises on purpose becomes one sentence."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _abandon_stdout()
            return ERROR
        except OSError as error:
            raise click.ClickException(_sentence(error)) from error
        except (ManifestError, TemplateError) as error:
            raise click.ClickException(error.with_caret()) from error
        except PillionError as error:
            raise click.ClickException(str(error)) from error


def _show_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's shape
    if not wanted or context.resilient_parsing:
        return
    from importlib import metadata

    click.echo(f"pillion {metadata.version('pillion')}")
    context.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 fine, 1 differences or findings, 2 errors.",
)
@colours.option
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def pillion() -> None:
    """
    Put passengers on pods: sidecars, volumes and settings from templates.

    One engine, two doors: the admission webhook in a cluster, and these commands on files.

    \b
    Examples:
      pillion demo                                  watch a real server inject a real pod
      pillion inject -f app.yaml | kubectl apply -f -
      pillion explain -f app.yaml                   why it is injected, or why not
      pillion templates new my-sidecar              start a template of your own
    """


def main() -> None:
    """Run the command line of this process and exit."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")  # manifests are UTF-8, whatever the terminal's locale
    program = "kubectl pillion" if os.path.basename(sys.argv[0]).startswith("kubectl-") else "pillion"  # noqa: PTH119
    sys.exit(run(sys.argv[1:], program))


def run(arguments: Sequence[str], program: str = "pillion") -> int:
    """Run the command line and return its exit code."""
    try:
        code = pillion.main(arguments, program, COMPLETE_VARIABLE, standalone_mode=False, color=_colour())
    except NoArgsIsHelpError as error:
        click.echo(error.format_message())
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else program
        return _fail(program, f"{error.format_message().rstrip('.')} (see '{path} --help')")
    except click.ClickException as error:
        return _fail(program, error.format_message())
    except click.Abort:
        return _fail(program, "interrupted")
    else:
        return code if isinstance(code, int) else FINE
    return FINE


def _fail(program: str, sentence: str) -> int:
    click.echo(f"{colours.error(program + ':')} {sentence}", err=True, color=_colour())
    return ERROR


def _colour() -> bool | None:
    """Return False where ``NO_COLOR`` asks for none; None: as the stream is."""
    return False if os.environ.get("NO_COLOR") else None


def _sentence(error: OSError) -> str:
    named = f"{error.filename}: " if error.filename else ""
    return f"{named}{error.strerror or error}"


def _abandon_stdout() -> None:
    """Let what is still buffered go nowhere: the reader has left, as ``head`` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""``pillion certs``: make, renew and show the webhook's certificate in a cluster. The way is in ``shell/certs``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from injector.cli import colours
from injector.shell.certs import flags as table

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from injector.shell.certs.options import Options
    from injector.shell.certs.steps import Plan

Command = TypeVar("Command", bound=Callable[..., object])
Result = TypeVar("Result")

TRANSIENT, PERMANENT = 1, 2
"""Exit codes: trying again may help; it will not."""

_kubeconfig = click.option("--kubeconfig", metavar="FILE", help="Cluster to talk to [the current one, or this pod's].")
_log_format = click.option(
    "--log-format", type=click.Choice(["console", "json"]), default="console", show_default=True,
    help="Log lines on standard error, for people or for machines.",
)  # fmt: skip
_deadline = click.option(
    "--deadline", type=click.FloatRange(1, 3600), default=200.0, show_default=True, metavar="SECONDS",
    help="Time for everything together.",
)  # fmt: skip


def _with(flags: tuple[table.Flag, ...]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for flag in reversed(flags):
            text = f"{flag.text} [{flag.default}]" if flag.default else flag.text
            command = click.option(flag.flag, flag.name, metavar=flag.form.metavar, multiple=flag.many, help=text)(
                command
            )
        return command

    return decorate


@click.group(name="certs")
def command() -> None:
    """
    Make, renew and show the webhook's certificate.

    \b
    Examples:
      pillion certs status --mutating-webhook pillion
      pillion certs setup --mode self-signed --mutating-webhook pillion
      pillion certs renew --now --mutating-webhook pillion
    """


@command.command("setup")
@_with((*table.WHERE, *table.HOW))
@click.option("--require-webhooks", is_flag=True, help="Wait for the webhook configurations if they do not exist yet.")
@_kubeconfig
@_deadline
@_log_format
def set_up(kubeconfig: str | None, deadline: float, log_format: str, require_webhooks: bool, **flags: Any) -> int:  # noqa: FBT001 - click's shape
    """
    Make the pair if there is no good one, and let the webhooks trust it.

    What is already right stays; a run that was killed is finished by the next one. Exit codes: 0 done, 1 try again,
    2 something must be changed first; the last line says what.

    \b
    Examples:
      pillion certs setup --mutating-webhook pillion --require-webhooks
      pillion certs setup --signer beta.eks.amazonaws.com/app-serving --mutating-webhook pillion
    """
    return _make(table.read(flags, require_webhooks=require_webhooks), kubeconfig, deadline, log_format)


@command.command("renew")
@_with((*table.WHERE, *table.HOW))
@click.option("--rotation", type=click.Choice(["self-signed", "csr"]), default="self-signed", show_default=True,
              help="Mode csr: how to make the next pair; csr needs the right to approve requests.")  # fmt: skip
@click.option("--now", "force", is_flag=True, help="Renew whatever the date.")
@_kubeconfig
@_deadline
@_log_format
def renew(
    kubeconfig: str | None,
    deadline: float,
    log_format: str,
    rotation: str,
    **flags: Any,
) -> int:
    """
    Make a new pair at two thirds of the old one's life; old and new are trusted together.

    For a CronJob, every day. Exit codes: 0 done or not yet due, 1 try again, 2 something must be changed first.

    \b
    Examples:
      pillion certs renew --mutating-webhook pillion
      pillion certs renew --now --probe pillion.pillion-system.svc:443
    """
    from dataclasses import replace

    from injector.shell.certs.options import Mode

    options = table.read(flags, renew=True, force=bool(flags["force"]), probe_strict=True)
    return _make(replace(options, rotation=Mode(rotation)), kubeconfig, deadline, log_format)


@command.command("status")
@_with(table.WHERE)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="For people or for machines.")  # fmt: skip
@_kubeconfig
@colours.option
def status(kubeconfig: str | None, output: str, **flags: Any) -> int:
    """
    Show the pair, its end, and whether every webhook trusts it.

    \b
    Examples:
      pillion certs status --mutating-webhook pillion
      pillion certs status -o json
    """
    from injector.shell.certs import statuses

    found = _run(statuses.look(table.read(flags)), kubeconfig, 30.0, _logger("console", "warning"))
    if output == "json":
        everything = {**found.facts, "webhooks": found.webhooks, "findings": list(found.findings)}
        click.echo(json.dumps(everything, indent=2, ensure_ascii=False))
        return 1 if found.findings else 0
    for name, text in (*found.facts.items(), *((f"webhook {name}", text) for name, text in found.webhooks.items())):
        click.echo(f"{name:<14} {text}")
    for finding in found.findings:
        click.echo(f"{colours.error('finding:')} {finding}", err=True)
    return 1 if found.findings else 0


def _make(options: Options, kubeconfig: str | None, deadline: float, log_format: str) -> int:
    """Run to the end, whose last line says how it went."""
    from injector.shell.certs import setups
    from injector.shell.certs.faults import Transient
    from injector.shell.errors import ShellError

    logger = _logger(log_format, "info")
    try:
        outcome = _run(setups.set_up(options), kubeconfig, deadline, logger)
    except Transient as error:
        last, code = f"not done, try again: {error}", TRANSIENT
    except ShellError as error:
        last, code = f"not done: {error}", PERMANENT
    else:
        logger.info(outcome.sentence)
        return 0
    logger.error(last)
    return code


def _run(plan: Plan[Result], kubeconfig: str | None, deadline: float, logger: FilteringBoundLogger) -> Result:
    from injector.shell.certs import running
    from injector.shell.clusters import Cluster

    with running.signals() as bell:
        return running.Runner(Cluster(kubeconfig), logger, bell, deadline).run(plan)


def _logger(form: str, level: str) -> FilteringBoundLogger:
    from injector.shell import logs

    return logs.build_logger(level, form, sys.stderr.buffer)

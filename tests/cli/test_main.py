"""The door: what help costs, how colours go, how pipes break, and that no command is forgotten."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from injector.cli import main

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HEAVY = ("cryptography", "flask", "jinja2", "jsonpatch", "jsonschema", "kubernetes", "waitress", "yaml")


def start(*command, **options):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize("command", ["", *main.COMMANDS])
def test_help_imports_nothing_that_takes_time(command):
    script = f"""
import sys
from injector.cli import main
main.run([*{[command] if command else []}, "--help"])
print(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)
"""
    run = start(sys.executable, "-c", script)

    assert (0, "") == (run.returncode, run.stderr.strip())
    assert run.stdout.startswith(f"Usage: pillion {command}".rstrip())


def test_without_a_command_it_shows_its_help(pillion):
    assert pillion("--help").out == pillion().out


@pytest.mark.parametrize("command", main.COMMANDS)
def test_help_shows_examples(pillion, command):
    out = pillion(command, "--help").out

    assert "Examples:\n" in out
    assert f"pillion {command}" in out.split("Examples:\n")[1] or command == "serve"


@pytest.mark.parametrize("command", main.COMMANDS)
def test_help_lists_every_command_with_its_own_first_sentence(pillion, command):
    listed = pillion("--help").out.split("Commands:\n")[1]

    sentence = pillion(command, "--help").out.split("\n\n")[1].strip()

    assert re.search(rf"^  {command} +{re.escape(sentence)}$", listed, re.MULTILINE)


def test_colours_are_for_terminals(pillion):
    call = ("diff", "-f", "manifests/web.yaml", "-t", "templates")

    assert "\x1b[" not in pillion(*call).out
    assert "\x1b[32m+" in pillion(*call, "--color", "always").out
    assert "\x1b[32m+" in pillion("--color", "always", *call).out


def test_no_color_is_obeyed_where_colour_was_not_asked_for(pillion, monkeypatch):
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda _stream, color=None: color is False)
    call = ("diff", "-f", "manifests/web.yaml", "-t", "templates")
    coloured = pillion(*call).out
    monkeypatch.setenv("NO_COLOR", "1")

    run = pillion(*call)

    assert ("\x1b[" in coloured, "\x1b[" in run.out, "\x1b[" in run.err) == (True, False, False)


def test_a_reader_that_leaves_early_is_no_news():
    command = f"{sys.executable} -m injector inject -f manifests/kinds.yaml -t templates | head -n 1"

    run = start("sh", "-c", command)

    assert ("apiVersion: v1\n", False) == (run.stdout, "rror" in run.stderr)


def test_as_a_plugin_of_kubectl_it_calls_itself_so(tmp_path):
    plugin = tmp_path / "kubectl-pillion"
    plugin.write_text("from injector.__main__ import main\nmain()\n")

    assert start(sys.executable, plugin, "lint", "--help").stdout.startswith("Usage: kubectl pillion lint ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_ask_this_program(pillion, shell):
    run = pillion("completion", shell)

    assert 0 == run.code
    assert f"{main.COMPLETE_VARIABLE}={shell}_complete" in run.out


def test_commands_are_completed():
    environment = {main.COMPLETE_VARIABLE: "bash_complete", "COMP_WORDS": "pillion templates s", "COMP_CWORD": "2"}
    run = subprocess.run(
        [sys.executable, "-m", "injector"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "plain,show\n" == run.stdout


class Interrupted:
    @property
    def buffer(self):
        raise KeyboardInterrupt


def test_an_interrupt_is_one_word(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Interrupted())

    code = main.run(["inject", "-f", "-", "-t", str(HERE / "templates")])

    assert (2, "pillion: interrupted") == (code, capsys.readouterr().err.strip())

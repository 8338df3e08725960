"""A reader at a shell: types what a page says, in a folder like a clone, and compares what comes out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.docs import pages
from tests.docs.pages import ROOT

_END = "\x1e"  # after each command's output, with its exit code


@dataclass(frozen=True)
class Step:
    """One command of a page."""

    place: str
    command: str
    promised: str
    """What the page shows below it; empty: it does not say."""


@dataclass(frozen=True)
class Result:
    """What became of it."""

    output: str
    code: int


def steps(page: str) -> list[Step]:
    """The commands of a page in their order; ``make`` is for readers only, as it would run these tests."""
    return [step for step in all_steps(page) if not step.command.startswith("make")]


def all_steps(page: str) -> list[Step]:
    return [
        Step(str(block), command.replace("\n> ", "\n"), promised.strip("\n"))
        for block in pages.blocks(page, "console")
        for command, promised in re.findall(r"^\$ (.*(?:\n> .*)*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE)
    ]


@cache
def run(page: str) -> list[Result]:
    """Type the whole page into one shell, after saving the files that it shows."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder)
        _furnish(clone)
        for block in pages.blocks(page):
            if block.file:
                (clone / block.file).write_text(block.text)
        script = "".join(f"{step.command}\nprintf '{_END}%d\\n' $?\n" for step in steps(page))
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=clone,
            env=_environment(clone),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    return [Result(output, int(code)) for output, code in re.findall(rf"(.*?){_END}(\d+)\n", done.stdout, re.DOTALL)]


def _furnish(clone: Path) -> None:
    """Put there what a clone has after any make target."""
    shutil.copytree(ROOT / "templates", clone / "templates")
    command = clone / ".venv" / "bin" / "pillion"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m injector "$@"\n')
    command.chmod(0o755)


def _environment(clone: Path) -> dict[str, str]:
    path = f"{clone / '.venv' / 'bin'}:{os.environ['PATH']}"
    return {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(clone), "LC_ALL": "C.UTF-8"}


def is_as_promised(promised: str, output: str) -> bool:
    """Whether the output is what the page shows, where … on a line of its own is any lines, else any characters."""
    if not promised:
        return True
    pattern = re.escape(promised)
    pattern = re.sub(r"(?m)^…\n", r"(?:.*\\n)*?", pattern.replace("\\\n", "\n"))
    pattern = re.sub(r"(?m)\n…\Z", r"(?:\\n.*)*", pattern)
    return re.fullmatch(pattern.replace("…", ".*"), output.rstrip("\n")) is not None

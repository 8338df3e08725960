"""Run the command line in this process, as a user would: arguments in, two streams and an exit code out."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pytest

from injector.cli import main

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str


@pytest.fixture
def pillion(capsys, monkeypatch):
    """Run ``pillion`` with arguments in this folder; ``stdin`` is the text on its standard input."""
    monkeypatch.chdir(HERE)
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(*arguments, stdin=""):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = main.run(list(map(str, arguments)))
        captured = capsys.readouterr()
        return Run(code, captured.out, captured.err)

    return run

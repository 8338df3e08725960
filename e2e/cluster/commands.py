"""Runs programs, waits for conditions and tells of progress, on standard error: standard output is for data."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from e2e.cluster.failures import Failure

Command = Sequence[str | Path]


def run(command: Command) -> str:
    """Run a command to its end and answer its standard output; the end of its errors is part of the failure."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"`{_shown(command)}` ended with {done.returncode}: {_end(done.stderr or done.stdout)}")
    return done.stdout


def show(command: Command) -> None:
    """Run a command whose output is for the person at the terminal."""
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode:
        raise Failure(f"`{_shown(command)}` ended with {done.returncode}: its output above says why.")


def succeeds(command: Command) -> bool:
    """Whether a command can be started and ends with 0."""
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def tell(progress: str) -> None:
    """Say what takes long."""
    print(progress, file=sys.stderr, flush=True)


def await_condition(what: str, holds: Callable[[], bool], *, seconds: float, pause: float = 0.2) -> None:
    """Look at a condition until it holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Failure(f"{what} within {seconds:.0f} s: `python -m e2e.cluster logs` shows why.")
        time.sleep(pause)


def _shown(command: Command) -> str:
    return " ".join(map(str, command))[:200]


def _end(output: str) -> str:
    return " / ".join(output.strip().splitlines()[-3:]) or "it said nothing"

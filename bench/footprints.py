"""What the program takes before it does anything: time to help, time to ready, memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import contenders
from bench.contenders import Site
from bench.measures import Figure, Table, interleave
from bench.processes import ROOT
from injector.cli.throwaways import write_certificate


def measure(rounds: int = 5) -> Iterator[Table]:
    """Yield how long ``--help`` and a start take, and the memory of a server that idles."""
    memory: list[tuple[float, float]] = []
    figures = interleave({"help": _help, "nothing": _nothing, "start": lambda: _start(memory)}, rounds)
    resident, proportional = (Figure(values) for values in zip(*memory, strict=True))
    rows = (
        _row("pillion --help, CPU seconds", figures["help"], "at most 0.2"),
        _row("an interpreter that does nothing, CPU seconds", figures["nothing"], ""),
        _row("start to ready, seconds", figures["start"], "at most 1"),
        _row("idle server, RSS in MiB", resident, "at most 60"),
        _row("idle server with its children, PSS in MiB", proportional, ""),
    )
    yield Table("footprints", "Before the first review", ("what", "median", "spread", "target"), rows)


def _row(what: str, figure: Figure, target: str) -> tuple[str, float, str, str]:
    return what, round(figure.median, 3), f"{figure.spread:.0%}", target


def _help() -> float:
    return _seconds(lambda: _run("-m", "injector", "--help"))


def _nothing() -> float:
    return _seconds(lambda: _run("-c", ""))


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def _seconds(action: Callable[[], None]) -> float:
    """Return the CPU seconds of the processes that *action* starts and waits for: its time on a quiet machine."""
    begin = resource.getrusage(resource.RUSAGE_CHILDREN)
    action()
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime


def _start(memory: list[tuple[float, float]]) -> float:
    """Return the seconds from the start of a server until it is ready; add its memory to *memory*."""
    with tempfile.TemporaryDirectory(prefix="pillion-bench-") as scratch:
        folder = Path(scratch)
        certificate, key = write_certificate(folder)
        cores = frozenset({min(os.sched_getaffinity(0))})
        with contenders.pillion(Site(folder=folder, certificate=certificate, key=key, cores=cores)) as server:
            if not server.is_ready():
                raise RuntimeError("the server listens but is not ready")
            time.sleep(0.5)  # until what the start left over is done
            memory.append((server.resident, server.proportional))
            return server.seconds

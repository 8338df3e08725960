"""What connections cost that are open and idle: the real server with few and with many of them, under the same load."""

from __future__ import annotations

import os
import resource
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import cases, contenders, loads, processes
from bench.contenders import Site
from bench.measures import Figure, Table, interleave
from bench.processes import Server
from bench.subjects import Subject
from injector.cli.throwaways import write_certificate

AIM = 1.2
"""Times the cost with the fewest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How many connections, and how long each server is under load; all of it within the server's patience, 120 s."""

    rounds: int = 5
    seconds: float = 1.0
    idle: tuple[int, ...] = (1, 10, 100, 1000)


def measure(effort: Effort | None = None) -> Iterator[Table]:
    """Yield the cost of a review over the number of idle connections, one server for each number."""
    effort = effort or Effort()
    _allow_files(2 * max(effort.idle) + 200)
    cores = os.sched_getaffinity(0)
    with ExitStack() as stack:
        subjects = {count: stack.enter_context(_subject(count, frozenset({min(cores)}))) for count in effort.idle}
        stack.enter_context(processes.confined(frozenset({max(cores)})))
        for subject in subjects.values():
            subject.press(effort.seconds)
            subject.closed.clear()
        presses = {str(count): partial(subject.press, effort.seconds) for count, subject in subjects.items()}
        rates = interleave(presses, effort.rounds)
        for count, subject in subjects.items():
            _check_open(subject.server, count)
        costs = {count: Figure(tuple(seen[2] for seen in subject.closed)) for count, subject in subjects.items()}
        first = costs[effort.idle[0]]
        rows = tuple(
            (
                count,
                round(rates[str(count)].median),
                round(costs[count].median, 3),
                round((costs[count] / first).median, 2),
                f"{costs[count].spread:.0%}",
                round(subject.server.resident, 1),
                subject.errors,
            )
            for count, subject in subjects.items()
        )
    columns = ("idle connections", "reviews/s", "CPU ms", "times the cost", "spread", "RSS MiB", "errors")
    series = {"idle connections": tuple((float(row[0]), row[2] * 1000) for row in rows)}
    yield Table("idles", "Idle connections beside 8 busy ones", columns, rows, (f"Aim: at most {AIM} times.",), series)


@contextmanager
def _subject(count: int, cores: processes.Cores) -> Iterator[Subject]:
    """Start a server and connect so many that say nothing, and a client."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pillion-bench-")))
        certificate, key = write_certificate(folder)
        site = Site(folder=folder, certificate=certificate, key=key, cores=cores)
        server = stack.enter_context(contenders.pillion(site))
        context = ssl.create_default_context(cafile=str(certificate))
        for _ in range(count):
            stack.enter_context(loads.connect(server.ports.main, context))
        client = loads.connected(server.ports.main, certificate, cases.USUAL.make(50))
        yield Subject(server, stack.enter_context(client))


def _check_open(server: Server, count: int) -> None:
    """Raise RuntimeError where the server has hung up."""
    if (found := len([*Path(f"/proc/{server.process.pid}/fd").iterdir()])) < count:
        raise RuntimeError(f"expected at least {count} open connections, the server has {found} files open in all")


def _allow_files(count: int) -> None:
    """Let this process, and the servers that it starts, have so many files open; raises ValueError where it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))

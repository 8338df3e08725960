"""The real server against a null handler on the same server code: HTTPS, kept alive, one core, load from the other."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import answers, engines, loads, processes, reviews
from bench.loads import Client
from bench.measures import Figure, Table, interleave, percentile
from bench.processes import Server
from injector.cli.throwaways import write_certificate

RATE = 200.0
"""Reviews a second of the open loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long each server is under load."""

    rounds: int = 5
    seconds: float = 2.0
    """Of each kind of load in each round."""
    warm_up: float = 1.0
    """Seconds before the first round."""
    reviews: int = 400
    """That differ."""


@dataclass(slots=True)
class Subject:
    """One server under load."""

    name: str
    server: Server
    client: Client
    latencies: list[float]
    """Of the open loop, in milliseconds, all rounds together."""
    closed: list[tuple[float, ...]]
    """Of each round of the closed loop: p50 and p99 in milliseconds, CPU of a review in ms, busy part of the core."""

    def press(self, seconds: float) -> float:
        """Return the reviews a second of the closed loop."""
        before = self.server.cpu
        tally = self.client.press(seconds)
        used, count = self.server.cpu - before, len(tally.latencies)
        slow = (percentile(tally.latencies, part) * 1000 for part in (0.5, 0.99))
        self.closed.append((*slow, used / count * 1000, used / tally.seconds))
        return count / tally.seconds

    def pace(self, seconds: float) -> float:
        """Return the 99th percentile of the open loop's latency in milliseconds."""
        latencies = [waited * 1000 for waited in self.client.pace(RATE, seconds).latencies]
        self.latencies += latencies
        return percentile(latencies, 0.99)


def measure(effort: Effort | None = None) -> tuple[Table, ...]:
    """Return the tables of the closed and of the open loop."""
    effort = effort or Effort()
    bodies = reviews.make_many(effort.reviews)
    with ExitStack() as stack:
        subjects = stack.enter_context(_subjects(bodies))
        for subject in subjects.values():
            subject.press(effort.warm_up)
            subject.closed.clear()
        rates = interleave(_measures(subjects, Subject.press, effort.seconds), effort.rounds)
        slow = interleave(_measures(subjects, Subject.pace, effort.seconds), effort.rounds)
        sizes = tuple(subject.server.resident for subject in subjects.values())
    return _closed_table(subjects, rates, sizes), _open_table(subjects, slow)


@contextmanager
def _subjects(bodies: tuple[bytes, ...]) -> Iterator[Mapping[str, Subject]]:
    """Start both servers on the first core, verify the real one, and move this process to the last core."""
    cores = os.sched_getaffinity(0)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pillion-bench-")))
        certificate, key = write_certificate(folder)
        real = stack.enter_context(real_server(folder, certificate, key, min(cores)))
        client = stack.enter_context(loads.connected(real.port, certificate, bodies))
        size = _verify(client, bodies)
        arguments = (str(certificate), str(key), str(size))
        null = stack.enter_context(processes.running("bench.nulls", arguments, folder / "null.log", min(cores)))
        idle = stack.enter_context(loads.connected(null.port, certificate, bodies))
        stack.callback(os.sched_setaffinity, 0, cores)
        os.sched_setaffinity(0, {max(cores)})
        yield {
            "null handler": Subject("null handler", null, idle, [], []),
            "Pillion": Subject("Pillion", real, client, [], []),
        }


@contextmanager
def real_server(folder: Path, certificate: Path, key: Path, core: int) -> Iterator[Server]:
    """Run ``pillion serve`` with the template that all designs are measured with."""
    (folder / "templates").mkdir()
    shutil.copy(engines.TEMPLATES / "agent.yaml", folder / "templates")
    flags = {
        "host": "localhost",
        "port": "0",
        "probe-host": "localhost",
        "probe-port": "0",
        "certificate": str(certificate),
        "key": str(key),
        "templates": str(folder / "templates"),
        "drain-seconds": "0",
    }
    arguments = ("serve", *(f"--{name}={value}" for name, value in flags.items()))
    with processes.running("injector", arguments, folder / "server.log", core) as server:
        yield server


def _verify(client: Client, bodies: tuple[bytes, ...]) -> int:
    """Check the server's answers and return the size of one."""
    size = 0
    for number, body in enumerate(bodies[:20]):
        answer = client.ask(number)
        answers.check_containers(body, answer, frozenset({"agent", "agent-init"}))
        size = len(answer)
    return size


def _measures(
    subjects: Mapping[str, Subject], load: Callable[[Subject, float], float], seconds: float
) -> dict[str, Callable[[], float]]:
    return {name: partial(load, subject, seconds) for name, subject in subjects.items()}


def _closed_table(subjects: Mapping[str, Subject], rates: Mapping[str, Figure], sizes: tuple[float, ...]) -> Table:
    null = rates["null handler"]
    rows = []
    for (name, subject), size in zip(subjects.items(), sizes, strict=True):
        p50, p99, cpu, busy = (Figure(values).median for values in zip(*subject.closed, strict=True))
        ratio = (rates[name] / null).median
        rows.append((
            name, round(rates[name].median), round(ratio, 2), f"{rates[name].spread:.0%}", round(p50, 2), round(p99, 2),
            round(cpu, 3), f"{busy:.0%}", round(size, 1),
        ))  # fmt: skip
    floor, real = (Figure(tuple(row[2] for row in subject.closed)) for subject in subjects.values())
    return Table(
        "servers",
        f"HTTPS kept alive, server on one core, closed loop of {loads.CONNECTIONS} connections",
        ("server", "reviews/s", "ratio", "spread", "p50 ms", "p99 ms", "CPU ms", "core busy", "RSS MiB"),
        tuple(rows),
        (
            f"By CPU of the server alone: {(floor / real).median:.2f} of the null handler.",
            "Target: at least 0.35 of the null handler.",
        ),
    )


def _open_table(subjects: Mapping[str, Subject], slow: Mapping[str, Figure]) -> Table:
    rows = tuple(
        (
            name,
            round(percentile(subject.latencies, 0.5), 2),
            round(percentile(subject.latencies, 0.99), 2),
            f"{slow[name].spread:.0%}",
            len(subject.latencies),
        )
        for name, subject in subjects.items()
    )
    return Table(
        "latency",
        f"HTTPS, open loop at {RATE:g} reviews a second, latency from the intended start",
        ("server", "p50 ms", "p99 ms", "spread of p99", "reviews"),
        rows,
        ("Target: p99 at most 5 ms.",),
    )

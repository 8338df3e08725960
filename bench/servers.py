"""Whole servers side by side: HTTPS, kept alive, the same reviews, rounds that take turns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench import cases, contenders, processes, subjects
from bench.contenders import KOPF, PILLION, RIVALS, TUTORIAL, USUAL, VAULT, Contender
from bench.measures import Figure, Table, interleave, percentile
from bench.subjects import NULL, Running, Subject

AIMS = {NULL: 0.5, VAULT.name: 2, USUAL.name: 6, KOPF.name: 15, TUTORIAL.name: 12}
"""How many times as many reviews a second as these, on one core."""
HANDOVER_AIM = 1.3
"""Likewise against our own server with waitress's hand-over to threads, on two cores."""
OPEN_CONNECTIONS = 16
PLOTTED = 200.0
"""The rate whose distribution of latencies is kept, and aimed at."""
REACH = 0.7
"""The part of its closed-loop rate at which a server can still be paced."""

CLOSED_COLUMNS = (
    "server", "connections", "reviews/s", "of null", "spread", "p50 ms", "p99 ms", "CPU ms", "cores busy", "RSS MiB",
    "errors",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long each server is under load."""

    rounds: int = 4
    seconds: float = 2.0
    """Of each kind of load in each round."""
    warm_up: float = 1.0
    """Seconds before the first round."""
    reviews: int = 200
    """That differ in more than their token."""
    connections: tuple[int, ...] = (8, 32)
    """Of the closed loop."""
    rates: tuple[float, ...] = (50.0, PLOTTED, 1000.0)
    """Reviews a second of the open loop."""
    rivals: tuple[Contender, ...] = RIVALS


@dataclass(frozen=True, slots=True)
class Speeds:
    """What the closed loop showed of each server, round by round."""

    rates: Mapping[str, Figure]
    """Reviews a second."""
    costs: Mapping[str, Figure]
    """CPU of a review in the server, in milliseconds: steadier than the rate where others use the machine, too."""


def measure(effort: Effort | None = None) -> Iterator[Table]:
    """Yield the tables: one core closed and open, all cases in turn, two cores."""
    effort = effort or Effort()
    cores = os.sched_getaffinity(0)
    first, last = frozenset({min(cores)}), frozenset({max(cores)})
    usual, mixed = cases.USUAL.make(effort.reviews), cases.mix(effort.reviews // len(list(cases.everything())) or 1)
    with subjects.running(first, effort.rivals) as pinned, processes.confined(last):
        with pinned.null_like(usual) as running:
            closed, speeds = _closed(running, usual, effort, effort.connections)
            yield Table(
                "servers",
                f"Server on one core, load from another, closed loop, {len(usual[0]):,} bytes",
                CLOSED_COLUMNS,
                closed,
                (*_ratios(speeds, AIMS), *_works(running), *running.absent),
            )
            yield _latency_table(running, usual, effort, speeds.rates)
        with pinned.null_like(mixed) as running:
            closed, speeds = _closed(running, mixed, effort, effort.connections[:1])
            yield Table(
                "mix",
                f"The same for {len(cases.TEMPLATES)} templates on {len(cases.SHAPES)} shapes of pod in turn",
                CLOSED_COLUMNS,
                closed,
                tuple(_ratios(speeds)),
            )
    with subjects.running(frozenset(cores), effort.rivals) as free, free.null_like(usual) as running:
        closed, speeds = _closed(running, usual, effort, effort.connections)
        yield Table(
            "unpinned",
            f"Server and load share {len(cores)} cores as they like, closed loop, {len(usual[0]):,} bytes",
            CLOSED_COLUMNS,
            closed,
            tuple(_ratios(speeds, {contenders.HANDOVERS.name: HANDOVER_AIM})),
        )


def _closed(
    running: Running, bodies: Sequence[bytes], effort: Effort, counts: Sequence[int]
) -> tuple[tuple[tuple[Any, ...], ...], Speeds]:
    """Return rows for each number of connections, and the speeds at the first."""
    rows: list[tuple[Any, ...]] = []
    found: list[Speeds] = []
    for connections in counts:
        with running.under_load(bodies, connections) as pressed:
            speeds = _press(pressed, effort)
        rows += (_closed_row(connections, name, subject, speeds) for name, subject in pressed.items())
        found.append(speeds)
    return tuple(rows), found[0]


def _press(pressed: Mapping[str, Subject], effort: Effort) -> Speeds:
    for subject in pressed.values():
        subject.press(effort.warm_up)
        subject.closed.clear()
    presses = {name: partial(subject.press, effort.seconds) for name, subject in pressed.items()}
    rates = interleave(presses, effort.rounds)
    costs = {name: Figure(tuple(cpu for _, _, cpu, _ in subject.closed)) for name, subject in pressed.items()}
    return Speeds(rates, costs)


def _closed_row(connections: int, name: str, subject: Subject, speeds: Speeds) -> tuple[Any, ...]:
    p50, p99, cpu, busy = (Figure(values).median for values in zip(*subject.closed, strict=True))
    rate = speeds.rates[name]
    return (
        name, connections, round(rate.median), round((rate / speeds.rates[NULL]).median, 3), f"{rate.spread:.0%}",
        round(p50, 2), round(p99, 2), round(cpu, 3), round(busy, 2), round(subject.server.resident, 1), subject.errors,
    )  # fmt: skip


def _latency_table(running: Running, bodies: Sequence[bytes], effort: Effort, rates: Mapping[str, Figure]) -> Table:
    rows: list[tuple[Any, ...]] = []
    series: dict[str, tuple[tuple[float, float], ...]] = {}
    for rate in effort.rates:
        with running.under_load(bodies, OPEN_CONNECTIONS) as paced:
            able = {name: subject for name, subject in paced.items() if rate <= REACH * rates[name].median}
            for subject in able.values():
                subject.pace(rate, min(effort.warm_up, 0.5))
                subject.latencies.clear()
            paces = {name: partial(subject.pace, rate, effort.seconds) for name, subject in able.items()}
            slow = interleave(paces, effort.rounds)
        rows += (_latency_row(name, rate, subject, slow[name]) for name, subject in able.items())
        if rate == PLOTTED:
            series = {name: _distribution(subject.latencies) for name, subject in able.items()}
    return Table(
        "latency",
        "Server on one core, open loop, latency from the intended start",
        ("server", "reviews/s", "p50 ms", "p99 ms", "spread of p99", "reviews", "errors"),
        tuple(rows),
        (
            f"A server that cannot keep {1 / REACH:.1f} times a rate up is not paced at it.",
            f"Aim at {PLOTTED:g} reviews/s: p99 at most 0.6 of the usual Go webhook's, at most that of vault-k8s.",
        ),
        series,
    )


def _latency_row(name: str, rate: float, subject: Subject, slow: Figure) -> tuple[Any, ...]:
    p50, p99 = (round(percentile(subject.latencies, part), 2) for part in (0.5, 0.99))
    return name, rate, p50, p99, f"{slow.spread:.0%}", len(subject.latencies), subject.errors


def _distribution(latencies: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Return latencies by percentile."""
    parts = (*range(1, 100), 99.5, 99.9)
    return tuple((float(part), round(percentile(latencies, part / 100), 3)) for part in parts)


def _ratios(speeds: Speeds, aims: Mapping[str, float] | None = None) -> Iterator[str]:
    """Yield how many times as many reviews a second we answer as each other, round by round, and for how much CPU."""
    ours = PILLION.name
    for name, rate in speeds.rates.items():
        aim = (aims or {}).get(name)
        if name != ours:
            ratio = (speeds.rates[ours] / rate).median
            thrift = (speeds.costs[name] / speeds.costs[ours]).median
            aimed = f" (aim: at least {aim:g})" if aim else ""
            yield f"{ours} : {name} = {ratio:.2f}{aimed}; by CPU of the servers alone {thrift:.2f}."


def _works(running: Running) -> Iterator[str]:
    """Yield what is not the same about the work of those who ran."""
    everyone = (PILLION, *RIVALS)
    yield from (f"{one.name}: {one.work}." for one in everyone if one.name in running.servers)

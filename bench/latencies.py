"""How long an answer takes at a given rate, counted from when its review should have been sent (open loop)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.contenders import PILLION, USUAL, VAULT
from bench.measures import Figure, Table, interleave, percentile
from bench.subjects import Running, Subject

PLOTTED = 200.0
"""The rate whose distribution of latencies is kept, and aimed at."""
AIMS = {USUAL.name: 0.6, VAULT.name: 1.0}
"""At most so many times the 99th percentile of these, at that rate."""
CONNECTIONS = 16
REACH = 0.7
"""The part of its closed-loop rate at which a server can still be paced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One table."""

    name: str
    title: str
    rates: tuple[float, ...]
    """Reviews a second."""
    rounds: int
    seconds: float
    """Of each rate in each round."""
    warm_up: float


def measure(plan: Plan, running: Running, bodies: Sequence[bytes], speeds: Mapping[str, Figure]) -> Table:
    """Pace each server at every rate that it can keep up, going by its speed in the closed loop."""
    rows: list[tuple[Any, ...]] = []
    notes = [f"A server that cannot keep {1 / REACH:.1f} times a rate up is not paced at it."]
    series: dict[str, tuple[tuple[float, float], ...]] = {}
    for rate in plan.rates:
        with running.under_load(bodies, CONNECTIONS) as subjects:
            able = {name: subject for name, subject in subjects.items() if rate <= REACH * speeds[name].median}
            slow = _pace(able, rate, plan)
        rows += (_row(name, rate, subject, slow[name]) for name, subject in able.items())
        if rate == PLOTTED:
            notes += _aims(slow)
            series = {name: _distribution(subject.latencies) for name, subject in able.items()}
    columns = ("server", "reviews/s", "p50 ms", "p99 ms", "spread of p99", "reviews", "errors")
    return Table(plan.name, plan.title, columns, tuple(rows), tuple(notes), series)


def _pace(able: Mapping[str, Subject], rate: float, plan: Plan) -> dict[str, Figure]:
    """Return the 99th percentiles in milliseconds, round by round."""
    for subject in able.values():
        subject.pace(rate, plan.warm_up)
        subject.latencies.clear()
    return interleave({name: partial(subject.pace, rate, plan.seconds) for name, subject in able.items()}, plan.rounds)


def _row(name: str, rate: float, subject: Subject, slow: Figure) -> tuple[Any, ...]:
    p50, p99 = (round(percentile(subject.latencies, part), 2) for part in (0.5, 0.99))
    return name, rate, p50, p99, f"{slow.spread:.0%}", len(subject.latencies), subject.errors


def _aims(slow: Mapping[str, Figure]) -> Iterator[str]:
    """Yield how our 99th percentile compares, round by round."""
    ours = PILLION.name
    for name, aim in AIMS.items():
        if {name, ours} <= slow.keys():
            ratio = (slow[ours] / slow[name]).median
            yield f"At {PLOTTED:g} reviews/s, p99, {ours} : {name} = {ratio:.2f} (aim: at most {aim:g})."


def _distribution(latencies: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Return latencies by percentile."""
    parts = (*range(1, 100), 99.5, 99.9)
    return tuple((float(part), round(percentile(latencies, part / 100), 3)) for part in parts)

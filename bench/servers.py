"""Whole servers side by side: HTTPS, kept alive, the same reviews, rounds that take turns."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench import cases, latencies, processes, subjects
from bench.contenders import HANDOVERS, KOPF, PILLION, RIVALS, TUTORIAL, USUAL, VAULT, Contender
from bench.latencies import PLOTTED, Plan
from bench.measures import Figure, Table, interleave
from bench.subjects import NULL, Running, Subject

AIMS = {NULL: 0.5, VAULT.name: 2, USUAL.name: 6, KOPF.name: 15, TUTORIAL.name: 12}
"""How many times as many reviews a second as these, on one core."""
HANDOVER_AIM = 1.3
"""Likewise against our own server with waitress's hand-over to threads, on two cores."""
CLOSED_COLUMNS = (
    "server", "connections", "reviews/s", "of null", "spread", "p50 ms", "p99 ms", "CPU ms", "cores busy", "RSS MiB",
    "answer, bytes", "errors",
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

    def plan(self, name: str, title: str, rates: tuple[float, ...]) -> Plan:
        """Return a plan for the open loop."""
        return Plan(
            name=name, title=title, rates=rates, rounds=self.rounds, seconds=self.seconds, warm_up=self.warm_up / 2
        )


@dataclass(frozen=True, slots=True)
class Speeds:
    """What the closed loop showed of each server, round by round."""

    rates: Mapping[str, Figure]
    """Reviews a second."""
    costs: Mapping[str, Figure]
    """CPU of a review in the server, in milliseconds: steadier than the rate where others use the machine, too."""


def measure(effort: Effort | None = None) -> Iterator[Table]:
    """Yield the tables: one core closed and open, all cases in turn, two cores closed and open."""
    effort = effort or Effort()
    yield from _on_one_core(effort)
    yield from _on_all_cores(effort)


def _on_one_core(effort: Effort) -> Iterator[Table]:
    cores = os.sched_getaffinity(0)
    first, last = frozenset({min(cores)}), frozenset({max(cores)})
    usual, mixed = cases.USUAL.make(effort.reviews), cases.mix(effort.reviews // len(list(cases.everything())) or 1)
    with subjects.running(first, effort.rivals) as pinned, processes.confined(last):
        with pinned.null_like(usual) as running:
            closed, speeds = _closed(running, usual, effort, effort.connections)
            title = f"Server on one core, load from another, closed loop, {len(usual[0]):,} bytes"
            notes = (*_ratios(speeds, AIMS), *_works(running), *running.absent)
            yield Table("servers", title, CLOSED_COLUMNS, closed, notes)
            plan = effort.plan("latency", "Server on one core, load from another, open loop", effort.rates)
            yield latencies.measure(plan, running, usual, speeds.rates)
        with pinned.null_like(mixed) as running:
            closed, speeds = _closed(running, mixed, effort, effort.connections[:1])
            title = f"The same for {len(cases.TEMPLATES)} templates on {len(cases.SHAPES)} shapes of pod in turn"
            yield Table("mix", title, CLOSED_COLUMNS, closed, tuple(_ratios(speeds)))


def _on_all_cores(effort: Effort) -> Iterator[Table]:
    cores, usual = frozenset(os.sched_getaffinity(0)), cases.USUAL.make(effort.reviews)
    sharing = f"Server and load share {len(cores)} cores as they like"
    with subjects.running(cores, effort.rivals) as free, free.null_like(usual) as running:
        closed, speeds = _closed(running, usual, effort, effort.connections)
        notes = tuple(_ratios(speeds, {HANDOVERS.name: HANDOVER_AIM}))
        yield Table("unpinned", f"{sharing}, closed loop, {len(usual[0]):,} bytes", CLOSED_COLUMNS, closed, notes)
        plan = effort.plan("unpinned latency", f"{sharing}, open loop", effort.rates[1:2])
        yield latencies.measure(plan, running, usual, speeds.rates)


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
        round(p50, 2), round(p99, 2), round(cpu, 3), round(busy, 2), round(subject.server.resident, 1), subject.size,
        subject.errors,
    )  # fmt: skip


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

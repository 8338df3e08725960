"""
How things are measured: in rounds that visit every subject once, in turn, so that whatever slows the machine hits all.

A figure is the median over the rounds, with its spread. Ratios are taken within one run and mean something; times
belong to the machine.
"""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bench import reviews

Answer = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Figure:
    """The values of one quantity over all rounds."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The value that is reported."""
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """How far the rounds lie apart, as a part of the median."""
        return (max(self.values) - min(self.values)) / self.median if self.median else 0.0

    def __truediv__(self, other: Figure) -> Figure:
        """Return the ratio round by round: both halves of each were measured at the same time."""
        return Figure(tuple(mine / theirs for mine, theirs in zip(self.values, other.values, strict=True)))


@dataclass(frozen=True, slots=True)
class Table:
    """One result: rows under columns, and sentences on what they mean."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    notes: tuple[str, ...] = ()
    series: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    """Points for a plot, under the name of each line."""

    def as_json(self) -> dict[str, Any]:
        """Return the table as plain data, a mapping a row."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows, "notes": list(self.notes), "series": dict(self.series)}

    def as_markdown(self) -> str:
        """Return the table as Markdown, its columns aligned."""
        lines = [self.columns, *([_text(cell) for cell in row] for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.columns))]
        ruled = [lines[0], ["-" * width for width in widths], *lines[1:]]
        aligned = (" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in ruled)
        return "\n".join(f"| {line} |" for line in aligned) + "\n"


def interleave(subjects: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Figure]:
    """Measure every subject once a round."""
    found: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, measure in subjects.items():
            found[name].append(measure())
    return {name: Figure(tuple(values)) for name, values in found.items()}


def cpu(answer: Answer, bodies: Sequence[bytes]) -> float:
    """
    Return the CPU time of the median review in microseconds, each with a token that it never had before.

    The median, because a system that takes the processor away lets the next review pay for its cold caches.
    """
    times = []
    for body in reviews.renew(bodies):
        begin = time.process_time_ns()
        answer(body)
        times.append(time.process_time_ns() - begin)
    return statistics.median(times) / 1000


def compare(subjects: Mapping[str, tuple[Answer, Sequence[bytes]]], rounds: int) -> dict[str, Figure]:
    """Return the CPU time per review of each subject on its reviews; each is warmed up before the first round."""
    for answer, bodies in subjects.values():
        cpu(answer, bodies[:10])
    settle_memory()
    return interleave({name: partial(cpu, *subject) for name, subject in subjects.items()}, rounds)


def settle_memory() -> None:
    """Spare the garbage collector what lives on, as the server does once it has started."""
    gc.collect()
    gc.freeze()


def percentile(values: Iterable[float], part: float) -> float:
    """Return the value below which so large a part of *values* lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def exponent(larger: float, dearer: float) -> float:
    """Return the power with which the cost grows, when what is so many times *larger* is so many times *dearer*."""
    return math.log(dearer) / math.log(larger)


def _text(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)

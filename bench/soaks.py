"""
``make soak``: very many reviews in one process, to see whether its memory grows.

    python -m bench.soaks 1000000

No two reviews are alike; small and usual pods and all templates take turns. Growth is that of a straight line through
the samples after the warm-up, so that neither a lucky first nor an unlucky last sample decides.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import builds, cases, contenders, loads, machines, processes
from bench.__main__ import draw, keep
from bench.contenders import Site
from bench.loads import Client
from bench.measures import Table
from bench.processes import Server
from injector.cli.throwaways import write_certificate

RESULTS = builds.ROOT / "build/soak.json"
WARM_UP = 0.2
"""The part of the reviews after which growth counts."""
SAMPLES = 10
"""The fewest of which a trend is taken, however fast the reviews are over."""
AIM = 0.05
"""The part by which memory may grow."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen after so many reviews."""

    reviews: int
    seconds: float
    resident: float
    """MiB."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through samples."""

    begin: float
    """MiB at its first sample."""
    end: float

    @property
    def growth(self) -> float:
        """As a part of the beginning."""
        return self.end / self.begin - 1


def find_trend(samples: Sequence[Sample]) -> Trend:
    """Return the line through the samples after the warm-up."""
    late = [sample for sample in samples if sample.reviews >= WARM_UP * samples[-1].reviews]
    slope, intercept = statistics.linear_regression(
        [sample.reviews for sample in late], [sample.resident for sample in late]
    )
    return Trend(slope * late[0].reviews + intercept, slope * late[-1].reviews + intercept)


def measure(count: int, seconds: float = 2.0) -> Table:
    """Put the real server under load for so many reviews, sampled at most every so many seconds."""
    cores = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory(prefix="pillion-bench-") as scratch:
        folder = Path(scratch)
        certificate, key = write_certificate(folder)
        site = Site(folder=folder, certificate=certificate, key=key, cores=frozenset({min(cores)}))
        bodies = cases.mix(4, ("small", "usual"))
        with (
            contenders.pillion(site) as server,
            processes.confined(frozenset({max(cores)})),
            loads.connected(server.ports.main, certificate, bodies) as client,
        ):
            samples, errors = _soak(server, client, count, seconds)
            proportional = server.proportional
    return _table(samples, errors, proportional)


def _soak(server: Server, client: Client, count: int, seconds: float) -> tuple[list[Sample], int]:
    begin, done, errors = time.monotonic(), 0, 0
    samples: list[Sample] = []
    while done < count or len(samples) < SAMPLES:
        tally = client.press(seconds)
        done += len(tally.latencies)
        errors += tally.errors
        samples.append(Sample(done, time.monotonic() - begin, server.resident))
        if len(samples) % 30 == 0:
            print(f"{done:,} reviews, {samples[-1].seconds:.0f} s, {samples[-1].resident:.1f} MiB", flush=True)
    return samples, errors


def _table(samples: list[Sample], errors: int, proportional: float) -> Table:
    trend, last = find_trend(samples), samples[-1]
    grown = f"{trend.begin:.2f} to {trend.end:.2f} MiB, {trend.growth:+.1%} (aim: less than {AIM:.0%})"
    tenths = samples[:: max(len(samples) // 10, 1)]
    rows = tuple((sample.reviews, round(sample.seconds), round(sample.resident, 2)) for sample in (*tenths, last))
    return Table(
        "soak",
        f"Memory over {last.reviews:,} reviews in {last.seconds / 60:.1f} minutes",
        ("reviews", "seconds", "RSS MiB"),
        rows,
        (
            f"After the first {WARM_UP:.0%}, by trend: {grown}.",
            f"{errors} errors; with its children the server takes {proportional:.1f} MiB (PSS).",
        ),
        {"RSS": tuple((float(sample.reviews), sample.resident) for sample in samples)},
    )


def main() -> None:
    """Read how many, soak, print, keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.soaks", description="See whether memory grows.")
    parser.add_argument("reviews", type=int)
    table = measure(parser.parse_args().reviews)
    print(f"\n## {table.title}\n", table.as_markdown(), *table.notes, sep="\n")
    keep(RESULTS, machines.describe(), {table.name: table})
    draw(RESULTS)


if __name__ == "__main__":
    main()

"""
Plots of what was measured, as SVG and PNG.

    python -m bench.plots build/bench.json docs/performance     in an environment with requirements/bench.txt
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axis import Axis
from matplotlib.figure import Figure

Tables = dict[str, Any]

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "pillion",  # the same figures make the same file
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.axisbelow": True,
}
OURS, COLOUR = "Pillion", "#0b6e8f"


def draw_throughput(tables: Tables) -> Figure:
    """Bars of reviews a second on one core, by server, with the fewest connections that were measured."""
    rows = tables["servers"]["rows"]
    rows = [row for row in rows if row["connections"] == rows[0]["connections"]]
    rows.sort(key=lambda row: row["reviews/s"])
    figure = Figure(figsize=(7, 0.4 * len(rows) + 1))
    axes = figure.subplots()
    colours = [_colour(row["server"]) for row in rows]
    bars = axes.barh([row["server"] for row in rows], [row["reviews/s"] for row in rows], color=colours)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set(xlabel="reviews a second over HTTPS, server on one core")
    return figure


def draw_latency(tables: Tables) -> Figure:
    """Lines of latency over the percentile, at one rate."""
    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    for name, points in tables["latency"]["series"].items():
        parts, latencies = zip(*points, strict=True)
        slowest = [1 / (1 - part / 100) for part in parts]
        if name == OURS:
            axes.plot(slowest, latencies, label=name, linewidth=2.5, color=COLOUR, zorder=3)
        else:
            axes.plot(slowest, latencies, label=name, linewidth=1.2)
    ticks = {50: 2, 90: 10, 99: 100, 99.9: 1000}
    axes.set(xscale="log", yscale="log", xlabel="percentile of reviews", ylabel="latency, ms")
    axes.set_xticks(list(ticks.values()), [f"{part:g} %" for part in ticks])
    axes.xaxis.set_minor_formatter("")
    _write_plainly(axes.yaxis)
    axes.legend(frameon=False)
    return figure


def draw_growth(tables: Tables) -> Figure:
    """A panel for each quantity: the cost of a review over its size."""
    series = {**tables.get("growth", {}).get("series", {}), **tables.get("idles", {}).get("series", {})}
    figure = Figure(figsize=(2.2 * len(series), 2.6), layout="constrained")
    panels = figure.subplots(1, len(series), squeeze=False, sharey=True)[0]
    for axes, (quantity, points) in zip(panels, series.items(), strict=True):
        sizes, costs = zip(*points, strict=True)
        axes.plot(sizes, costs, marker="o", color=COLOUR)
        axes.set(xscale="log", yscale="log", xlabel=quantity)
        _write_plainly(axes.xaxis)
    everything = [cost for points in series.values() for _, cost in points]
    panels[0].set(ylabel="CPU of a review, µs", ylim=_decades(everything))
    _write_plainly(panels[0].yaxis)
    return figure


def _colour(server: str) -> str:
    return COLOUR if server == OURS else "#8fb8c6" if server.startswith(OURS) else "#a9b1b7"


def _decades(values: list[float]) -> tuple[float, float]:
    """Return the powers of ten around the values."""
    return 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))


def _write_plainly(axis: Axis) -> None:
    """Write 1,000 rather than a power of ten."""
    axis.set_major_formatter("{x:,g}")
    axis.set_minor_formatter("")


def draw_soak(tables: Tables) -> Figure:
    """Memory over the number of reviews."""
    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    counts, sizes = zip(*tables["soak"]["series"]["RSS"], strict=True)
    axes.plot(counts, sizes, color=COLOUR)
    axes.set(xlabel="reviews", ylabel="RSS, MiB", ylim=(0, max(sizes) * 1.2))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    return figure


DRAWINGS: dict[str, tuple[str, Callable[[Tables], Figure]]] = {
    "throughput": ("servers", draw_throughput),
    "latency": ("latency", draw_latency),
    "growth": ("growth", draw_growth),
    "soak": ("soak", draw_soak),
}
"""By the plot's name: the table that it needs, and how to draw it."""


def draw(results: Path, folder: Path) -> list[Path]:
    """Draw all that these results allow and return the files."""
    tables: Tables = json.loads(results.read_text())["tables"]
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with mpl.rc_context(STYLE):
        for name, (needed, make) in DRAWINGS.items():
            if needed in tables:
                made += _save(make(tables), folder / name)
    return made


def _save(figure: Figure, path: Path) -> list[Path]:
    files = [path.with_suffix(suffix) for suffix in (".svg", ".png")]
    figure.savefig(files[0], bbox_inches="tight", metadata={"Date": None})
    figure.savefig(files[1], bbox_inches="tight", dpi=150)
    return files


def main() -> None:
    """Read the arguments, draw, and name the files."""
    parser = argparse.ArgumentParser(prog="python -m bench.plots")
    parser.add_argument("results", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    print(*draw(given.results, given.folder), sep="\n")


if __name__ == "__main__":
    main()

"""
Plots of what was measured, as SVG and PNG.

    python -m bench.plots build/bench.json docs/performance     in an environment with requirements/bench.txt
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Tables = dict[str, Any]

STYLE = {
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
OURS, OTHERS = "#0b6e8f", "#9aa5ad"


def draw_throughput(tables: Tables) -> Figure:
    """Bars of reviews a second on one core, by server."""
    rows = [
        row for row in tables["servers"]["rows"] if row["connections"] == tables["servers"]["rows"][0]["connections"]
    ]
    rows.sort(key=lambda row: row["reviews/s"])
    figure = Figure(figsize=(7, 0.4 * len(rows) + 1))
    axes = figure.subplots()
    colours = [OURS if row["server"].startswith("Pillion") else OTHERS for row in rows]
    bars = axes.barh([row["server"] for row in rows], [row["reviews/s"] for row in rows], color=colours)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set(xscale="log", xlabel="reviews a second on one core, HTTPS (logarithmic)")
    return figure


def draw_latency(tables: Tables) -> Figure:
    """Lines of latency over the percentile, at one rate."""
    figure = Figure(figsize=(7, 4))
    axes = figure.subplots()
    for name, points in tables["latency"]["series"].items():
        parts, latencies = zip(*points, strict=True)
        slowest = [1 / (1 - part / 100) for part in parts]
        axes.plot(slowest, latencies, label=name, linewidth=2.5 if name == "Pillion" else 1.2)
    ticks = {50: 2, 90: 10, 99: 100, 99.9: 1000}
    axes.set(xscale="log", yscale="log", xlabel="percentile of reviews", ylabel="latency, ms")
    axes.set_xticks(list(ticks.values()), [f"{part:g} %" for part in ticks])
    axes.legend(frameon=False)
    return figure


def draw_growth(tables: Tables) -> Figure:
    """A panel for each quantity: the cost of a review over its size."""
    series = {**tables.get("growth", {}).get("series", {}), **tables.get("idles", {}).get("series", {})}
    figure = Figure(figsize=(2.6 * len(series), 2.8))
    panels = figure.subplots(1, len(series), squeeze=False)[0]
    for axes, (quantity, points) in zip(panels, series.items(), strict=True):
        _draw_growth(axes, quantity, points)
    return figure


def _draw_growth(axes: Axes, quantity: str, points: list[tuple[float, float]]) -> None:
    sizes, costs = zip(*points, strict=True)
    axes.plot(sizes, costs, marker="o", color=OURS)
    axes.set(xscale="log", yscale="log", xlabel=quantity, ylabel="µs a review", ylim=(min(costs) / 2, max(costs) * 2))


def draw_soak(tables: Tables) -> Figure:
    """Memory over the number of reviews."""
    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    counts, sizes = zip(*tables["soak"]["series"]["RSS"], strict=True)
    axes.plot(counts, sizes, color=OURS)
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

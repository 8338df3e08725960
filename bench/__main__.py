"""
``make bench``: measure everything, print tables, keep them as JSON and plots under ``build``.

    python -m bench                          all parts, a quarter of an hour
    python -m bench --quick                  all parts, each for a moment: that they work, not how fast
    python -m bench pipelines servers        some of them
    python -m bench profile --order=cumulative
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import orjson

from bench import builds, contenders, footprints, growth, idles, machines, pipelines, profiles, servers
from bench.measures import Table

RESULTS = builds.ROOT / "build/bench.json"

Parts = Mapping[str, Callable[[], Iterable[Table]]]

WHOLE: Parts = {
    "pipelines": pipelines.measure,
    "growth": growth.measure,
    "idles": idles.measure,
    "footprints": footprints.measure,
    "servers": servers.measure,
}


def _quick() -> Parts:
    """Return the same parts with little effort, and with what is there already."""
    there = tuple(rival for rival in contenders.RIVALS if rival.is_made)
    moment = servers.Effort(rounds=1, seconds=0.5, warm_up=0.2, reviews=40, rivals=there)
    return {
        "pipelines": lambda: pipelines.measure(pipelines.Effort(rounds=1, reviews=8)),
        "growth": lambda: growth.measure(growth.Extent(rounds=1, reviews=4, stored=(1, 10, 100))),
        "idles": lambda: idles.measure(idles.Effort(rounds=1, seconds=0.3)),
        "footprints": lambda: footprints.measure(rounds=1),
        "servers": lambda: servers.measure(moment),
    }


def main() -> None:
    """Read the arguments and do as they say."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers under load end, too
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure speed and size.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(WHOLE)}, or profile; default: all parts")
    parser.add_argument("--quick", action="store_true", help="try every part for a moment")
    parser.add_argument("--order", choices=("tottime", "cumulative"), default="tottime", help="of the profile")
    parser.add_argument("--lines", type=int, default=40, help="of the profile")
    given = parser.parse_args()
    unknown = sorted({*given.parts} - {*WHOLE, "profile"})
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(WHOLE)} and profile")
    if "profile" in given.parts:
        profiles.show(given.order, given.lines)
    parts = _quick() if given.quick else WHOLE
    chosen = {name: part for name, part in parts.items() if name in given.parts or not given.parts}
    if chosen:
        _report(chosen)


def _report(parts: Parts) -> None:
    begin, machine = time.monotonic(), machines.describe()
    print(*(f"{name}: {text}" for name, text in machine.items()), sep="\n")
    tables: dict[str, Table] = {}
    for part in parts.values():
        for table in part():
            tables[table.name] = table
            after = f"(after {time.monotonic() - begin:.0f} s)"
            print(f"\n## {table.title} {after}\n", table.as_markdown(), *table.notes, sep="\n", flush=True)
            keep(RESULTS, machine, tables)  # each as soon as it is there
    draw(RESULTS)


def keep(results: Path, machine: Mapping[str, str], tables: Mapping[str, Table]) -> None:
    """Write what was found as JSON."""
    results.parent.mkdir(exist_ok=True)
    found = {"machine": machine, "tables": {name: table.as_json() for name, table in tables.items()}}
    results.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


def draw(results: Path) -> None:
    """Draw the plots beside the results, if what draws them was installed for the servers' part."""
    if not builds.is_made(builds.LIBRARIES):
        print("\nNo plots: requirements/bench.txt, which they need, is installed by the whole of `make bench`.")
        return
    subprocess.run([builds.python(), "-m", "bench.plots", results, results.parent], cwd=builds.ROOT, check=True)


if __name__ == "__main__":
    main()

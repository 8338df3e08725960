"""
``make bench``: measure everything, print tables, keep them as JSON.

    python -m bench                          all parts, under five minutes
    python -m bench pipelines servers        some of them
    python -m bench profile --order=cumulative
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import orjson

from bench import footprints, growth, machines, pipelines, profiles, servers
from bench.measures import Table

RESULTS = Path(__file__).parents[1] / "build/bench.json"

PARTS: dict[str, Callable[[], tuple[Table, ...]]] = {
    "pipelines": lambda: (pipelines.measure(),),
    "growth": lambda: (growth.measure(),),
    "servers": servers.measure,
    "footprints": lambda: (footprints.measure(),),
}


def main() -> None:
    """Read the arguments and do as they say."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure speed and size.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}, or profile; default: all parts")
    parser.add_argument("--order", choices=("tottime", "cumulative"), default="tottime", help="of the profile")
    parser.add_argument("--lines", type=int, default=40, help="of the profile")
    given = parser.parse_args()
    unknown = sorted({*given.parts} - {*PARTS, "profile"})
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)} and profile")
    if "profile" in given.parts:
        profiles.show(given.order, given.lines)
    parts = [name for name in PARTS if name in given.parts or not given.parts]
    if parts:
        _report(parts)


def _report(parts: list[str]) -> None:
    machine = machines.describe()
    print(*(f"{name}: {text}" for name, text in machine.items()), sep="\n")
    tables = []
    for name in parts:
        for table in PARTS[name]():
            tables.append(table)
            print(f"\n## {table.title}\n", _markdown(table), *table.notes, sep="\n", flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    found = {"machine": machine, "tables": {table.name: table.as_json() for table in tables}}
    RESULTS.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


def _markdown(table: Table) -> str:
    """Return the table as Markdown, its columns aligned."""
    lines = [table.columns, *([_text(cell) for cell in row] for row in table.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.columns))]
    ruled = [lines[0], ["-" * width for width in widths], *lines[1:]]
    aligned = (" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in ruled)
    return "\n".join(f"| {line} |" for line in aligned) + "\n"


def _text(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


if __name__ == "__main__":
    main()

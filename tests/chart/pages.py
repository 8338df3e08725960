"""The table of values in the chart's README, made from the comments of ``values.yaml``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "helm" / "pillion"
HEAD = "| value | default | meaning |\n|---|---|---|\n"

_COMMENT = re.compile(r"( *)# -- (.+)")
_KEY = re.compile(r"( *)([A-Za-z]\w*):")
_PART = re.compile(r"# == (.+) ==")


@dataclass(frozen=True)
class Value:
    """One row."""

    part: str
    path: str
    default: Any
    meaning: str

    def __str__(self) -> str:
        meaning = self.meaning.replace("|", "\\|")
        return f"| `{self.path}` | `{json.dumps(self.default, ensure_ascii=False)}` | {meaning} |"


def values(text: str) -> Iterator[Value]:
    """Yield every value that has a comment, in the order of the file."""
    defaults = yaml.safe_load(text)
    part, meaning, path = "", "", []
    for line in text.splitlines():
        if found := _PART.match(line):
            part = found[1]
        elif found := _COMMENT.match(line):
            meaning = found[2]
        elif found := _KEY.match(line):
            path = [*path[: len(found[1]) // 2], found[2]]
            if meaning:
                yield Value(part, ".".join(path), _find(defaults, path), meaning)
            meaning = ""


def tables(text: str) -> str:
    """Return a table for each part, under its heading."""
    rows = list(values(text))
    parts = dict.fromkeys(row.part for row in rows)
    return "\n".join(
        f"### {part}\n\n{HEAD}" + "".join(f"{row}\n" for row in rows if row.part == part) for part in parts
    )


def leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the paths of all values that are no mapping, or an empty one."""
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def _find(tree: Any, path: list[str]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def write() -> None:
    """Write the tables of the README anew."""
    readme = CHART / "README.md"
    prose = readme.read_text().partition("\n### ")[0]
    readme.write_text(f"{prose}\n{tables((CHART / 'values.yaml').read_text())}")


if __name__ == "__main__":
    write()

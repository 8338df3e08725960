"""The pages that people read, taken apart: blocks of code, rows of tables, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "templates/README.md", *(
    sorted(str(file.relative_to(ROOT)) for file in (ROOT / "docs").rglob("*.md"))
))  # fmt: skip
"""Everything with a promise in it, from the root of the repository."""

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Block:
    """One block of code."""

    page: str
    line: int
    """Of its first line of text, from 1."""
    language: str
    file: str
    """The name under which readers save it; empty: none is told."""
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def read(page: str) -> str:
    return (ROOT / page).read_text()


def blocks(page: str, *languages: str) -> list[Block]:
    """The blocks of a page in their order, all or those of some languages."""
    return [block for block in _blocks(page) if not languages or block.language in languages]


def _blocks(page: str) -> Iterator[Block]:
    text = read(page)
    for fence in _FENCE.finditer(text):
        language, _, rest = fence["info"].partition(" ")
        line = text.count("\n", 0, fence.start("text")) + 1
        yield Block(page, line, language, rest.removeprefix("file="), fence["text"])


def table(page: str, *head: str) -> list[list[str]]:
    """The rows of all tables with these columns, a bar in a cell without its backslash."""
    lines = read(page).splitlines()
    rows: list[list[str]] = []
    for number, line in enumerate(lines):
        if cells(line) == list(head):
            for row in lines[number + 2 :]:
                if not row.startswith("|"):
                    break
                rows.append(cells(row))
    assert rows, f"{page} has no table with the columns {', '.join(head)}"
    return rows


def cells(line: str) -> list[str]:
    return [cell.strip().replace(r"\|", "|") for cell in _CELL.split(line)[1:-1]]


def words(text: str) -> list[str]:
    """What stands in back quotes."""
    return re.findall(r"`([^`\n]+)`", text)


def section(page: str, title: str) -> str:
    """The text below one heading, up to the next one."""
    _, found, rest = read(page).partition(f"# {title}\n")
    assert found, f"{page} has no section {title!r}"
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]

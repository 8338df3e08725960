"""
A template's source before Jinja reads it: the rule for white space, and shell text that only looks like a comment.

A line of nothing but block tags vanishes with its line break, whatever ``-`` marks it carries; a tag inside a line
leaves white space alone. Lines keep their numbers, so that errors can name them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from injector.core import limits
from injector.core.bound import COMMENT_CLOSE, COMMENT_OPEN, RESERVED
from injector.core.errors import LimitExceeded, Place, TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator

_INSIDE = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^"'])*?"""


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of Jinja's tags: for ``[[ ]]`` blocks are ``[% %]`` and comments ``[# #]``."""

    expression: tuple[str, str]
    block: tuple[str, str]
    comment: tuple[str, str]


@lru_cache(maxsize=64)
def marks(delimiters: tuple[str, str]) -> Marks:
    """Return all marks that go with the marks of expressions."""
    first, last = delimiters[0][0], delimiters[1][-1]
    return Marks(delimiters, (f"{first}%", f"%{last}"), (f"{first}#", f"#{last}"))


def prepare(source: str, delimiters: tuple[str, str], key: str) -> str:
    """Return the text for Jinja; raises TemplateError for reserved characters and LimitExceeded for the size."""
    if found := RESERVED.search(source):
        problem = f"the character {found[0]!r} is reserved for bound values"
        raise TemplateError(problem, place_of(source, found.start(), key))
    if len(source.encode()) > limits.SOURCE_BYTES:
        raise LimitExceeded(f"the text has more than {limits.SOURCE_BYTES} bytes", Place(key=key))
    return "".join(_prepare_lines(source, marks(delimiters), key))


def place_of(source: str, position: int, key: str) -> Place:
    """Return the place of a position in a text."""
    start = source.rfind("\n", 0, position) + 1
    end = source.find("\n", position)
    line = source[start : end if end >= 0 else len(source)]
    return Place(key=key, line=source.count("\n", 0, position) + 1, column=position - start + 1, source=line)


def tags(source: str, delimiters: tuple[str, str]) -> Iterator[str]:
    """Yield the text of each block tag and expression, without its marks."""
    for tag in _pattern(marks(delimiters)).finditer(source):
        if tag.lastgroup in ("block", "expression"):
            yield tag[tag.lastgroup].strip("-+ \t\n")


def _prepare_lines(source: str, tags: Marks, key: str) -> Iterator[str]:
    """Yield the source piece by piece; what lies between line breaks outside of tags is one line."""
    line: list[re.Match[str] | str] = []
    position = 0
    for tag in _pattern(tags).finditer(source):
        if tag.lastgroup == "unclosed":
            break  # what follows is for Jinja to complain about
        if tag.lastgroup == "open":
            raise TemplateError(
                "a comment is never closed: end it with " + repr(tags.comment[1]), place_of(source, tag.start(), key)
            )
        *whole, rest = source[position : tag.start()].split("\n")
        for text in whole:
            yield _line([*line, text], tags) + "\n"
            line = []
        line += [rest, tag]
        position = tag.end()
    *whole, rest = source[position:].split("\n")
    for text in whole:
        yield _line([*line, text], tags) + "\n"
        line = []
    yield _line([*line, rest], tags)


def _line(items: list[re.Match[str] | str], tags: Marks) -> str:
    texts = [item for item in items if isinstance(item, str)]
    found = [item for item in items if not isinstance(item, str)]
    is_only_tags = found and all(tag.lastgroup in ("block", "comment") for tag in found) and not "".join(texts).strip()
    if is_only_tags:
        return "".join(_tag(tag, tags, mark="") for tag in found)
    return "".join(item if isinstance(item, str) else _tag(item, tags, mark="+") for item in items)


def _tag(tag: re.Match[str], tags: Marks, *, mark: str) -> str:
    """Return a tag for Jinja's ``trim_blocks`` and ``lstrip_blocks``, which *mark* ``+`` switches off."""
    match tag.lastgroup:
        case "block":
            inner = tag["block"]
            before = inner[0] if inner[0] in "-+" else ""
            after = inner[-1] if len(inner) > 1 and inner[-1] in "-+" else ""
            body = inner[len(before) : len(inner) - len(after)]
            before, after = ("", "") if mark == "" else (before or mark, after or mark)
            return f"{tags.block[0]}{before}{body}{after}{tags.block[1]}"
        case "comment":
            return f"{COMMENT_OPEN}{tag['comment'].strip('-+')}{COMMENT_CLOSE}"
        case _:
            return tag[0]


@lru_cache(maxsize=64)
def _pattern(tags: Marks) -> re.Pattern[str]:
    """
    Match raw blocks, block tags, expressions and comments; ``${#`` is shell text, not a comment.

    A tag that is never closed is a match, too, so that the search for its end happens once and not for every tag.
    """
    (block, end_block), (expression, end_expression), (comment, end_comment) = (
        tuple(map(re.escape, pair)) for pair in (tags.block, tags.expression, tags.comment)
    )
    raw = rf"{block}[-+]?\s*raw\s*[-+]?{end_block}"
    return re.compile(
        rf"(?P<raw>{raw}.*?{block}[-+]?\s*endraw\s*[-+]?{end_block})"
        rf"|(?!{raw}){block}(?P<block>{_INSIDE}){end_block}"
        rf"|{expression}(?P<expression>{_INSIDE}){end_expression}"
        rf"|(?<!\$){comment}(?P<comment>.*?){end_comment}"
        rf"|(?P<open>(?<!\$){comment})"
        rf"|(?P<unclosed>{block}|{expression})",
        re.DOTALL,
    )

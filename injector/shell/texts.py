"""
Texts in YAML or JSON to Kubernetes objects and back. No files: those are in ``manifests``.

Read as ``kubectl`` reads: the booleans and numbers of ``core/scalars.py``, anchors and merge keys; but a duplicate
key is an error in JSON, too. What cannot be read is a ManifestError with its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import yaml

from injector.core import scalars
from injector.core.model import JSON, Object
from injector.shell.builders import DEPTH, Builder, Root
from injector.shell.errors import ManifestError

SIZE = 10 << 20
"""Bytes of one text."""

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HALF = re.compile("[\ud800-\udfff]")
_JSON_SPACE = re.compile(r"[ \t\n\r]*")
_LONGEST_NUMBER = 40
_LONGEST_LINE = 200
_INFINITIES = (float("inf"), float("-inf"))
_NEVER_FOLD = 1 << 30  # columns


def load(content: bytes, source: str) -> list[Root]:
    """Return the documents of a text, empty ones left out; *source* names it in a ManifestError."""
    text = _decode(content, source)
    if source.endswith(".json"):
        return list(_load_json(text, source))
    if text.lstrip()[:1] == "{":
        try:
            return list(_load_json(text, source))
        except ManifestError:
            pass  # a flow mapping of YAML, or broken in a way that YAML's reader can tell as well
    return list(_load_yaml(text, source))


def dump(objects: Iterable[Object]) -> str:
    """Return *objects* as YAML documents that read back the same: keys in their order, long texts as blocks."""
    return "---\n".join(
        yaml.dump(item, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_NEVER_FOLD) for item in objects
    )


def error_at(text: str, offset: int, problem: str, source: str) -> ManifestError:
    """Return the error for a place in a text."""
    line = text.count("\n", 0, offset) + 1
    return _error_on(text, line, offset - text.rfind("\n", 0, offset), problem, source)


def _error_on(text: str, line: int, column: int, problem: str, source: str) -> ManifestError:
    return ManifestError(problem, source=source, line=line, column=column, text=_line_to_show(text, line))


def _line_to_show(text: str, line: int) -> str:
    """Return that line with a blank for each unprintable character; empty if it is too long to be of help."""
    lines = text.split("\n", line)
    found = lines[line - 1].rstrip() if 0 < line <= len(lines) else ""
    return "" if len(found) > _LONGEST_LINE else _UNPRINTABLE.sub(" ", found.replace("\t", " "))


def _decode(content: bytes, source: str) -> str:
    if len(content) > SIZE:
        raise ManifestError(f"it is larger than {SIZE >> 20} MiB", source=source)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        problem = f"the byte 0x{content[error.start]:02x} is no UTF-8; this is a binary file or another encoding"
        raise error_at(before, len(before), problem, source) from error
    found = _UNPRINTABLE.search(text)
    if found:
        problem = f"the character {found[0]!r} may not stand in YAML or JSON; this may be a binary file"
        raise error_at(text, found.start(), problem, source)
    return text


def _load_yaml(text: str, source: str) -> Iterator[Root]:
    builder = Builder()
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            yield from builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise _error_on(text, line, column, _say(error, text), source) from error


def _say(error: yaml.MarkedYAMLError, text: str) -> str:
    said = ", ".join(part for part in (error.context, error.problem) if part)
    if "cannot start any token" not in said or error.problem_mark is None:
        return said
    culprit = text.split("\n")[error.problem_mark.line][error.problem_mark.column]
    if culprit == "\t":
        return "a tab cannot indent YAML; use spaces"
    return f"nothing in YAML begins with {culprit!r}; put it in quotes"


class _Dumper(yaml.CSafeDumper):
    """Quotes what our own reading would take for something else, and writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the signature is PyYAML's
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.Node:
    style = None
    if "\n" in text:
        style = "|"
    elif not isinstance(scalars.resolve(text), str) or text.lower().lstrip("+-") in (".inf", ".nan"):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _load_json(text: str, source: str) -> Iterator[Root]:
    decoder = json.JSONDecoder(
        object_pairs_hook=_pairs, parse_int=_number, parse_float=_number, parse_constant=_refuse_constant
    )
    offset = _skip_space(text, 0)
    while offset < len(text):
        begin = offset
        try:
            value, offset = decoder.raw_decode(text, begin)
        except json.JSONDecodeError as error:
            raise error_at(text, error.pos, f"this is no JSON: {error.msg}", source) from error
        except RecursionError as error:
            raise error_at(text, begin, f"it is nested more than {DEPTH} deep", source) from error
        except ValueError as error:
            raise error_at(text, begin, str(error), source) from error
        problem = _check_json(value)
        if problem:
            raise error_at(text, begin, problem, source)
        if value is not None:
            yield Root(text.count("\n", 0, begin) + 1, value)
        offset = _skip_space(text, offset)


def _skip_space(text: str, offset: int) -> int:
    found = _JSON_SPACE.match(text, offset)
    return found.end() if found else offset


def _pairs(pairs: list[tuple[str, JSON]]) -> Object:
    built = dict(pairs)
    if len(built) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return built


def _number(text: str) -> int | float:
    if text.lstrip("-").isdigit() and len(text) <= _LONGEST_NUMBER and -(2**63) <= int(text) < 2**64:
        return int(text)
    number = float(text)
    if number in _INFINITIES:
        raise ValueError(f"the number {text[:_LONGEST_NUMBER]} is too large")
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _check_json(value: JSON) -> str:
    """Return what is wrong with a value that JSON's grammar allows: nesting, halves of characters."""
    level: list[JSON] = [value]
    for _ in range(DEPTH + 1):
        texts = [item for item in level if isinstance(item, str)]
        texts += [key for item in level if isinstance(item, dict) for key in item]
        if any(_HALF.search(text) for text in texts):
            return "it has an escape for half a character, such as '\\ud83d' alone"
        level = [inner for item in level if isinstance(item, dict | list) for inner in _inside(item)]
        if not level:
            return ""
    return f"it is nested more than {DEPTH} deep"


def _inside(item: Object | list[JSON]) -> Iterable[JSON]:
    return item.values() if isinstance(item, dict) else item

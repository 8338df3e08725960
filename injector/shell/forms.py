"""
How a setting is written: from text to a value and back, and how to say what is expected. No environment, no flags.

Each form's ``parse`` raises ValueError where the text is not of the form; ``show`` gives the text that ``parse`` reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

_DNS_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*\Z")
_VERSION = re.compile(r"v?([1-9][0-9]{0,2})\.([0-9]{1,3})(?:[.+-][\w.+-]*)?\Z")
_UNITS = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20}
_SIZE = re.compile(r"([0-9]{1,12})(Ki|Mi|)\Z")


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a value."""

    expected: str
    """Completes the sentence "expected …"."""
    metavar: str
    """Stands for the value in ``--help``."""
    parse: Callable[[str], Any]
    show: Callable[[Any], str] = str


def whole(low: int, high: int, unit: str) -> Form:
    """A whole number of so many."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    return Form(f"a whole number of {unit} from {low} to {high}", "NUMBER", parse)


def seconds(low: float, high: float) -> Form:
    """A number of seconds, with or without a fraction."""

    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or not low <= float(text) <= high:
            raise ValueError(text)
        return float(text)

    return Form(f"a number of seconds from {low:g} to {high:g}", "SECONDS", parse, lambda value: f"{value:g}")


def choice(*words: str) -> Form:
    """One of a few words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return Form(" or ".join(repr(word) for word in words), "|".join(words), parse)


def _parse_port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise ValueError(text)
    return int(text)


def _parse_path(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError(text)
    return Path(text)


def _parse_optional_path(text: str) -> Path | None:
    return _parse_path(text) if text else None


def _parse_name(text: str) -> str:
    if not _DNS_NAME.match(text):
        raise ValueError(text)
    return text


def _parse_names(text: str) -> frozenset[str]:
    return frozenset(_parse_name(word.strip()) for word in text.split(",") if word.strip())


def _parse_words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())


def _show_set(names: frozenset[str]) -> str:
    return ",".join(sorted(names))


def _parse_size(text: str) -> int:
    match = _SIZE.match(text)
    size = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 1 << 10 <= size <= 64 << 20:
        raise ValueError(text)
    return size


def _show_size(size: int) -> str:
    unit = next(unit for unit in ("Mi", "Ki", "") if size % _UNITS[unit] == 0)
    return f"{size // _UNITS[unit]}{unit}"


def _parse_version(text: str) -> tuple[int, int]:
    match = _VERSION.match(text)
    if not match:
        raise ValueError(text)
    return int(match[1]), int(match[2])


def _show_version(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _parse_parameters(text: str) -> Mapping[str, Mapping[str, Any]]:
    found = orjson.loads(text)
    if not isinstance(found, dict) or not all(isinstance(values, dict) for values in found.values()):
        raise ValueError(text)
    return found


def _show_parameters(parameters: Mapping[str, Mapping[str, Any]]) -> str:
    return orjson.dumps({name: dict(values) for name, values in parameters.items()}).decode()


ADDRESS = Form("an address or host name, or nothing for all addresses", "ADDRESS", str)
PORT = Form("a port from 0 to 65535, 0 for any that is free", "PORT", _parse_port)
PATH = Form("a path", "PATH", _parse_path)
OPTIONAL_PATH = Form("a path, or nothing", "PATH", _parse_optional_path, lambda path: str(path or ""))
NAME = Form("a name of lower-case letters, digits, '-' and '.'", "NAME", _parse_name)
NAMES = Form("names of lower-case letters, digits, '-' and '.', separated by commas", "NAMES", _parse_names, _show_set)
WORDS = Form("names separated by commas", "NAMES", _parse_words, _show_set)
SIZE = Form("a number of bytes from 1Ki to 64Mi, such as 8Mi", "BYTES", _parse_size, _show_size)
VERSION = Form("a version of Kubernetes such as 1.29", "VERSION", _parse_version, _show_version)
PARAMETERS = Form('JSON such as {"log-shipper": {"level": "debug"}}', "JSON", _parse_parameters, _show_parameters)

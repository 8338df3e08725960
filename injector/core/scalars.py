"""
Plain scalars: what a literal means, and how a value is written as text.

Literals resolve as ``kubectl`` resolves them (sigs.k8s.io/yaml on go-yaml v2): the booleans and octal numbers of
YAML 1.1, but neither dates nor base-60 numbers nor ``=``.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from injector.core.model import JSON

_WORDS: dict[str, JSON] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_DIGITS = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_LONGEST = 70
"""Characters of an integer of 64 bits: ``-0b`` and its bits are the longest."""

SMALLEST, LARGEST = -(2**63), 2**64 - 1
"""Integers that JSON can carry to Kubernetes."""


def resolve(literal: str) -> JSON:
    """Return what a plain literal means: null, a boolean, a number or itself. As JSON, ``1e3`` is ``1000``."""
    if literal in _WORDS:
        return _WORDS[literal]
    if literal[0] not in "-+.0123456789":
        return literal
    written = literal if literal[0] == "." else literal.replace("_", "")
    if len(written) <= _LONGEST and _DIGITS.match(written):
        whole = _integer(written.lower())
        if SMALLEST <= whole <= LARGEST:
            return whole
    if _NUMBER.match(written) and math.isfinite(number := float(written)):
        return int(number) if number.is_integer() and SMALLEST <= number <= LARGEST else number
    return literal


def _integer(written: str) -> int:
    digits = written.lstrip("-+")
    number = int(digits, 8) if digits.isdigit() and digits[0] == "0" else int(digits, 0)
    return -number if written[0] == "-" else number


def as_text(value: JSON) -> str:
    """Return a scalar as YAML writes it: ``true``, ``null``, ``8080``, ``128.0``."""
    match value:
        case True:
            return "true"
        case False:
            return "false"
        case None:
            return "null"
        case _:
            return str(value)


def as_yaml(value: JSON) -> str:
    """Return any value as YAML text in block style, without a final line break; a string in quotes if it needs them."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)
    return text.removesuffix("...\n").rstrip("\n")


class _Dumper(yaml.CSafeDumper):
    """Writes strings that would read back as something else in quotes, by our own reading."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Return a string in the style that it needs: of several lines as a block, of another meaning in quotes."""
        style = "|" if "\n" in text else None if isinstance(resolve(text), str) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)

"""
Plain scalars: what a literal means, and how a value is written as text.

Literals resolve as ``kubectl`` resolves them (sigs.k8s.io/yaml on go-yaml v2): the booleans and octal numbers of
YAML 1.1, but neither dates nor base-60 numbers nor ``=``.
"""

from __future__ import annotations

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
_INTEGER = re.compile(
    r"[-+]?(?:0[xX]_*[0-9a-fA-F][0-9a-fA-F_]*|0[oO]_*[0-7][0-7_]*|0[bB]_*[01][01_]*|0[0-7_]*|[1-9][0-9_]*)\Z"
)
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_LARGEST = 2**64


def resolve(literal: str) -> JSON:
    """Return what a plain literal means: null, a boolean, a number or itself."""
    if literal in _WORDS:
        return _WORDS[literal]
    if not (literal[0] in "-+." or "0" <= literal[0] <= "9") or len(literal) > 40:
        return literal
    if _INTEGER.match(literal):
        return _integer(literal)
    if _FLOAT.match(literal):
        number = float(literal)
        return number if abs(number) != float("inf") else literal
    return literal


def _integer(literal: str) -> JSON:
    digits = literal.replace("_", "").lower()
    sign, digits = (digits[0], digits[1:]) if digits[0] in "-+" else ("", digits)
    is_old_octal = len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567"
    number = int(digits, 8) if is_old_octal else int(digits or "0", 0)
    number = -number if sign == "-" else number
    return number if -_LARGEST // 2 <= number < _LARGEST else float(literal.replace("_", ""))


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
    """Return any value as YAML text in block style, without a final line break."""
    if not isinstance(value, dict | list):
        return as_text(value)
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)
    return text.rstrip("\n")


class _Dumper(yaml.CSafeDumper):
    """Writes strings that would read back as something else in quotes, by our own reading."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True

"""Regular expressions in linear time: RE2 on short texts, with the messages of a template author."""

from __future__ import annotations

from typing import Any

import re2

from injector.core import limits
from injector.core.errors import LimitExceeded, RenderError

_OPTIONS = re2.Options()
_OPTIONS.max_mem = 1 << 20
_OPTIONS.log_errors = False


def replace(text: str, pattern: str, replacement: str) -> str:
    r"""Replace every match of a pattern; ``\1`` stands for a group."""
    _check("what replaces a match", replacement, limits.PATTERN)
    try:
        return str(_compiled(pattern, text).sub(replacement, text))
    except (re2.error, IndexError) as error:
        raise RenderError(f"{replacement!r} is no replacement for {pattern!r}: {_reason(error)}") from error


def search(text: str, pattern: str) -> bool:
    """Whether a pattern matches anywhere."""
    return bool(_compiled(pattern, text).search(text))


def match(text: str, pattern: str) -> bool:
    """Whether a pattern matches at the start."""
    return bool(_compiled(pattern, text).match(text))


def _compiled(pattern: str, text: str) -> Any:
    _check("a text that meets a regular expression", text, limits.MATCHED)
    _check("a regular expression", pattern, limits.PATTERN)
    try:
        compiled = re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        raise RenderError(f"{pattern!r} is no regular expression of RE2: {_reason(error)}") from error
    if compiled.programsize * len(text) > limits.COMPARISONS:
        raise LimitExceeded(f"the regular expression {pattern!r} is too complex for {len(text)} characters")
    return compiled


def _check(what: str, text: Any, limit: int) -> None:
    if not isinstance(text, str):
        raise RenderError(f"{what} must be a text, got {text!r}")
    if len(text) > limit:
        raise LimitExceeded(f"{what} has more than {limit} characters")


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)

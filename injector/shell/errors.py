"""
What can go wrong at the edges: files, addresses, settings. The errors of the decisions are in ``core/errors.py``.

    PillionError
    └── ShellError
        ├── CertificateError   a certificate or key that cannot serve
        ├── ClusterError       an API server that does not answer, or refuses
        ├── ListenError        an address or port that cannot be listened on
        ├── ManifestError      a file or text that holds no Kubernetes objects, with the place
        ├── StoreError         a place that templates cannot be read from
        └── SettingsError      a flag or variable that is unknown or has a wrong value

    OurFault
    └── UnknownNamespace       a namespace that a cluster has not told of yet; may be waited for

Each ShellError ends a start with one line on stderr, never with a traceback; in a running server it is logged and the
last good state stays.
"""

from __future__ import annotations

from collections.abc import Callable

from injector.core.errors import OurFault, PillionError


class ShellError(PillionError):
    """The base of all errors of the outside world."""


class CertificateError(ShellError):
    """A certificate, its key or the authority for clients cannot be used; the sentence names the file and the fix."""


class ClusterError(ShellError):
    """A request to an API server had no success."""

    def __init__(self, status: int, reason: str, message: str, *, retry_after: float = 0.0) -> None:
        """The HTTP status, 0 for no answer; the API server's reason in one word; seconds it asks to wait."""
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class ListenError(ShellError):
    """An address cannot be listened on; the sentence names it and the fix."""


class SettingsError(ShellError):
    """A setting cannot be used; the sentence names the flag or variable, the value and what is expected."""


class StoreError(ShellError):
    """Templates cannot be read from where they should be; the sentence names the place and the fix."""


class ManifestError(ShellError):
    """A file or text holds no Kubernetes objects. ``str()`` is one sentence, ``with_caret()`` shows the line, too."""

    def __init__(self, problem: str, *, source: str, line: int = 0, column: int = 0, text: str = "") -> None:
        """Lines and columns count from 1, 0 means unknown; *text* is that line."""
        super().__init__(problem)
        self.problem = problem
        self.source = source
        self.line = line
        self.column = column
        self.text = text

    def __str__(self) -> str:
        place = (f"file {self.source!r}", self.line and f"line {self.line}", self.column and f"column {self.column}")
        return f"{', '.join(part for part in place if part)}: {self.problem}"

    def with_caret(self) -> str:
        """Return the sentence and, where the line is known, the line with a caret under the column."""
        if not self.text:
            return str(self)
        return f"{self}\n  | {self.text}\n  | {' ' * max(self.column - 1, 0)}^"


class UnknownNamespace(OurFault):
    """A pod's namespace is not known, or not yet: a new one is, within milliseconds."""

    def __init__(self, name: str, wait: Callable[[float], bool]) -> None:
        """*wait* waits so many seconds at most for the namespace, and returns whether it is known then."""
        super().__init__(f"namespace {name!r} is not known yet: the API server has not told of it")
        self.wait = wait

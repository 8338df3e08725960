"""
What can go wrong at the edges: files, addresses, settings. The errors of the decisions are in ``core/errors.py``.

    PillionError
    └── ShellError
        ├── CertificateError   a certificate or key that cannot serve
        ├── ListenError        an address or port that cannot be listened on
        └── SettingsError      a flag or variable that is unknown or has a wrong value

Each ends a start with one line on stderr, never with a traceback; in a running server it is logged and the last good
state stays.
"""

from __future__ import annotations

from injector.core.errors import PillionError


class ShellError(PillionError):
    """The base of all errors of the outside world."""


class CertificateError(ShellError):
    """A certificate, its key or the authority for clients cannot be used; the sentence names the file and the fix."""


class ListenError(ShellError):
    """An address cannot be listened on; the sentence names it and the fix."""


class SettingsError(ShellError):
    """A setting cannot be used; the sentence names the flag or variable, the value and what is expected."""

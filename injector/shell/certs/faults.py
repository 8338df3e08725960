"""
How a plan ends when it does not succeed.

    ShellError
    └── Fault
        ├── Transient     exit 1: trying again may help, the Job does
        │   └── Stopped   a signal came: nothing more is written
        ├── Permanent     exit 2: only a change by a person helps
        ├── Overtaken     another changed the object meanwhile: look again
        ├── Unissued      the signer gave no usable certificate: the reason for a fallback
        └── Unfit         a certificate would not serve, with the reason
"""

from __future__ import annotations

from injector.shell.errors import ShellError


class Fault(ShellError):
    """The base of what ends a plan."""


class Transient(Fault):
    """Trying again may help."""


class Stopped(Transient):
    """A signal came."""


class Permanent(Fault):
    """Trying again gives the same."""


class Overtaken(Fault):
    """Another changed the object between our reading and writing."""


class Unissued(Fault):
    """The signer gave no usable certificate."""


class Unfit(Fault):
    """A certificate would not serve."""

"""What a plan may ask for, as values. A call is told in the words of RBAC, so that a missing right can be named."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

METHODS = {"get": "GET", "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}
"""RBAC's verbs and HTTP's."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of objects."""

    group: str
    """Empty for the core group."""
    plural: str
    namespace: str = ""
    """Empty where the kind is cluster-wide."""

    def path(self, name: str = "", subresource: str = "") -> str:
        """Return where an object, or all of them, are found."""
        root = f"/apis/{self.group}/v1" if self.group else "/api/v1"
        space = f"/namespaces/{self.namespace}" if self.namespace else ""
        return "/".join(part for part in (f"{root}{space}/{self.plural}", name, subresource) if part)


REQUESTS = Kind("certificates.k8s.io", "certificatesigningrequests")
MUTATING = Kind("admissionregistration.k8s.io", "mutatingwebhookconfigurations")
VALIDATING = Kind("admissionregistration.k8s.io", "validatingwebhookconfigurations")
SELVES = Kind("authentication.k8s.io", "selfsubjectreviews")


def secrets_of(namespace: str) -> Kind:
    """Return the Secrets of a namespace."""
    return Kind("", "secrets", namespace)


def events_of(namespace: str) -> Kind:
    """Return the Events of a namespace."""
    return Kind("", "events", namespace)


def config_maps_of(namespace: str) -> Kind:
    """Return the ConfigMaps of a namespace."""
    return Kind("", "configmaps", namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to the API server; answered with an object, or by ClusterError."""

    verb: str
    """A key of METHODS."""
    kind: Kind
    name: str = ""
    subresource: str = ""
    body: Any = None

    def __str__(self) -> str:
        resource = "/".join(part for part in (self.kind.plural, self.subresource) if part)
        name = f" {self.name!r}" if self.name else ""
        return f"{self.verb} {resource}{name}" + (f" in {self.kind.namespace!r}" if self.kind.namespace else "")


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait; answered with nothing."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Now:
    """Ask for the time; answered in seconds since 1970 by the API server's clock, whose opinion of dates counts."""


@dataclass(frozen=True, slots=True)
class Login:
    """Read the credentials anew."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Log a sentence."""

    level: str
    """``info`` or ``warning``."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Knock:
    """Shake hands with a server; answered with an empty text, or with what went wrong."""

    address: str
    """``host:port``."""
    server_name: str
    bundle: str
    """The authorities to trust, in PEM."""


Step = Call | Pause | Now | Login | Tell | Knock

Result = TypeVar("Result")
Plan = Generator[Step, Any, Result]
"""Describes steps, is sent what came of each, and returns its result."""

"""What is to be set up, as one frozen value. How it is written on a command line stands in ``flags``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from injector.shell.certs.steps import MUTATING, VALIDATING, Kind, secrets_of

_COMMON_NAME_LIMIT = 64
_NODE = "system:node:"


class Mode(StrEnum):
    """Who makes the pair."""

    CSR = "csr"
    SELF_SIGNED = "self-signed"
    CERT_MANAGER = "cert-manager"
    PROVIDED = "provided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All that a plan needs to know; the text for users stands in ``flags``."""

    mode: Mode = Mode.CSR
    """A certificate of the cluster's own signer, as clusters without cert-manager have had it for years."""
    namespace: str = "pillion-system"
    service: str = "pillion"
    secret: str = "pillion-tls"  # noqa: S105 - a name
    mutating: tuple[str, ...] = ()
    validating: tuple[str, ...] = ()
    domain: str = "pillion.dev"
    signer: str = "kubernetes.io/kubelet-serving"
    """The only signer of a plain cluster whose certificates are for servers."""
    csr_name: str = ""
    """Empty: ``service.namespace``. Fixed, so that RBAC can name it."""
    fallback: Mode | None = Mode.SELF_SIGNED
    """None: exit 2 instead."""
    rotation: Mode = Mode.SELF_SIGNED
    """How ``renew`` makes the next pair in mode csr: the right to approve requests need not stand for it."""
    key: str = "ecdsa"
    """P-256: small, quick, and accepted by every signer."""
    days: int = 365
    """The most that signers give."""
    minimum_days: int = 7
    """Less is refused: a daily renewal must have some tries."""
    authorities: tuple[str, ...] = ()
    """In PEM: who may have signed what the signer issues; each is tried, none is believed."""
    require_webhooks: bool = False
    """After an installation they must be there; before it they cannot."""
    renew: bool = False
    """Also act when the certificate is due, not only when it is no good."""
    force: bool = False
    """Renew whatever the date."""
    probe: str = ""
    """``host:port``; empty: none."""
    probe_strict: bool = False
    """A failed probe is worth an exit code: in a renewal, not in an installation."""
    csr_timeout: float = 90.0
    """Signers answer within seconds, or never."""
    leftover_wait: float = 60.0
    """A run takes less; what another started is left to it that long."""
    rights_wait: float = 60.0
    """New RoleBindings reach every authorizer within seconds, at worst."""
    settle: float = 10.0
    """API servers learn of a new bundle from their own watch, within a second."""
    probe_timeout: float = 120.0
    """The kubelet brings a changed Secret to its pods within 90 s."""

    @property
    def host(self) -> str:
        """The one name that the API server asks for."""
        return f"{self.service}.{self.namespace}.svc"

    @property
    def request_name(self) -> str:
        """The name of the CertificateSigningRequest."""
        return self.csr_name or f"{self.service}.{self.namespace}"

    @property
    def common_name(self) -> str:
        """A short name that differs between releases: 64 characters are all that X.520 allows."""
        short_hash = hashlib.sha256(self.host.encode()).hexdigest()[:8]
        room = _COMMON_NAME_LIMIT - len(_NODE) - len(short_hash) - 1
        return f"{self.service[:room].rstrip('-.')}-{short_hash}"

    @property
    def node_name(self) -> str:
        """The common name that kubelet-serving insists on."""
        return f"{_NODE}{self.common_name}"

    @property
    def secrets(self) -> Kind:
        """Where the Secret is."""
        return secrets_of(self.namespace)

    @property
    def webhooks(self) -> tuple[tuple[Kind, str], ...]:
        """All webhook configurations, by kind and name."""
        return tuple((MUTATING, name) for name in self.mutating) + tuple((VALIDATING, name) for name in self.validating)

    @property
    def requests_certificates(self) -> bool:
        """Whether this run may make CertificateSigningRequests."""
        return self.mode is Mode.CSR and not (self.renew and self.rotation is Mode.SELF_SIGNED)

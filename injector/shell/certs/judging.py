"""Is a stored pair good for another while? One verdict with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from injector.shell.certs import proofs
from injector.shell.certs.faults import Unfit
from injector.shell.certs.options import Mode, Options
from injector.shell.certs.proofs import Proven
from injector.shell.certs.records import TYPE, Stored

_JITTER = 0.05
"""Of the life: clusters that were installed together do not renew together."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do about a pair."""

    proven: Proven | None
    """The pair, if it serves today."""
    issue: str
    """Why there must be another one; empty: it stays."""


def judge(stored: Stored | None, options: Options, now: float) -> Verdict:
    """Return the verdict on what is stored."""
    if stored is None:
        return Verdict(None, f"there is no Secret {options.secret!r} yet")
    try:
        proven = proofs.prove(stored.pair, stored.authorities, options.host, now)
    except Unfit as error:
        return Verdict(None, f"the pair in Secret {options.secret!r} does not serve: {error}")
    if not stored.typed:
        return Verdict(proven, f"Secret {options.secret!r} has type {stored.secret.get('type')!r}, not {TYPE!r}")
    return Verdict(proven, _change(stored, options) or _age(proven, options, now))


def due(leaf: x509.Certificate) -> float:
    """Return when a certificate is to be renewed: at two thirds of its life, or a little earlier, always the same."""
    start, end = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
    chance = leaf.fingerprint(hashes.SHA256())[0] / 256
    return start + (end - start) * (2 / 3 - _JITTER * chance)


def _change(stored: Stored, options: Options) -> str:
    """
    Return how the wish differs from what was done; empty: not at all.

        wished         stored                                   differs
        csr            csr by this signer                       no
        csr            self-signed, a fallback of this signer   no, while fallbacks are allowed
        csr            self-signed by rotation                  for setup: yes; for a renewal without requests: no
        self-signed    self-signed                              no
        whatever else                                           yes
    """
    if options.mode is Mode.CSR and not options.requests_certificates:
        return ""  # the next setup sees to it
    same_signer = options.mode is not Mode.CSR or stored.signer == options.signer
    if stored.mode == options.mode and not stored.reason and same_signer:
        return ""
    if options.mode is Mode.CSR and stored.reason == "fallback" and same_signer and options.fallback:
        return ""
    found = " ".join(part for part in (stored.mode or "unknown", stored.reason and f"by {stored.reason}") if part)
    wish = f"{options.mode} by {options.signer}" if options.mode is Mode.CSR else str(options.mode)
    return f"the pair in Secret {options.secret!r} is {found}{f' ({stored.signer})' * bool(stored.signer)}, not {wish}"


def _age(proven: Proven, options: Options, now: float) -> str:
    if options.force:
        return "a renewal is asked for"
    if options.renew and now >= due(proven.leaf):
        return f"the certificate ends on {proofs.day(proven.leaf)} and is past two thirds of its life"
    return ""

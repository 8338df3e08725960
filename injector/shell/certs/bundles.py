"""
Authorities as a set: read from PEM as leniently as Go reads a ``caBundle``, joined, and cut down again.

Trust grows before it is used and shrinks long after: what may still vouch for a pair that some pod serves is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

Authorities = tuple[x509.Certificate, ...]
"""Each once, the newest use first."""

LIMIT = 3
"""The authority in use, the one before, and one to spare."""

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def read(pem: bytes | str) -> Authorities:
    """Return the certificates of a text; whatever is none is passed over, as by Go."""
    found: list[x509.Certificate] = []
    for block in _BLOCK.findall(pem.encode() if isinstance(pem, str) else pem):
        try:
            found.append(x509.load_pem_x509_certificate(block))
        except ValueError:
            continue
    return unite(found)


def write(authorities: Iterable[x509.Certificate]) -> bytes:
    """Return certificates as PEM, one after another."""
    return b"".join(authority.public_bytes(serialization.Encoding.PEM) for authority in authorities)


def unite(*groups: Iterable[x509.Certificate]) -> Authorities:
    """Return all certificates once, in the order in which they come first."""
    return tuple(dict.fromkeys(authority for group in groups for authority in group))


def living(authorities: Iterable[x509.Certificate], now: float) -> Authorities:
    """Return those that have not expired."""
    return tuple(authority for authority in authorities if authority.not_valid_after_utc.timestamp() > now)


def prune(authorities: Authorities, used: Sequence[str], needed: Authorities) -> Authorities:
    """
    Return at most LIMIT authorities: the needed ones, then those whose fingerprints are told as used, newest first.

    An authority that is neither was made by a run that ended before its pair was stored: it vouches for nothing.
    """
    rank = {name: place for place, name in enumerate(used)}
    others = sorted((one for one in authorities if one not in needed), key=lambda one: rank.get(fingerprint(one), 99))
    return (*needed, *others[: max(LIMIT - len(needed), 0)])


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the start of a certificate's SHA-256, enough to tell a few apart."""
    return certificate.fingerprint(hashes.SHA256()).hex()[:16]


def describe(certificate: x509.Certificate) -> str:
    """Return who a certificate is, who signed it, and its fingerprint."""
    return (
        f"{certificate.subject.rfc4514_string() or 'no subject'!r} by {certificate.issuer.rfc4514_string()!r}"
        f" ({fingerprint(certificate)})"
    )

"""
Would the API server accept this certificate? Proved by a TLS handshake in memory, checked as Go does.

Go ignores common names, needs no key identifiers and takes any certificate of the bundle for an anchor; Python's and
OpenSSL's defaults differ in all three. Dates are compared here, with the API server's clock: OpenSSL knows only ours.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from injector.shell.certs import bundles
from injector.shell.certs.bundles import Authorities
from injector.shell.certs.faults import Unfit

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, for which the ssl module has no name
_PARTIAL_CHAIN = 0x80000  # X509_V_FLAG_PARTIAL_CHAIN, likewise before Python 3.13
_TOLERANCE = 60.0
"""Seconds that a certificate may lie in the future: clocks of a cluster differ a little."""
_PIPE = 32 << 10
"""Bytes that every system's pipe takes at once."""
_BROKEN = {"md5", "sha1"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, both PEM."""

    chain: bytes
    """The server's own certificate, then any intermediate ones."""
    key: bytes


@dataclass(frozen=True, slots=True)
class Proven:
    """A pair that the API server would accept."""

    pair: Pair
    leaf: x509.Certificate
    anchors: Authorities
    """Those of the candidates that vouch for it, each alone."""


def prove(pair: Pair, candidates: Authorities, host: str, now: float) -> Proven:
    """Return the proof that a pair serves a host today; raises Unfit with the reason."""
    chain = bundles.read(pair.chain)
    if not chain:
        raise Unfit("it holds no certificate that can be read")
    leaf = chain[0]
    _check_key(pair, leaf)
    for certificate in chain:
        _check_dates(certificate, now)
        _check_signature(certificate)
    anchors, problems = [], []
    for candidate in candidates:
        problem = _problem(pair, candidate, host, now)
        anchors += [] if problem else [candidate]
        problems += [f"{bundles.describe(candidate)}: {problem}"] if problem else []
    if not anchors:
        raise Unfit(f"{bundles.describe(leaf)} is vouched for by none of {len(candidates)}: {'; '.join(problems)}")
    return Proven(pair, leaf, tuple(anchors))


def shake_hands(pair: Pair, bundle: Iterable[x509.Certificate], host: str) -> str:
    """Return why a client that trusts only these would refuse the pair, whatever the date; empty: it would not."""
    try:
        server_context = _server_context(pair)
        _handshake(server_context, client_context_for(bundle), host)
    except ssl.SSLError as error:
        return str(getattr(error, "verify_message", "") or error.reason or error)
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def client_context_for(bundle: Iterable[x509.Certificate]) -> ssl.SSLContext:
    """Return a client's context that judges as the API server does, but for the date."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.hostname_checks_common_name = False
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= _PARTIAL_CHAIN | _NO_CHECK_TIME
    context.load_verify_locations(cadata=bundles.write(bundle).decode())
    return context


def check_served(certificate: bytes | None, now: float) -> None:
    """Raise Unfit unless a certificate that was served, in DER, is valid at a time."""
    if certificate:
        _check_dates(x509.load_der_x509_certificate(certificate), now)


def day(certificate: x509.Certificate) -> str:
    """Return the end of a certificate's validity, for people."""
    return certificate.not_valid_after_utc.strftime("%Y-%m-%d %H:%M UTC")


def _problem(pair: Pair, candidate: x509.Certificate, host: str, now: float) -> str:
    try:
        _check_dates(candidate, now)
    except Unfit as error:
        return str(error)
    return shake_hands(pair, [candidate], host)


def _check_key(pair: Pair, leaf: x509.Certificate) -> None:
    try:
        key = serialization.load_pem_private_key(pair.key, None)
    except (ValueError, TypeError) as error:
        raise Unfit("its key cannot be read") from error
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise Unfit("certificate and key do not belong together")


def _check_dates(certificate: x509.Certificate, now: float) -> None:
    if certificate.not_valid_before_utc.timestamp() > now + _TOLERANCE:
        start = certificate.not_valid_before_utc.strftime("%Y-%m-%d %H:%M UTC")
        raise Unfit(f"{bundles.describe(certificate)} is not valid before {start}; it is {_moment(now)}")
    if certificate.not_valid_after_utc.timestamp() <= now:
        raise Unfit(f"{bundles.describe(certificate)} expired on {day(certificate)}; it is {_moment(now)}")


def _check_signature(certificate: x509.Certificate) -> None:
    algorithm = certificate.signature_hash_algorithm
    if algorithm and algorithm.name in _BROKEN:
        raise Unfit(f"{bundles.describe(certificate)} is signed with {algorithm.name.upper()}, which Go refuses")


def _moment(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _server_context(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with ExitStack() as files:
        context.load_cert_chain(
            files.enter_context(_readable(pair.chain)), files.enter_context(_readable(pair.key)), password=""
        )
    return context


@contextmanager
def _readable(text: bytes) -> Iterator[str]:
    """Give a text a path, without a file: a key is never written to a disk."""
    if len(text) > _PIPE:
        raise ValueError(f"{len(text)} bytes are more than a certificate chain may have")
    reader, writer = os.pipe()
    try:
        os.write(writer, text)
        os.close(writer)
        yield f"/dev/fd/{reader}"
    finally:
        os.close(reader)


def _handshake(server_context: ssl.SSLContext, client_context: ssl.SSLContext, host: str) -> None:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue

"""
The server's certificate: read, checked in full, watched. No sockets; the only I/O is reading files.

A pair of files is good when it would serve: both readable, PEM, belonging together, valid today, meant for servers. A
TLS handshake in memory proves it and tells the dates. A new pair is loaded into a new ``SSLContext``: loading into the
live one is not atomic and leaves it broken where the halves do not match.
"""

from __future__ import annotations

import hashlib
import logging
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from injector.shell.errors import CertificateError

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, for which the ssl module has no name
_READS = 3  # of files that change while they are read

log = logging.getLogger("pillion.certificates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where the certificate lives, all PEM."""

    certificate: Path
    """The server's certificate, then any intermediate ones."""
    key: Path
    """Its private key, without a passphrase."""
    client_ca: Path | None = None
    """Authorities of client certificates; if given, every client must show a certificate of theirs."""

    def fingerprint(self) -> str:
        """Return a hash over the contents; an unreadable file counts by its error."""
        paths = (self.certificate, self.key, self.client_ca)
        return hashlib.sha256(b"|".join(_digest(path) for path in paths if path)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate that has been checked."""

    context: ssl.SSLContext
    """Ready to serve."""
    not_before: float
    """Start of its validity, in seconds since 1970."""
    not_after: float
    """End of its validity, in seconds since 1970."""
    names: tuple[str, ...]
    """The DNS names and addresses it speaks for."""
    fingerprint: str
    """Of the files it came from."""


def load(files: Files) -> Certificate:
    """Load and check a certificate; CertificateError says in one sentence what is wrong with it."""
    for _ in range(_READS):
        fingerprint = files.fingerprint()
        try:
            return _load(files, fingerprint)
        except CertificateError:
            if files.fingerprint() == fingerprint:
                raise  # else the files were being replaced: the error is about a mixture of two pairs
    raise CertificateError(f"certificate {str(files.certificate)!r} changes faster than it can be read")


def build_context(files: Files) -> ssl.SSLContext:
    """Return a server's context for a certificate that is not checked any further than OpenSSL does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])  # the API server speaks nothing else with webhooks
    # One ticket saves a twentieth of a handshake. None saves more, but what follows the handshake carries the ACK:
    # without it the first request of a client that uses Nagle's algorithm waits 40 ms.
    context.num_tickets = 1
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    _load_pair(context, files)
    return context


class Watch:
    """
    Notices new files and hands on the certificate in them.

    The contents are compared, not times or inodes: that works for files replaced one by one and for a mounted Secret,
    whose ``..data`` link is swapped. A pair that is no good is reported once, and the old one stays.
    """

    def __init__(
        self, files: Files, current: Certificate, replace: Callable[[Certificate], None], *, interval: float = 0.5
    ) -> None:
        """``replace`` is called with each new certificate; ``interval`` is in seconds."""
        self.current = current
        self.failures = 0
        """How many changes were no good."""
        self._files = files
        self._replace = replace
        self._interval = interval
        self._seen = current.fingerprint
        self._pending = ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="certificate-watch", daemon=True)

    def start(self) -> None:
        """Look at the files every ``interval`` in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Look once; a change is acted on when the second look finds the same, as files are seldom replaced at once."""
        found = self._files.fingerprint()
        if found == self._seen:
            return
        if found != self._pending:
            self._pending = found
            return
        self._seen = found
        self._reload()

    def _reload(self) -> None:
        try:
            certificate = load(self._files)
        except CertificateError as error:
            self.failures += 1
            log.error("the new certificate is not used, the old one stays: %s", error)  # noqa: TRY400
            return
        self.current, self._seen = certificate, certificate.fingerprint
        self._replace(certificate)
        log.info("a new certificate is in use, valid until %s", _day(certificate.not_after))

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            self.look()


def _digest(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        return str(error.errno).encode()


def _load(files: Files, fingerprint: str) -> Certificate:
    for path in (files.certificate, files.key, files.client_ca):
        if path:
            _check_readable(path)
    context = build_context(files)
    details = _shake_hands(context, files.certificate)
    if files.client_ca:
        _ask_for_clients(context, files.client_ca)
    certificate = Certificate(
        context=context,
        not_before=ssl.cert_time_to_seconds(details["notBefore"]),
        not_after=ssl.cert_time_to_seconds(details["notAfter"]),
        names=tuple(name for _, name in details.get("subjectAltName", ())),
        fingerprint=fingerprint,
    )
    _check_dates(certificate, files.certificate, time.time())
    return certificate


def _check_readable(path: Path) -> None:
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise CertificateError(f"certificate file {str(path)!r} does not exist") from error
    except OSError as error:
        raise CertificateError(f"certificate file {str(path)!r} cannot be read: {error.strerror}") from error
    if b"-----BEGIN " not in text:
        raise CertificateError(f"certificate file {str(path)!r} is not PEM: it has no '-----BEGIN' line")


def _load_pair(context: ssl.SSLContext, files: Files) -> None:
    def refuse_passphrase() -> NoReturn:
        raise CertificateError(f"key {str(files.key)!r} is encrypted; store it without a passphrase")

    try:
        context.load_cert_chain(files.certificate, files.key, password=refuse_passphrase)
    except ssl.SSLError as error:
        raise CertificateError(_why_not(files, error)) from error
    except OSError as error:
        raise CertificateError(f"certificate {str(files.certificate)!r} cannot be read: {error.strerror}") from error


def _why_not(files: Files, error: ssl.SSLError) -> str:
    if error.reason in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"}:
        return f"certificate {str(files.certificate)!r} and key {str(files.key)!r} do not belong together"
    if not _parses(files.certificate):
        return f"certificate {str(files.certificate)!r} holds no complete PEM certificate"
    return f"key {str(files.key)!r} cannot be used with its certificate: {error.reason or error}"


def _parses(path: Path) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return False
    return True


def _ask_for_clients(context: ssl.SSLContext, client_ca: Path) -> None:
    try:
        context.load_verify_locations(cafile=client_ca)
    except (ssl.SSLError, OSError) as error:
        raise CertificateError(f"client authority {str(client_ca)!r} holds no complete PEM certificate") from error
    context.verify_mode = ssl.CERT_REQUIRED


def _shake_hands(server_context: ssl.SSLContext, path: Path) -> dict[str, Any]:
    """Return the certificate as a client sees it that trusts just this one, whatever the date."""
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    client_context.load_verify_locations(cafile=path)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    try:
        for side in (client, server, client, server):
            _advance(side)
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason
        raise CertificateError(f"certificate {str(path)!r} cannot serve TLS: {reason}") from error
    return client.getpeercert() or {}


def _advance(side: ssl.SSLObject) -> None:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return


def _check_dates(certificate: Certificate, path: Path, now: float) -> None:
    if now > certificate.not_after:
        raise CertificateError(f"certificate {str(path)!r} expired on {_day(certificate.not_after)}; renew it")
    if now < certificate.not_before:
        raise CertificateError(
            f"certificate {str(path)!r} is not valid before {_day(certificate.not_before)}; check the clock"
        )


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")

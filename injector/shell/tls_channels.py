"""
One connection in HTTP over TLS.

waitress has no TLS, and a TLS-wrapped listening socket hangs it: poll() cannot see what OpenSSL has already decrypted,
and shaking hands in the accept loop lets one silent peer stop everybody. So this is a channel over ``ssl.MemoryBIO``.

The output buffers hold *ciphertext*, so all that waitress does with ``total_outbufs_len``, watermarks and closing stays
right. One recv() is decrypted to its last record, so no decrypted byte waits where poll() cannot see it. Every use of
the SSL object happens with ``outbuf_lock`` held (waitress's own, re-entrant), as the event loop decrypts while task
threads encrypt.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import ClientDisconnected

from injector.shell.channels import Channel

_WANTS_MORE = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
_RECORD = 16384  # the most plaintext that one TLS record can hold
_FILE_PIECE = 64 << 10
_SPEAK_TLS = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    b"This port speaks HTTPS; the request came as plain HTTP.\n"
)


class TlsChannel(Channel):
    """A connection in HTTP over TLS."""

    established = False

    def __init__(self, server: Any, sock: socket.socket, address: Any, sockets: dict[int, Any]) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = server.tls_context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        super().__init__(server, sock, address, sockets)

    # -- the event loop ------------------------------------------------------------------------------------------------

    def handle_close(self) -> None:
        """Close, with a close_notify if it can be sent at once."""
        with self.outbuf_lock:
            if self.established and self.connected and not self.total_outbufs_len and not self.lingering_since:
                self._say_goodbye()
            self.established = False
            super().handle_close()

    def _decode(self, data: bytes) -> bytes:
        pieces: list[bytes] = []
        with self.outbuf_lock:
            try:
                pieces.extend(self._decrypt(data))
            except ssl.SSLError as error:
                self._fail(error)
                return b""
            self._append(self._outgoing.read())
            if self.total_outbufs_len and not self.requests:
                self._flush_exception(self._flush_some)
        return b"".join(pieces)

    def _decrypt(self, data: bytes) -> Iterator[bytes]:
        self._incoming.write(data)
        try:
            if not self.established:
                self._tls.do_handshake()
                self.server.check_peer(self._tls)
                self.established = True
            while self._incoming.pending:
                piece = self._tls.read(_RECORD)
                if not piece:  # close_notify
                    self.peer_is_done = True
                    return
                yield piece
        except _WANTS_MORE:
            return

    def _fail(self, error: ssl.SSLError) -> None:
        self.server.tls_failed(self.addr, error)
        self.established = False
        alert = self._outgoing.read()
        self._append(_SPEAK_TLS if getattr(error, "reason", None) == "HTTP_REQUEST" else alert)
        self.close_when_flushed = True

    def _say_goodbye(self) -> None:
        with self.outbuf_lock, suppress(OSError, ValueError):
            with suppress(*_WANTS_MORE):
                self._tls.unwrap()
            self.socket.send(self._outgoing.read())

    # -- writing, in the loop or on a thread ---------------------------------------------------------------------------

    def _write(self, data: Any) -> int:
        if isinstance(data, ReadOnlyFileBasedBuffer):
            return self._write_file(data)
        if not data:
            return 0
        with self.outbuf_lock:
            # this may wait, so it comes before encrypting: records must reach the buffer in the order of their numbers
            self._flush_outbufs_below_high_watermark()
            if not self.connected:
                raise ClientDisconnected
            super()._write(self._encode(data))
        return len(data)

    def _write_file(self, file: ReadOnlyFileBasedBuffer) -> int:
        try:
            return sum(map(self._write, iter(lambda: file.get(_FILE_PIECE, skip=True), b"")))
        finally:
            file.close()

    def _encode(self, data: bytes) -> bytes:
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            self.will_close = True
            raise ClientDisconnected from error
        return self._outgoing.read()

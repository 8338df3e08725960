"""
One connection in plain HTTP: its deadlines and its polite end. It knows nothing about the application or about TLS.

``Channel`` is waitress's channel with absolute deadlines. Internals of waitress 3.0 in use, beside its documented
settings (``tests/server/test_waitress.py`` fails when one of them is gone): of ``HTTPChannel`` ``received``,
``readable``, ``handle_read``, ``handle_write``, ``handle_close``, ``write_soon``, ``send_continue``, ``service``,
``request``, ``requests``, ``requests_lock``, ``outbufs``, ``outbuf_lock``, ``total_outbufs_len``,
``current_outbuf_count``, ``last_activity``, ``will_close``, ``close_when_flushed``, ``sent_continue``,
``_flush_some``, ``_flush_some_if_lockable``, ``_flush_exception``, ``_flush_outbufs_below_high_watermark``; of the
server, its tasks, parser and dispatcher what ``listeners``, ``tasks`` and ``parsers`` override.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from waitress.channel import HTTPChannel

from injector.shell.parsers import Parser
from injector.shell.tasks import ApplicationTask, RefusalTask

LARGE_BODY = 64 << 10  # below it a body is read whatever the memory in use


class Channel(HTTPChannel):
    """A connection in plain HTTP."""

    task_class = ApplicationTask
    error_task_class = RefusalTask
    parser_class = Parser
    logger = logging.getLogger("pillion.server")

    established = True
    """Whether the connection is ready for requests."""
    served = 0
    """How many answers were given."""
    peer_is_done = False
    """The peer has said that it will send no more requests."""
    lingering_since = 0.0
    """When our side was shut, in monotonic seconds; 0 while it is open."""

    def __init__(self, server: Any, sock: socket.socket, address: Any, sockets: dict[int, Any]) -> None:
        self.opened = time.monotonic()
        self._quiet = (0.0, self.opened)  # last_activity as seen at a monotonic time
        self._output_seen: tuple[int, float] | None = None  # answers given, and when output was seen waiting
        self._corked: list[bytes] | None = None
        super().__init__(server, sock, address, server.adj, map=sockets)

    # -- what the server asks ------------------------------------------------------------------------------------------

    @property
    def last_response(self) -> bool:
        """Whether the response being written is the last one of this connection."""
        return bool(self.server.draining) or self.peer_is_done

    @property
    def idle(self) -> bool:
        """Whether everything waits for the peer to send."""
        return not self.requests and not self.will_close

    @property
    def held(self) -> int:
        """Bytes of request bodies in memory."""
        if self.request is None and not self.requests:  # as with nearly all, whenever a large body is weighed
            return 0
        unfinished = [self.request] if self.request is not None else []
        return sum(request.held for request in [*unfinished, *self.requests])

    @property
    def uploading(self) -> bool:
        """Whether a large body is only half here."""
        return self.request is not None and self.request.held > LARGE_BODY

    def busy(self, now: float) -> bool:
        """Tell whether closing now would lose something; a new connection may have a request on its way."""
        answering = self.requests or self.total_outbufs_len or self.close_when_flushed or self.lingering_since
        expected = self.request is not None or not self.established
        return bool(answering or expected or (not self.served and now - self.opened < self.server.limits.request))

    def overdue(self, now: float) -> str:
        """Return the name of the deadline that has passed at this monotonic time, or nothing."""
        limits = self.server.limits
        if self.lingering_since:
            return "linger" if now - self.lingering_since > limits.linger else ""
        if not self.established and now - self.opened > limits.handshake:
            return "handshake"
        if self._receiving_for(now) > limits.request:
            return "request"
        if self._output_waiting_for(now) > limits.write:
            return "write"
        return "idle" if self.idle and self._quiet_for(now) > limits.idle else ""

    def hang_up(self) -> None:
        """
        Make the event loop close this connection in its next pass.

        Not here and now: the loop may be in the middle of handling events, and a descriptor closed now could be given
        to the next connection, which would then be closed for its predecessor's events. After shutdown() the poll
        reports the right channel, also if a task waits for a peer that never reads.
        """
        self.will_close = True
        with suppress(OSError, AttributeError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.look_again()

    def _receiving_for(self, now: float) -> float:
        if self.request is None:
            return 0.0
        if self.requests:  # it waits for its predecessor, through no fault of the peer
            self.request.started = now
        return float(now - self.request.started)

    def _output_waiting_for(self, now: float) -> float:
        """Return for how long this answer has waited for the peer; moments when it did not wait do not shorten it."""
        if not self.total_outbufs_len:
            if not self.requests:
                self._output_seen = None
            return 0.0
        if self._output_seen is None or self._output_seen[0] != self.served:
            self._output_seen = (self.served, now)
        return now - self._output_seen[1]

    def _quiet_for(self, now: float) -> float:
        if self._quiet[0] != self.last_activity:
            self._quiet = (self.last_activity, now)
        return now - self._quiet[1]

    # -- the event loop ------------------------------------------------------------------------------------------------

    def look_again(self) -> None:
        """
        Make the event loop ask what this connection waits for, ``readable`` and ``writable``.

        Whoever changes the answer calls this, on any thread and *after* the change; the loop does so itself after each
        of the connection's events. What nobody tells, the loop sees at the next tick only.
        """
        self.server.look_again_at(self._fileno)

    def readable(self) -> bool:
        """Tell whether the loop should read."""
        if self.lingering_since:
            return True
        return self not in self.server.held_back and bool(super().readable())

    def handle_read(self) -> None:
        """Take in what has arrived; requests for the loop itself are answered after all reading."""
        data = self._receive()
        if not data or self.lingering_since:
            return
        plain = self._decode(data)
        if plain and self.connected:
            self.last_activity = time.time()
            self.received(plain)
            if self.uploading:
                self.server.weigh()
        if self.peer_is_done and self.connected and not self.requests:
            self.handle_close()

    def handle_write(self) -> None:
        """Send what waits; where it was the last answer, shut our side and let the peer hang up."""
        self._flush_exception(self._flush_some_if_lockable if self.requests else self._flush_some)
        if self.will_close:
            self.handle_close()
        elif self.close_when_flushed and self.connected and not self.total_outbufs_len:
            self._linger()

    def service(self) -> None:
        """Answer the first request in the queue."""
        try:
            super().service()
            self.served += 1
        finally:
            self.look_again()

    def _receive(self) -> bytes:
        try:
            return bytes(self.recv(self.adj.recv_bytes))  # closes the channel at the end of the stream
        except BlockingIOError:
            return b""
        except OSError:
            self.handle_close()
            return b""

    def _decode(self, data: bytes) -> bytes:
        return data

    def _encode(self, data: bytes) -> bytes:
        return data

    def _linger(self) -> None:
        self.close_when_flushed = False
        self.lingering_since = time.monotonic()
        self._say_goodbye()
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.handle_close()

    def _say_goodbye(self) -> None:
        """Tell the peer, in words of the protocol, that nothing more comes."""

    # -- writing, in the loop or on a thread ---------------------------------------------------------------------------

    def write_as_one(self, write: Callable[[bytes], None], data: bytes) -> None:
        """Call *write* and send all that it writes as one piece, or nothing if it fails."""
        self._corked = []
        try:
            write(data)
            whole = b"".join(self._corked)
        finally:
            self._corked = None
        self.write_soon(whole)

    def write_soon(self, data: Any) -> int:
        """Send bytes or a ``wsgi.file_wrapper``; may wait for the peer; return how many."""
        if self._corked is not None and isinstance(data, bytes):
            self._corked.append(data)
            return len(data)
        return self._write(data)

    def send_continue(self) -> None:
        """Ask the peer for the body that it announced with ``Expect: 100-continue``."""
        self.request.expect_continue = False
        with self.outbuf_lock:
            self._append(self._encode(b"HTTP/1.1 100 Continue\r\n\r\n"))
            self.sent_continue = True
            # may run on a thread, where nothing may be closed: the loop would poll a stranger's descriptor
            self._flush_exception(self._flush_some, do_close=False)

    def _write(self, data: Any) -> int:
        written: int = super().write_soon(data)
        if self.total_outbufs_len:  # the peer takes it slowly: the loop sends the rest
            self.look_again()
        return written

    def _append(self, data: bytes) -> None:
        if data:
            self.outbufs[-1].append(data)
            self.current_outbuf_count += len(data)
            self.total_outbufs_len += len(data)

    def _flush_outbufs_below_high_watermark(self) -> None:
        if not self.server.task_dispatcher.in_loop():  # the loop would wait for itself
            super()._flush_outbufs_below_high_watermark()

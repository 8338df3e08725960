"""
The listening socket and its event loop: who is let in, who has taken too long, when it ends.

Two servers in one process are two listeners with descriptors of their own. Internals of waitress in use: of
``TcpWSGIServer`` its constructor, ``_map``, ``_fileno``, ``trigger``, ``active_channels``, ``readable``, ``accept``,
``handle_accept``, ``maintenance``, ``pull_trigger``, ``set_socket_options``, ``fix_addr``; ``dispatcher.close``.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from injector.shell.channels import Channel
from injector.shell.descriptors import Descriptors, best_poller
from injector.shell.limits import Limits
from injector.shell.tasks import Dispatcher
from injector.shell.tls_channels import TlsChannel

_ACCEPTED_AT_ONCE = 32
_SECONDS_BETWEEN_MESSAGES = 10.0

log = logging.getLogger("pillion.server")


class Listener(TcpWSGIServer):
    """A listening socket, its connections and the loop that serves them, in plain HTTP."""

    channel_class = Channel
    logger = log
    suspicious = True
    """Whether each tick asks every connection what it waits for, lest one hang for ever that forgot to say."""

    def __init__(self, application: Any, sock: socket.socket, limits: Limits, inline_paths: frozenset[str]) -> None:
        self.limits = limits
        self.draining = False
        self.stopping = False
        self.held_back: frozenset[Channel] = frozenset()
        """Connections that may not send on while bodies take too much memory."""
        self.refused = 0
        self.overdue: dict[str, int] = {}
        """How many connections were closed, by the name of the deadline."""
        self.ended = threading.Event()
        self.turned = time.monotonic()
        """When the loop last ended a pass, in monotonic seconds."""
        self._awake = threading.RLock()  # nobody writes to a closed trigger; re-entrant, for signal handlers
        self._paused = False
        self._ticks_at = 0.0
        self._said: dict[str, float] = {}
        super().__init__(
            application,
            map=Descriptors(best_poller()),
            _sock=sock,
            bind_socket=False,
            sockinfo=(sock.family, sock.type, sock.proto, sock.getsockname()),
            dispatcher=Dispatcher(inline_paths, limits.threads),
            adj=self._adjustments(limits),
        )

    # -- life ----------------------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Serve until ``stopping``, then finish what runs."""
        self.task_dispatcher.loop_thread = threading.get_ident()
        try:
            while not self.stopping:
                self._pass(self.limits.tick)
            self._finish()
        finally:
            self._close_all()

    def wake(self) -> None:
        """Make the loop look up."""
        with self._awake:
            if not self.ended.is_set():
                self.trigger.pull_trigger()

    def look_again_at(self, descriptor: int | None) -> None:
        """Make the loop ask a connection what it waits for; any thread may call it."""
        self._map.look_again_at(descriptor)
        if not self.task_dispatcher.in_loop():
            self.wake()

    def pull_trigger(self) -> None:
        """Do nothing: waitress calls it where something has changed, but not what; our channels say both."""

    def _pass(self, seconds: float) -> None:
        if self.turned >= self._ticks_at:
            self._tick()
        if self.held_back:
            self.weigh()
        paused = self._paused
        self._map.turn(seconds)
        if paused:
            self._paused = False
            self._map.look_again_at(self._fileno)
        self.task_dispatcher.run_inline()  # after all reading, so that each request knows how many wait
        self.turned = time.monotonic()

    def _tick(self) -> None:
        self._ticks_at = self.turned + self.limits.tick
        self.maintenance(self.turned)
        if self.suspicious:
            self._map.look_again_at_all()

    def _finish(self) -> None:
        self.draining = True
        self._accept_up_to(self.limits.connections)  # those who are connected as far as they know
        wasyncore.dispatcher.close(self)
        end = time.monotonic() + self.limits.finish
        while (now := time.monotonic()) < end and any(channel.busy(now) for channel in self._channels()):
            self._pass(self.limits.tick)

    def _close_all(self) -> None:
        self.task_dispatcher.shutdown(timeout=self.limits.tick)
        for channel in self._channels():
            channel.handle_close()
        wasyncore.dispatcher.close(self)
        with self._awake:
            self.ended.set()
            self.trigger.close()
        self._map.close()

    # -- who is let in -------------------------------------------------------------------------------------------------

    def readable(self) -> bool:
        """Tell whether the loop should accept."""
        return bool(self.accepting) and not self._paused

    def accept(self) -> Any:
        """Return a connection and its peer's address, or None where none can be had now."""
        try:
            return super().accept()
        except OSError as error:  # out of file descriptors, mostly
            self._make_room()
            self._paused = True
            self._say_sometimes("cannot accept a connection: %s", error)
            return None

    def handle_accept(self) -> None:
        """Let in who is waiting, a few at a time."""
        self._accept_up_to(_ACCEPTED_AT_ONCE)

    def _accept_up_to(self, most: int) -> None:
        for _ in range(most):
            pair = self.accept()
            if pair is None:
                return
            self._let_in(*pair)

    def _let_in(self, sock: socket.socket, address: Any) -> None:
        if len(self.active_channels) >= self.limits.connections and not self._make_room():
            self.refused += 1
            sock.close()
            return
        try:
            self.set_socket_options(sock)
            self.channel_class(self, sock, self.fix_addr(address), self._map)
        except OSError:  # the peer has left already
            sock.close()

    def _make_room(self) -> bool:
        """Hang up on the connection that has been quiet longest, strangers before those that were ever served."""
        idle = [channel for channel in self._channels() if channel.idle]
        if not idle:
            return False
        min(idle, key=lambda channel: (channel.served > 0, channel.last_activity)).hang_up()
        self.refused += 1
        self._say_sometimes("%d connections are open, the most there may be", len(self.active_channels))
        return True

    # -- who has taken too long ----------------------------------------------------------------------------------------

    def maintenance(self, now: float) -> None:
        """Hang up on connections that are past a deadline at this monotonic time."""
        for channel in self._channels():
            deadline = "" if channel.will_close else channel.overdue(now)
            if deadline:
                self.overdue[deadline] = self.overdue.get(deadline, 0) + 1
                channel.hang_up()

    def weigh(self) -> None:
        """Hold back large uploads while bodies take too much memory, except the oldest, which will free some."""
        before, self.held_back = self.held_back, frozenset(self._surplus())
        for channel in before ^ self.held_back:
            channel.look_again()

    def _surplus(self) -> list[Channel]:
        channels = self._channels()
        if sum(channel.held for channel in channels) <= self.limits.bodies:
            return []
        uploads = [channel for channel in channels if channel.uploading]
        return sorted(uploads, key=lambda channel: channel.request.started)[1:]

    def _channels(self) -> list[Channel]:
        return list(self.active_channels.values())

    def _say_sometimes(self, message: str, *values: object) -> None:
        """Log a warning, but not for each of a thousand connections a second."""
        now = time.monotonic()
        if now - self._said.get(message, -_SECONDS_BETWEEN_MESSAGES) >= _SECONDS_BETWEEN_MESSAGES:
            self._said[message] = now
            log.warning(message, *values)

    @staticmethod
    def _adjustments(limits: Limits) -> Adjustments:
        return Adjustments(
            ident=None,  # no Server header
            expose_tracebacks=False,
            clear_untrusted_proxy_headers=False,  # nobody here reads them
            channel_request_lookahead=0,  # CVE-2024-49768 needs more
            recv_bytes=65536,
            outbuf_high_watermark=1 << 20,
            outbuf_overflow=64 << 20,
            max_request_body_size=limits.body + 1,  # waitress refuses what is as large as its limit
            max_request_header_size=limits.header + 1,
        )


class TlsListener(Listener):
    """The same in HTTP over TLS."""

    channel_class = TlsChannel

    def __init__(
        self,
        application: Any,
        sock: socket.socket,
        limits: Limits,
        inline_paths: frozenset[str],
        *,
        context: ssl.SSLContext,
        client_names: frozenset[str],
    ) -> None:
        self.tls_context = context
        self.tls_failures = 0
        self._client_names = client_names
        super().__init__(application, sock, limits, inline_paths)
        self.adj.url_scheme = "https"

    def tls_failed(self, address: Any, error: ssl.SSLError) -> None:
        """Count a connection that came to nothing; a wrong ``caBundle`` in the cluster shows here first."""
        self.tls_failures += 1
        self._say_sometimes("TLS with %s failed, number %d: %s", address[0], self.tls_failures, error)

    def check_peer(self, tls: ssl.SSLObject) -> None:
        """Raise SSLError unless the client's certificate bears one of the allowed names; no names allow any."""
        if self._client_names and not self._client_names & _names(tls.getpeercert() or {}):
            raise ssl.SSLError("the client's certificate bears none of the allowed names")


def _names(certificate: Any) -> set[str]:
    subject = (pair for relative in certificate.get("subject", ()) for pair in relative)
    common = {value for kind, value in subject if kind == "commonName"}
    return common | {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}

"""
The two servers of Pillion as the rest of the program sees them. They serve any WSGI application and know none.

``build_https`` for the API server, ``build_plain`` for probes and metrics, each with an event loop, threads and
connections of its own, so that neither can starve the other. ``run`` blocks, everything else may be called from any
thread or from a signal handler.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from injector.shell.errors import ListenError
from injector.shell.limits import Limits
from injector.shell.listeners import Listener, TlsListener

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

PLAIN_LIMITS = Limits(request=5, write=5, idle=10, connections=100, body=64 << 10, bodies=1 << 20, threads=2)
"""For probes and metrics: small requests, few clients, no use for idle connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What a server has seen, for metrics."""

    open: int
    """Connections that are open now."""
    refused: int
    """Connections closed because too many were open."""
    overdue: Mapping[str, int]
    """Connections closed at a deadline, by its name: ``handshake``, ``request``, ``write``, ``idle``, ``linger``."""
    tls_failures: int
    """Handshakes that failed and connections that broke the protocol."""


class HttpServer:
    """A server that listens and is ready to run."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    @property
    def port(self) -> int:
        """The TCP port; the one that was given, or the one that the system chose for 0."""
        return int(self._listener.effective_port)

    @property
    def counters(self) -> Counters:
        """The present numbers."""
        listener = self._listener
        return Counters(
            open=len(listener.active_channels),
            refused=listener.refused,
            overdue=dict(listener.overdue),
            tls_failures=getattr(listener, "tls_failures", 0),
        )

    @property
    def turned(self) -> float:
        """When the event loop last ended a pass, in monotonic seconds; idle, it does so each ``Limits.tick``."""
        return self._listener.turned

    def run(self) -> None:
        """Serve until ``stop``."""
        self._listener.serve()

    def begin_drain(self) -> None:
        """From now on close each connection after its next answer; new ones are still accepted."""
        self._listener.draining = True

    def stop(self) -> None:
        """Accept no more, finish what runs (at most ``Limits.finish`` seconds) and let ``run`` return."""
        self._listener.stopping = True
        self._listener.wake()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until ``run`` has ended, at most so many seconds; return whether it has."""
        return self._listener.ended.wait(seconds)


class HttpsServer(HttpServer):
    """A server in HTTP over TLS."""

    _listener: TlsListener

    def replace_context(self, context: ssl.SSLContext) -> None:
        """Use another certificate for connections from now on; open ones keep theirs."""
        self._listener.tls_context = context


AnyServer = TypeVar("AnyServer", bound=HttpServer)


def build_https(
    application: WSGIApplication,
    context: ssl.SSLContext,
    limits: Limits,
    *,
    host: str,
    port: int,
    inline_paths: frozenset[str] = frozenset(),
    client_names: frozenset[str] = frozenset(),
) -> HttpsServer:
    """
    Listen for HTTPS and return the server.

    Requests for ``inline_paths`` run in the event loop: they must be short and wait for nothing. ``client_names``, if
    any, are the common or DNS names of which a client's certificate must bear one (with a context that asks for it).
    Raises ListenError.
    """
    sock = _listen(host, port)
    return HttpsServer(TlsListener(application, sock, limits, inline_paths, context=context, client_names=client_names))


def build_plain(application: WSGIApplication, *, host: str, port: int, limits: Limits = PLAIN_LIMITS) -> HttpServer:
    """Listen for plain HTTP, for probes and metrics, and return the server. Raises ListenError."""
    return HttpServer(Listener(application, _listen(host, port), limits, frozenset()))


@contextmanager
def running(server: AnyServer) -> Iterator[AnyServer]:
    """Run a server in a thread of its own inside a ``with`` block, and stop it at the end."""
    thread = threading.Thread(target=server.run, name=f"server-{server.port}", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise ListenError(f"cannot listen on {host or '*'}:{port}: a port is a number from 0 to 65535")
    try:
        return _bound_socket(host, port)
    except OSError as error:
        raise ListenError(_why_not(host, port, error)) from error


def _bound_socket(host: str, port: int) -> socket.socket:
    if not host and socket.has_dualstack_ipv6():
        return socket.create_server(("::", port), family=socket.AF_INET6, backlog=1024, dualstack_ipv6=True)
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    return socket.create_server(address[:2], family=family, backlog=1024)


def _why_not(host: str, port: int, error: OSError) -> str:
    where = f"cannot listen on {host or '*'}:{port}"
    match error:
        case OSError(errno=errno.EADDRINUSE):
            return f"{where}: the port is in use; stop what listens there or choose another port"
        case socket.gaierror() | OSError(errno=errno.EADDRNOTAVAIL):
            return f"{where}: {host!r} is no address of this machine; give one of its addresses or 0.0.0.0"
        case OSError(errno=errno.EACCES):
            return f"{where}: ports below 1024 need the right to bind them; choose one from 1024 up"
    return f"{where}: {error.strerror or error}"

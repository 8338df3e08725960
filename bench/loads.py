"""
A client as light as Python allows: blocking TLS sockets, one selector, requests written out beforehand but for a token.

It must cost less than the servers that it measures, and how busy a server was is always reported beside its rate.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import reviews

PATIENCE = 10.0
"""Seconds without any answer after which a measurement fails."""
FIRST = 1_000_000
"""The number of the first review under load; smaller numbers are for checks."""
PATCH = b'"patch":'
"""What every answer under load must hold; that patches are right is checked before."""


@dataclass(slots=True)
class Tally:
    """What came back."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Seconds of each answered review."""
    received: int = 0
    """Bytes of all answers, without their heads."""
    errors: int = 0
    """Answers that were none: another status, no patch, a connection that broke."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent."""

    status: bytes
    body: bytes
    last: bool
    """Whether it will close the connection."""


class Client:
    """Connections to one server, kept alive as an API server keeps its own. No two reviews that it sends are alike."""

    def __init__(
        self, port: int, certificate: Path, bodies: Sequence[bytes], *, connections: int = 8, marker: bytes = PATCH
    ) -> None:
        self._port, self._marker = port, marker
        self._context = ssl.create_default_context(cafile=str(certificate))
        self._requests = [reviews.cut(_request(body)) for body in bodies]
        self._selector = selectors.DefaultSelector()
        self._sockets = [self._connect() for _ in range(connections)]
        self._number = FIRST
        for sock in [*self._sockets]:  # what a server sends after the handshake must not look like an answer later
            self._take(*self._send(sock), Tally())

    def close(self) -> None:
        """Hang up."""
        self._selector.close()
        for sock in self._sockets:
            sock.close()

    def ask(self, body: bytes) -> bytes:
        """Send this very review and return the body of its answer."""
        sock = self._open(self._sockets[0])
        sock.sendall(_request(body))
        answer = _receive(sock)
        if answer.status != b"200":
            raise ConnectionError(f"expected status 200, got {answer.status!r}: {answer.body[:300]!r}")
        if answer.last:
            self._hang_up(sock)
        return answer.body

    def press(self, seconds: float) -> Tally:
        """Keep every connection busy for so long (closed loop)."""
        tally, begin = Tally(), time.perf_counter()
        jobs = dict(self._send(sock) for sock in [*self._sockets])
        while jobs:
            for sock in self._ready(PATIENCE):
                self._take(sock, jobs.pop(sock), tally)
                if time.perf_counter() < begin + seconds:
                    jobs.update([self._send(sock)])
        tally.seconds = time.perf_counter() - begin
        return tally

    def pace(self, rate: float, seconds: float) -> Tally:
        """
        Send so many reviews a second at even times, whatever becomes of them (open loop).

        Latency counts from the time when a review should have been sent: a late start is waiting, too.
        """
        tally, begin = Tally(), time.perf_counter()
        schedule = deque(begin + number / rate for number in range(int(rate * seconds)))
        idle = deque(self._sockets)
        jobs: dict[ssl.SSLSocket, float] = {}
        while schedule or jobs:
            now = time.perf_counter()
            while schedule and schedule[0] <= now and idle:
                sock, _ = self._send(idle.popleft())
                jobs[sock] = schedule.popleft()
            for sock in self._ready(_pause(schedule[0] - now if schedule and idle else PATIENCE)):
                self._take(sock, jobs.pop(sock), tally)
                idle.append(sock)
        tally.seconds = time.perf_counter() - begin
        return tally

    def _send(self, sock: ssl.SSLSocket) -> tuple[ssl.SSLSocket, float]:
        """Send the next review, if need be over another connection, and return that and the time."""
        self._number += 1
        pieces = self._requests[self._number % len(self._requests)]
        request = reviews.token(self._number).encode().join(pieces)
        begin = time.perf_counter()
        sock = self._open(sock)
        sock.sendall(request)
        return sock, begin

    def _take(self, sock: ssl.SSLSocket, begin: float, tally: Tally) -> None:
        """Receive an answer and note it."""
        try:
            answer = _receive(sock)
        except OSError:
            tally.errors += 1
            self._hang_up(sock)
            return
        tally.latencies.append(time.perf_counter() - begin)
        tally.received += len(answer.body)
        tally.errors += answer.status != b"200" or self._marker not in answer.body
        if answer.last:
            self._hang_up(sock)

    def _hang_up(self, sock: ssl.SSLSocket) -> None:
        self._selector.unregister(sock)
        sock.close()

    def _open(self, sock: ssl.SSLSocket) -> ssl.SSLSocket:
        """Return the connection, or another in the place of one that ended."""
        if sock.fileno() < 0:
            place = self._sockets.index(sock)
            sock = self._sockets[place] = self._connect()
        return sock

    def _connect(self) -> ssl.SSLSocket:
        sock = connect(self._port, self._context)
        self._selector.register(sock, selectors.EVENT_READ)
        return sock

    def _ready(self, timeout: float) -> Iterator[ssl.SSLSocket]:
        events = self._selector.select(timeout)
        if not events and timeout >= PATIENCE:
            raise TimeoutError(f"no answer for {timeout:g} seconds")
        for key, _ in events:
            assert isinstance(key.fileobj, ssl.SSLSocket)
            yield key.fileobj


@contextmanager
def connected(
    port: int, certificate: Path, bodies: Sequence[bytes], *, connections: int = 8, marker: bytes = PATCH
) -> Iterator[Client]:
    """Connect a client that sends reviews like *bodies* in turn, each with a token of its own."""
    client = Client(port, certificate, bodies, connections=connections, marker=marker)
    try:
        yield client
    finally:
        client.close()


def connect(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Return one connection, its handshake done."""
    sock = socket.create_connection(("localhost", port), timeout=PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(sock, server_hostname="localhost")


def _pause(seconds: float) -> float:
    """Return how long to sleep: the selector's clock ticks in milliseconds, so the last ones are spent looking."""
    return seconds if seconds >= PATIENCE else max(seconds - 0.002, 0.0)


def _request(body: bytes) -> bytes:
    head = (
        "POST /mutate?timeout=5s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kube-apiserver-admission\r\n"
        f"Content-Length: {len(body)}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n\r\n"
    )
    return head.encode() + body


def _receive(sock: ssl.SSLSocket) -> Answer:
    """Return one answer; raises OSError where the connection breaks."""
    found = _more(sock)
    while b"\r\n\r\n" not in found:
        found += _more(sock)
    head, _, body = found.partition(b"\r\n\r\n")
    head = head.lower()
    status, last = head[9:12], b"connection: close" in head
    if b"transfer-encoding: chunked" in head:
        return Answer(status, _dechunk(sock, body), last)
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += _more(sock)
    return Answer(status, body, last)


def _dechunk(sock: ssl.SSLSocket, rest: bytes) -> bytes:
    """Return the body of an answer that comes in chunks, as Go sends those that are not small."""
    pieces = []
    while True:
        while b"\r\n" not in rest:
            rest += _more(sock)
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        while len(rest) < length + 2:
            rest += _more(sock)
        pieces.append(rest[:length])
        rest = rest[length + 2 :]
        if not length:
            return b"".join(pieces)


def _more(sock: ssl.SSLSocket) -> bytes:
    if not (found := sock.recv(65536)):
        raise ConnectionError("the server hung up")
    return found

"""
A client as light as Python allows: blocking TLS sockets, one selector, requests written out beforehand.

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

CONNECTIONS = 8
"""Kept alive, as an API server keeps its connections to a webhook."""
PATIENCE = 10.0
"""Seconds without any answer after which a measurement fails."""


@dataclass(slots=True)
class Tally:
    """What came back."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Seconds of each answered review."""


@dataclass(frozen=True, slots=True)
class Job:
    """A review on its way."""

    request: int
    intended: float
    """When it should have been sent, on the clock of ``time.perf_counter``: a late start counts as waiting."""


class Client:
    """Eight connections to one server."""

    def __init__(self, port: int, certificate: Path, bodies: Sequence[bytes]) -> None:
        context = ssl.create_default_context(cafile=str(certificate))
        self._requests = [_request(body) for body in bodies]
        self._sockets = [_connect(port, context) for _ in range(CONNECTIONS)]
        self._selector = selectors.DefaultSelector()
        for sock in self._sockets:
            self._selector.register(sock, selectors.EVENT_READ)
        self._next = 0

    def close(self) -> None:
        """Hang up."""
        self._selector.close()
        for sock in self._sockets:
            sock.close()

    def ask(self, number: int) -> bytes:
        """Send one review and return the body of its answer."""
        self._sockets[0].sendall(self._requests[number])
        return _receive(self._sockets[0])

    def press(self, seconds: float) -> Tally:
        """Keep every connection busy for so long (closed loop)."""
        tally, begin = Tally(), time.perf_counter()
        end = begin + seconds
        jobs = {sock: self._send(sock, time.perf_counter()) for sock in self._sockets}
        while jobs:
            for sock in self._ready(PATIENCE):
                job = jobs.pop(sock)
                _receive(sock)
                now = time.perf_counter()
                tally.latencies.append(now - job.intended)
                if now < end:
                    jobs[sock] = self._send(sock, now)
        tally.seconds = time.perf_counter() - begin
        return tally

    def pace(self, rate: float, seconds: float) -> Tally:
        """Send so many reviews a second at even times, whatever becomes of them (open loop)."""
        tally, begin = Tally(), time.perf_counter()
        schedule = deque(begin + number / rate for number in range(int(rate * seconds)))
        idle = deque(self._sockets)
        jobs: dict[ssl.SSLSocket, Job] = {}
        while schedule or jobs:
            now = time.perf_counter()
            while schedule and schedule[0] <= now and idle:
                sock = idle.popleft()
                jobs[sock] = self._send(sock, schedule.popleft())
            for sock in self._ready(_pause(schedule[0] - now if schedule and idle else PATIENCE)):
                _receive(sock)
                tally.latencies.append(time.perf_counter() - jobs.pop(sock).intended)
                idle.append(sock)
        tally.seconds = time.perf_counter() - begin
        return tally

    def _send(self, sock: ssl.SSLSocket, intended: float) -> Job:
        self._next = (self._next + 1) % len(self._requests)
        sock.sendall(self._requests[self._next])
        return Job(self._next, intended)

    def _ready(self, timeout: float) -> Iterator[ssl.SSLSocket]:
        events = self._selector.select(timeout)
        if not events and timeout >= PATIENCE:
            raise TimeoutError(f"no answer for {timeout:g} seconds")
        for key, _ in events:
            assert isinstance(key.fileobj, ssl.SSLSocket)
            yield key.fileobj


@contextmanager
def connected(port: int, certificate: Path, bodies: Sequence[bytes]) -> Iterator[Client]:
    """Connect a client that sends *bodies* in turn."""
    client = Client(port, certificate, bodies)
    try:
        yield client
    finally:
        client.close()


def _pause(seconds: float) -> float:
    """Return how long to sleep: the selector's clock ticks in milliseconds, so the last ones are spent looking."""
    return seconds if seconds >= PATIENCE else max(seconds - 0.002, 0.0)


def _connect(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    sock = socket.create_connection(("localhost", port), timeout=PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(sock, server_hostname="localhost")


def _request(body: bytes) -> bytes:
    head = (
        "POST /mutate?timeout=5s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kube-apiserver-admission\r\n"
        f"Content-Length: {len(body)}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n\r\n"
    )
    return head.encode() + body


def _receive(sock: ssl.SSLSocket) -> bytes:
    """Return the body of one answer; anything but status 200 is an error."""
    found = sock.recv(65536)
    while b"\r\n\r\n" not in found:
        found += _more(sock)
    head, _, body = found.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(f"expected status 200, got {found[:300]!r}")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += _more(sock)
    return body


def _more(sock: ssl.SSLSocket) -> bytes:
    if not (found := sock.recv(65536)):
        raise ConnectionError("the server hung up")
    return found

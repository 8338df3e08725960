"""What one client may take of the server: values only, no sockets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Deadlines in seconds, sizes in bytes. Deadlines are absolute: bytes that keep dripping do not extend them."""

    handshake: float = 5.0
    """From accepting a connection to the end of its TLS handshake; the API server's whole call has 5 to 30 s."""
    request: float = 5.0
    """From the first byte of a request to its last: 8 MiB in 5 s is 13 Mbit/s, far below any cluster network."""
    write: float = 30.0
    """For a peer to take one response; a peer that does not read would otherwise hold a thread for ever."""
    idle: float = 120.0
    """For a kept-alive connection without a request; more than the 90 s for which the API server pools it, so that
    the server is never the one that hangs up on a request under way."""
    linger: float = 1.0
    """After the last response of a connection, for the peer to hang up first; what it still sends is thrown away, as
    closing with unread bytes would make the kernel destroy the response."""
    finish: float = 5.0
    """For what runs when the server is stopped; not more than ``timeoutSeconds`` of the webhook."""
    connections: int = 1000
    """Open at once; one more closes the one that has been quiet longest. An API server pools 25."""
    body: int = 8 << 20
    """Of one request; an API server's own limit of 3 MiB can grow in JSON."""
    bodies: int = 64 << 20
    """Of all requests being received or waiting together; beyond it large bodies are received one after the other."""
    header: int = 16 << 10
    """Request line and header fields together; the API server sends less than 1 KiB."""
    threads: int = 4
    """For requests that are not answered in the event loop."""

    @property
    def tick(self) -> float:
        """How often deadlines are looked at, in seconds: every second, or more often where a deadline is short."""
        return min(1.0, min(self.handshake, self.request, self.write, self.idle, self.linger) / 4)

"""The other side of the wire, from polite to rude."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import time
from dataclasses import dataclass

PATIENCE = 60.0
"""Seconds after which a test gives up, on however busy a machine; nothing is asserted about times below it."""


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A connection that speaks HTTP/1.1."""

    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb")

    def send(self, data):
        self.sock.sendall(data)

    def get(self, target):
        self.send(request(target))
        return self.read()

    def post(self, target, body):
        self.send(request(target, body))
        return self.read()

    def read(self):
        """Return the next response."""
        status = int(self.file.readline().split()[1])
        headers = {}
        while (line := self.file.readline()) not in {b"\r\n", b""}:
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = self._chunks() if headers.get("transfer-encoding") == "chunked" else self._fixed(headers)
        return Response(status, headers, body)

    def rest(self):
        """Return what comes until the peer closes; a connection that is reset counts as closed."""
        return read_to_end(self.file.read1)

    def reset(self):
        """Leave without a word."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.file.close()
        if self.sock.fileno() != -1:
            os.close(self.sock.detach())

    def _fixed(self, headers):
        return self.file.read(int(headers.get("content-length", 0)))

    def _chunks(self):
        body = b""
        while size := int(self.file.readline() or b"0", 16):
            body += self.file.read(size)
            self.file.readline()
        return body


def request(target, body=None, *headers):
    method, lines = ("GET", []) if body is None else ("POST", [f"Content-Length: {len(body)}"])
    head = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", *lines, *headers])
    return head.encode() + b"\r\n\r\n" + (body or b"")


def read_to_end(read):
    data = b""
    try:
        while piece := read(65536):
            data += piece
    except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
        pass
    return data


def trusting(*identities):
    """Return a client's context that trusts these certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # as strict as Go's, not as Python's default from 3.13 on
    context.load_verify_locations(cadata="".join(identity.certificate.decode() for identity in identities))
    return context


def eventually(condition):
    """Wait until a condition holds, and say whether it did."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True

"""An API server on loopback with nothing in it: lists are empty and watches silent, for a peer that insists on one."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson

_NOTHING = orjson.dumps(
    {
        "kind": "MutatingWebhookConfigurationList",
        "apiVersion": "admissionregistration.k8s.io/v1",
        "metadata": {"resourceVersion": "1"},
        "items": [],
    }
)


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    timeout = 5.0  # a handshake that never ends must not keep its thread
    ended: threading.Event

    def do_GET(self) -> None:
        """Send an empty list, or the beginning of a stream in which nothing ever happens."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if "watch" in parse_qs(urlsplit(self.path).query):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            self.ended.wait()
            self.close_connection = True
            return
        self.send_header("Content-Length", str(len(_NOTHING)))
        self.end_headers()
        self.wfile.write(_NOTHING)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Say nothing."""


@contextmanager
def running(certificate: Path, key: Path) -> Iterator[int]:
    """Serve HTTPS in threads of this process and yield the port."""
    ended = threading.Event()
    handler = type("Handler", (_Handler,), {"ended": ended})
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("localhost", 0), handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, name="api-server", daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            ended.set()
            server.shutdown()
            thread.join()

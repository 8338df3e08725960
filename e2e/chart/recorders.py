"""An HTTPS server in place of Pillion that admits every pod as it is, and remembers which it was asked about."""

from __future__ import annotations

import json
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from injector.cli import throwaways


@dataclass(frozen=True)
class Recorder:
    """What was asked so far."""

    address: str
    authority: str
    """In PEM."""
    calls: Counter[str] = field(default_factory=Counter)
    """How often, by ``namespace/name``."""


@contextmanager
def recording(folder: Path) -> Iterator[Recorder]:
    """Run a recorder on a free port of loopback."""
    certificate, key = throwaways.write_certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.recorder = Recorder(f"https://localhost:{server.server_port}", certificate.read_text())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.recorder
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = review["request"]
        self.server.recorder.calls[f"{request['namespace']}/{request['object']['metadata']['name']}"] += 1
        response = {"uid": request["uid"], "allowed": True}
        body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test tells."""

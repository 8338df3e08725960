"""The connection to an API server: over TLS of old clusters, with a token, refusing what is none."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from injector.shell.clusters import Cluster
from injector.shell.errors import ClusterError
from tests.certs import authorities
from tests.certs.authorities import pem


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status, headers, text = self.server.answer
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """An API server whose authority has no key identifiers, as on clusters that were made years ago."""
    now = authorities.datetime.now(authorities.UTC).timestamp()
    old = authorities.make("kubernetes", now=now, identifiers=False)
    certificate, key = authorities.pair(old, "localhost", now=now)
    (tmp_path / "pair").write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair")
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.answer, server.asked, server.authority = (200, {}, b"{}"), [], old
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def connect(server, path, authority):
    data = base64.b64encode(pem(authority.certificate)).decode()
    address = f"https://localhost:{server.server_address[1]}"
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "t",
        "users": [{"name": "t", "user": {"token": "s3cret"}}],
        "contexts": [{"name": "t", "context": {"cluster": "t", "user": "t"}}],
        "clusters": [{"name": "t", "cluster": {"server": address, "certificate-authority-data": data}}],
    }))  # fmt: skip
    return Cluster(str(path))


def test_an_authority_without_key_identifiers_is_trusted_and_a_token_is_sent(server, tmp_path):
    server.answer = (200, {}, b'{"kind": "Secret"}')

    assert {"kind": "Secret"} == connect(server, tmp_path / "config", server.authority).request("GET", "/api/v1/x")
    assert [("/api/v1/x", "Bearer s3cret")] == server.asked


def test_another_authority_is_not_trusted(server, tmp_path):
    other = authorities.make("kubernetes", now=authorities.datetime.now(authorities.UTC).timestamp())

    with pytest.raises(ClusterError, match="certificate verify failed") as caught:
        connect(server, tmp_path / "config", other).request("GET", "/api")

    assert 0 == caught.value.status
    assert [] == server.asked


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((403, {}, b'{"reason": "Forbidden", "message": "no"}'), (403, "Forbidden", "no", 0.0)),
        ((429, {"Retry-After": "7"}, b"slow down"), (429, "", "Too Many Requests", 7.0)),
        ((503, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b""), (503, "", "Service Unavailable", 0.0)),
        ((302, {"Location": "https://elsewhere.example"}, b""), (302, "", "Found", 0.0)),
        ((200, {}, b"<html>"), (0, "NoAnswer", "the answer is no JSON: is this an API server?", 0.0)),
    ],
    ids=["refused", "too many", "a date", "never followed", "no API server"],
)
def test_what_is_no_success_is_an_error(server, tmp_path, answer, expected):
    server.answer = answer

    with pytest.raises(ClusterError) as caught:
        connect(server, tmp_path / "config", server.authority).request("GET", "/api")

    error = caught.value
    assert expected == (error.status, error.reason, error.message, error.retry_after)

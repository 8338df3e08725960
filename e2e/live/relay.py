"""
Passes reviews on to a webhook, and writes down each with its answer: a line of JSON a call.

It runs in a pod as ``python relay.py CERTIFICATE KEY HOST AUTHORITY`` on port 8443: the name of the webhook's server,
and the file of the authorities that vouch for it. It is made of Python's library alone.
"""
# ruff: noqa: T201, TID251 - a program of its own, in a pod

from __future__ import annotations

import base64
import http.client
import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def describe(review: dict, answer: dict) -> dict:
    """Return what was asked and what was answered."""
    pod, response = review["request"]["object"], answer["response"]
    return {
        "name": pod["metadata"].get("generateName") or pod["metadata"]["name"],
        "dry_run": review["request"].get("dryRun", False),
        "pod": pod,
        "patch": json.loads(base64.b64decode(response["patch"])) if "patch" in response else None,
        "audit": response["auditAnnotations"],
    }


class Handler(BaseHTTPRequestHandler):
    """Passes on."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Pass on one review."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        _, _, _, host, authority = sys.argv
        connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=authority), timeout=5)
        connection.request("POST", "/mutate?timeout=5s", body, {"Content-Type": "application/json"})
        answered = connection.getresponse()
        answer = answered.read()
        connection.close()
        print(json.dumps(describe(json.loads(body), json.loads(answer))), flush=True)
        self.send_response(answered.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing: a line is a call."""


if __name__ == "__main__":
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(*sys.argv[1:3])
    server = ThreadingHTTPServer(("", 8443), Handler)
    server.socket = server_context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()

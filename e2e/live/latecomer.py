"""
A mutating webhook of somebody else, which adds a container to every pod that has none of its own yet.

It runs in a pod as ``python latecomer.py CERTIFICATE KEY``, on port 8443, and is made of Python's library alone.
"""

from __future__ import annotations

import base64
import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = "latecomer"


def patch(pod: dict) -> list[dict]:
    """Append the container, once."""
    containers = pod["spec"]["containers"]
    if any(each["name"] == NAME for each in containers):
        return []
    image = containers[0]["image"]
    value = {"name": NAME, "image": image, "command": ["sh", "-c", "exec sleep 3600"]}
    return [{"op": "add", "path": "/spec/containers/-", "value": value}]


class Handler(BaseHTTPRequestHandler):
    """Answers reviews."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one review."""
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        response = {"uid": review["request"]["uid"], "allowed": True}
        operations = patch(review["request"]["object"])
        if operations:
            encoded = base64.b64encode(json.dumps(operations).encode()).decode()
            response |= {"patchType": "JSONPatch", "patch": encoded}
        body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:])
    server = ThreadingHTTPServer(("", 8443), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()

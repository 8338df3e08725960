"""
Calls the webhook again and again, and notes each time what came of it and whether the API server was ready.

It runs in a pod as ``python witness.py HOST NAME AUTHORITY REVIEW``: the server's address, the name that its
certificate must bear, the authorities in PEM, and the review to send. Each line that it writes is one call.
"""
# ruff: noqa: T201, TID251 - a program of its own, in a pod

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import ssl
import sys
import time
from contextlib import closing, suppress

HTTPS = 443


def main() -> None:
    """Call until somebody ends it."""
    host, name, authority, review = sys.argv[1:]
    context = ssl.create_default_context(cadata=authority)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as Go, which asks less of an authority
    while True:
        away = not api_server_is_ready()
        print(json.dumps({"away": away, "patch": call(context, host, name, review)}), flush=True)
        time.sleep(0.1)


def call(context: ssl.SSLContext, host: str, name: str, review: str) -> object:
    """Send the review and return the patch, or what went wrong."""
    head = f"POST /mutate HTTP/1.1\r\nHost: {name}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    try:
        with (
            socket.create_connection((host, HTTPS), 5) as connection,
            context.wrap_socket(connection, server_hostname=name) as tls,
        ):
            tls.sendall(f"{head}Content-Length: {len(review)}\r\n\r\n{review}".encode())
            answer = b"".join(iter(lambda: tls.recv(65536), b""))
        return json.loads(base64.b64decode(json.loads(answer.partition(b"\r\n\r\n")[2])["response"]["patch"]))
    except (OSError, ValueError, LookupError) as error:
        return f"{type(error).__name__}: {error}"


def api_server_is_ready() -> bool:
    """Whether the API server says that it is ready; who it is does not matter here."""
    address = f"{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        suppress(OSError, http.client.HTTPException),
        closing(http.client.HTTPSConnection(address, timeout=1, context=context)) as connection,
    ):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


if __name__ == "__main__":
    main()

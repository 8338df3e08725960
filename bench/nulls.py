"""
The floor of the server: the same code and certificate, with a handler that reads a review and answers fixed bytes.

    python -m bench.nulls CERTIFICATE KEY BYTES
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from injector.shell import certificates, servers
from injector.shell.app import MUTATE
from injector.shell.certificates import Files
from injector.shell.limits import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def build(size: int) -> WSGIApplication:
    """Return an application that answers so many bytes to whatever it is sent."""
    body = b" " * size

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(size))])
        return [body]

    return application


def main() -> None:
    """Serve until killed, after one line with the port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("certificate", type=Path)
    parser.add_argument("key", type=Path)
    parser.add_argument("size", type=int)
    given = parser.parse_args()
    context = certificates.load(Files(certificate=given.certificate, key=given.key)).context
    inline = frozenset({MUTATE})
    server = servers.build_https(build(given.size), context, Limits(), host="localhost", port=0, inline_paths=inline)
    print(f'{{"event": "listening", "port": {server.port}}}', flush=True)
    server.run()


if __name__ == "__main__":
    main()

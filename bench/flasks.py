"""
The tutorial design as a server of its own: a Flask view around ``tutorials.answer``.

    python -m bench.flasks waitress CERTIFICATE KEY      on our TLS in waitress, the best that it can get
    python -m bench.flasks flask CERTIFICATE KEY         on the server that comes with Flask, as tutorials run it
"""

from __future__ import annotations

import argparse
import ssl
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.serving import make_server

from bench import tutorials
from injector.shell import certificates, servers
from injector.shell.certificates import Files
from injector.shell.limits import Limits


def build() -> Flask:
    """Return the application."""
    application = Flask("tutorial")

    @application.post("/mutate")
    def mutate() -> Response:
        return Response(tutorials.answer(request.get_data()), mimetype="application/json")

    return application


def _on_waitress(certificate: Path, key: Path) -> None:
    context = certificates.load(Files(certificate=certificate, key=key)).context
    server = servers.build_https(build(), context, Limits(), host="localhost", port=0)
    _announce(server.port)
    server.run()


def _on_flask(certificate: Path, key: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = make_server("localhost", 0, build(), threaded=True, ssl_context=context)
    _announce(server.server_port)
    server.serve_forever()


_SERVERS: dict[str, Callable[[Path, Path], None]] = {"waitress": _on_waitress, "flask": _on_flask}


def _announce(port: int) -> None:
    print(f'{{"event": "listening", "port": {port}}}', flush=True)


def main() -> None:
    """Serve until killed, after one line with the port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("server", choices=sorted(_SERVERS))
    parser.add_argument("certificate", type=Path)
    parser.add_argument("key", type=Path)
    given = parser.parse_args()
    _SERVERS[given.server](given.certificate, given.key)


if __name__ == "__main__":
    main()

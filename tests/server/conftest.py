"""Servers that run while a test runs, and connections that are closed after it."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import replace

import pytest

from injector.shell import certificates, servers
from injector.shell.limits import Limits
from tests.server.applications import Application
from tests.server.authorities import issue
from tests.server.clients import PATIENCE, Client, trusting

LIMITS = Limits(
    handshake=10, request=10, write=10, idle=30, linger=0.4, finish=10, connections=100, body=2 << 20, bodies=16 << 20
)
"""Generous, so that a test shortens the one deadline that it is about."""

INLINE = frozenset({"/inline", "/inline-large", "/fail-inline"})


class Network:
    """Starts servers and connects to them."""

    def __init__(self, stack, identity, files):
        self.application = Application()
        self.identity = identity
        self.context = certificates.load(files).context
        self._stack = stack

    def https(self, *, context=None, client_names=frozenset(), **limits):
        server = servers.build_https(
            self.application,
            context or self.context,
            replace(LIMITS, **limits),
            host="127.0.0.1",
            port=0,
            inline_paths=INLINE,
            client_names=client_names,
        )
        return self._run(server)

    def plain(self, **limits):
        limits = replace(servers.PLAIN_LIMITS, linger=0.4, **limits)
        return self._run(servers.build_plain(self.application, host="127.0.0.1", port=0, limits=limits))

    def limit(self, server, **limits):
        """Change limits of a running server, so that a test can do in peace what comes before or after a deadline."""
        listener = server._listener
        listener.limits = replace(listener.limits, **limits)

    def tcp(self, server):
        """Connect and say nothing."""
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._keep(Client(sock))

    def tls(self, server, context=None, **options):
        """Connect and shake hands."""
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with ExitStack() as on_failure:
            on_failure.callback(sock.close)
            wrapped = (context or self.trust).wrap_socket(sock, server_hostname="localhost", **options)
            on_failure.pop_all()
        return self._keep(Client(wrapped))

    @property
    def trust(self):
        return trusting(self.identity)

    def _run(self, server):
        server._listener.suspicious = False  # a connection that forgets to say that it changed hangs
        return self._stack.enter_context(servers.running(server))

    def _keep(self, client):
        self._stack.callback(client.close)
        return client


@pytest.fixture(scope="session")
def identity():
    return issue()


@pytest.fixture(scope="session")
def files(identity, tmp_path_factory):
    return identity.store(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def network(identity, files, caplog):
    with ExitStack() as stack:
        network = Network(stack, identity, files)
        yield network
        network.application.gate.set()
    assert [] == [record.getMessage() for record in caplog.records if "uncaptured" in record.getMessage()]

"""An address that cannot be listened on ends the start with one sentence."""

from __future__ import annotations

import socket

import pytest

from injector.shell import servers
from injector.shell.errors import ListenError
from injector.shell.limits import Limits

TABLE = [
    ("127.0.0.1", 70000, "cannot listen on 127.0.0.1:70000: a port is a number from 0 to 65535"),
    ("127.0.0.1", -1, "cannot listen on 127.0.0.1:-1: a port is a number from 0 to 65535"),
    (
        "192.0.2.1",  # an address for documentation, nobody's own
        0,
        "cannot listen on 192.0.2.1:0: '192.0.2.1' is no address of this machine; give one of its addresses or 0.0.0.0",
    ),
    (
        "300.1.1.1",
        0,
        "cannot listen on 300.1.1.1:0: '300.1.1.1' is no address of this machine; give one of its addresses or 0.0.0.0",
    ),
]


def application(_, start_response):
    start_response("204 No Content", [])
    return []


@pytest.mark.parametrize(("host", "port", "expected"), TABLE)
def test_an_address_that_cannot_be_listened_on_is_named(host, port, expected):
    with pytest.raises(ListenError) as caught:
        servers.build_plain(application, host=host, port=port)

    assert expected == str(caught.value)


def test_a_port_in_use_is_named(network):
    taken = network.plain().port
    with pytest.raises(ListenError) as caught:
        servers.build_https(application, network.context, Limits(), host="127.0.0.1", port=taken)

    assert (
        f"cannot listen on 127.0.0.1:{taken}: the port is in use; stop what listens there or choose another port"
        == str(caught.value)
    )


def test_a_port_without_the_right_to_it_is_named():
    assert (
        "cannot listen on *:443: ports below 1024 need the right to bind them; choose one from 1024 up"
        == servers._why_not("", 443, PermissionError(13, "Permission denied"))
    )


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1", "0.0.0.0"])
def test_the_usual_addresses_are_reached_on_loopback(host):
    server = servers.build_plain(application, host=host, port=0)

    with servers.running(server), socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 204")

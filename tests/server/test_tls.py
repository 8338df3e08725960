"""TLS as a peer sees it: versions, endings, surprises in mid-connection, client certificates."""

from __future__ import annotations

import logging
import os
import ssl
from dataclasses import replace

import pytest

from injector.shell import certificates, listeners
from tests.server import records
from tests.server.applications import echo_of
from tests.server.authorities import CLIENT, issue
from tests.server.clients import PATIENCE, eventually, read_to_end, request

SPEAK_TLS = b"This port speaks HTTPS; the request came as plain HTTP.\n"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_current_versions_are_spoken(network, version):
    context = network.trust
    context.minimum_version = context.maximum_version = version

    assert 200 == network.tls(network.https(), context).get("/").status


def test_old_versions_are_refused(network):
    server = network.https()
    client = network.tcp(server)
    client.send(old_hello())

    alert = client.rest()
    assert (records.ALERT, 70) == (alert[0], alert[6])  # protocol_version
    assert 1 == server.counters.tls_failures


def test_http_1_1_is_agreed_on(network):
    context = network.trust
    context.set_alpn_protocols(["h2", "http/1.1"])

    assert "http/1.1" == network.tls(network.https(), context).sock.selected_alpn_protocol()


def test_plain_http_on_the_tls_port_is_told_so(network):
    server = network.https()
    client = network.tcp(server)
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    answer = client.rest()
    assert answer.startswith(b"HTTP/1.0 400 Bad Request\r\n")
    assert answer.endswith(SPEAK_TLS)
    assert 1 == server.counters.tls_failures


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0" * 500,
        os.urandom(500),
        b"\x16\x03\x01\xff\xff" + os.urandom(100_000),
        b"SSH-2.0-x\r\n",
        b"\x16\x03\x01\0\0",
    ],
    ids=["zeros", "random", "huge record", "ssh", "empty record"],
)
def test_garbage_on_the_tls_port_ends_its_connection_only(network, garbage):
    server = network.https(handshake=0.5)
    client = network.tcp(server)
    client.send(garbage)

    assert len(client.rest()) <= 7  # at most an alert
    network.limit(server, handshake=PATIENCE)
    assert 200 == network.tls(server).get("/").status


def test_a_broken_record_ends_its_connection_only(network):
    server = network.https()
    client = network.tls(server)
    client.get("/")
    os.write(client.sock.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))

    assert eventually(lambda: server.counters.tls_failures == 1)
    assert 200 == network.tls(server).get("/").status


def test_failures_are_logged_but_not_each(network, caplog, monkeypatch):
    monkeypatch.setattr(listeners, "_SECONDS_BETWEEN_MESSAGES", 3600.0)
    caplog.set_level(logging.INFO)
    server = network.https()
    for _ in range(20):
        client = network.tcp(server)
        client.send(b"\0" * 100)
        client.rest()

    assert 20 == server.counters.tls_failures
    assert 1 == len([record for record in caplog.records if "TLS with 127.0.0.1 failed" in record.getMessage()])


def test_the_server_says_goodbye_after_the_last_answer(network):
    client = network.tls(network.https(), suppress_ragged_eofs=False)
    client.send(request("/", None, "Connection: close"))

    assert client.file.read().endswith(echo_of(b""))  # an end without a goodbye raises


def test_a_goodbye_is_answered(network):
    server = network.https()
    client = network.tls(server)
    client.get("/")

    client.sock.unwrap().close()
    assert eventually(lambda: server.counters.open == 0)


@pytest.mark.parametrize("path", ["/", "/inline"])
def test_a_request_followed_by_a_goodbye_is_answered(network, path):
    client = network.tcp(network.https())
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = network.trust.wrap_bio(incoming, outgoing, server_hostname="localhost")
    shake_hands(client, tls, incoming, outgoing)
    tls.write(request(path))
    with pytest.raises(ssl.SSLWantReadError):
        tls.unwrap()
    client.send(outgoing.read())

    incoming.write(read_to_end(client.sock.recv))
    assert b"200 OK" in tls.read(65536)


def test_keys_may_be_updated_in_both_directions(network):
    handshake = records.Handshake(network.tcp(network.https()), network.trust, ssl.TLSVersion.TLSv1_3)
    ours = records.Modern(handshake, "CLIENT_TRAFFIC_SECRET_0")
    theirs = records.Modern(handshake, "SERVER_TRAFFIC_SECRET_0")
    answers, updates = [], 0
    with handshake.sock.makefile("rb") as file:
        for target in ("/?a", "/?b", "/?c"):
            handshake.sock.sendall(ours.seal(records.DATA, request(target)))
            kind = records.HANDSHAKE
            while kind != records.DATA:
                kind, data = theirs.open(records.read_record(file))
                if kind == records.HANDSHAKE and data[0] == records.KEY_UPDATE:
                    theirs.update()
                    updates += 1
            answers.append(data[-len(echo_of(b"", "a")) :])
            handshake.sock.sendall(ours.seal(records.HANDSHAKE, bytes([records.KEY_UPDATE, 0, 0, 1, 1])))
            ours.update()

    assert [echo_of(b"", letter) for letter in "abc"] == answers
    assert 2 == updates


def test_a_client_may_not_renegotiate(network):
    context = network.trust
    context.set_ciphers(records.Classic.SUITE)
    handshake = records.Handshake(network.tcp(network.https()), context, ssl.TLSVersion.TLSv1_2)
    ours, theirs = records.Classic(handshake, 0), records.Classic(handshake, 1)
    hello = handshake.sent[5 : 5 + int.from_bytes(handshake.sent[3:5])]
    handshake.sock.sendall(ours.seal(records.HANDSHAKE, hello))
    with handshake.sock.makefile("rb") as file:
        assert (records.ALERT, bytes([1, 100])) == theirs.open(records.read_record(file))  # no_renegotiation

        handshake.sock.sendall(ours.seal(records.DATA, request("/?after")))
        kind, data = theirs.open(records.read_record(file))
    assert (records.DATA, True) == (kind, data.endswith(echo_of(b"", "after")))


@pytest.fixture(scope="session")
def api_server():
    return issue("api-server", purpose=CLIENT)


@pytest.fixture
def strict(files, api_server, tmp_path):
    """Return a server's context that asks for a certificate of the API server's authority."""
    authority = tmp_path / "client-ca.crt"
    authority.write_bytes(api_server.certificate)
    return certificates.load(replace(files, client_ca=authority)).context


def test_a_client_with_the_right_certificate_is_served(network, strict, api_server, tmp_path):
    server = network.https(context=strict, client_names=frozenset({"api-server"}))
    context = presenting(network.trust, api_server, tmp_path)

    assert 200 == network.tls(server, context).get("/").status


def test_a_client_without_a_certificate_is_not_served(network, strict):
    server = network.https(context=strict)

    assert not is_served(network, server, network.trust)
    assert 1 == server.counters.tls_failures


def test_a_client_with_a_foreign_certificate_is_not_served(network, strict, tmp_path):
    server = network.https(context=strict)
    context = presenting(network.trust, issue("api-server", purpose=CLIENT), tmp_path)

    assert not is_served(network, server, context)


def test_a_client_with_another_name_is_not_served(network, strict, api_server, tmp_path, caplog):
    server = network.https(context=strict, client_names=frozenset({"front-proxy"}))

    assert not is_served(network, server, presenting(network.trust, api_server, tmp_path))
    assert "bears none of the allowed names" in caplog.text


def presenting(context, identity, folder):
    files = identity.store(folder / "client")
    context.load_cert_chain(files.certificate, files.key)
    return context


def is_served(network, server, context):
    try:
        client = network.tls(server, context)  # in TLS 1.3 the client is done before it is refused
        client.send(request("/"))
        return b"200 OK" in client.rest()
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
        return False


def shake_hands(client, tls, incoming, outgoing):
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            client.send(outgoing.read())
            incoming.write(client.sock.recv(65536))
        else:
            return


def old_hello():
    """Return the hello of a client that knows TLS 1.1 at most."""
    body = b"\x03\x02" + b"\x11" * 32 + b"\0" + b"\x00\x04\xc0\x0a\x00\x35" + b"\x01\0"
    message = b"\x01" + len(body).to_bytes(3) + body
    return b"\x16\x03\x01" + len(message).to_bytes(2) + message

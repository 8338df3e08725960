"""The second port: probes are answered whatever happens on it or on the first."""

from __future__ import annotations

from tests.server.applications import PATTERN, echo_of
from tests.server.clients import PATIENCE, eventually, request


def test_probes_are_answered_in_plain_http(network):
    client = network.tcp(network.plain())

    assert [echo_of(b"", "1"), echo_of(b"", "2")] == [client.get("/?1").body, client.get("/?2").body]


def test_a_large_page_of_metrics_arrives_whole(network):
    client = network.tcp(network.plain())

    assert PATTERN * 40 == client.get(f"/large?{40 * len(PATTERN)}").body
    assert PATTERN * 20 == client.get("/file").body


def test_silent_clients_do_not_starve_probes(network):
    server = network.plain()
    silent = [network.tcp(server) for _ in range(250)]
    for number, peer in enumerate(silent[-50:]):
        peer.send(b"GET / HTTP/1.1\r\nX: "[: number % 20])

    assert 200 == network.tcp(server).get("/").status
    assert server.counters.open <= 101


def test_a_half_sent_probe_is_dropped(network):
    server = network.plain(request=0.4)
    peer = network.tcp(server)
    peer.send(b"GET /livez HTTP/1.1\r\n")

    assert b"" == peer.rest()
    assert {"request": 1} == server.counters.overdue


def test_a_client_that_only_sends_and_never_reads_is_dropped(network):
    server = network.plain(write=0.4)
    peer = network.tcp(server)
    peer.send(request("/large?200000000"))

    assert eventually(lambda: server.counters.overdue == {"write": 1})
    assert network.application.closed.wait(PATIENCE)


def test_a_client_that_has_shut_its_side_gets_its_answer(network):
    client = network.tcp(network.plain())
    client.send(request("/?q"))
    client.sock.shutdown(1)

    assert echo_of(b"", "q") == client.read().body


def test_probes_are_answered_while_the_other_server_has_no_thread_left(network):
    https, plain = network.https(threads=2), network.plain()
    for _ in range(2):
        network.tls(https).send(request("/wait"))
        assert network.application.entered.acquire(timeout=PATIENCE)
    network.tls(https).send(request("/"))

    assert 200 == network.tcp(plain).get("/").status


def test_each_server_ends_alone(network):
    https, plain = network.https(), network.plain()
    plain.stop()
    assert plain.wait(PATIENCE)

    assert 200 == network.tls(https).get("/").status

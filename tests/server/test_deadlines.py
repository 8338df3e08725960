"""A peer that goes silent, drips or does not read is dropped, and harms nobody meanwhile."""

from __future__ import annotations

import random
import ssl
import threading
from contextlib import suppress

import pytest

from tests.server.applications import echo_of
from tests.server.clients import PATIENCE, eventually, request

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"


def test_silent_peers_are_dropped_and_others_served_meanwhile(network):
    server = network.https()
    silent = [network.tcp(server) for _ in range(60)]

    assert 200 == network.tls(server).get("/").status
    network.limit(server, handshake=0.1)
    assert {b""} == {peer.rest() for peer in silent}
    assert 60 == server.counters.overdue["handshake"]


def test_a_handshake_that_drips_is_dropped(network):
    server = network.https(handshake=0.5)
    peer = network.tcp(server)

    assert drips_until_dropped(peer, client_hello(network.trust))
    assert {"handshake": 1} == server.counters.overdue


@pytest.mark.parametrize(
    ("beginning", "drip"),
    [(b"", b"POST / HTTP/1.1\r\nX: " + b"x" * 9999), (HEAD, b"x" * 999), (b"", b"")],
    ids=["header", "body", "pause"],
)
def test_a_request_that_drips_or_stops_is_dropped(network, beginning, drip):
    server = network.https(request=0.5)
    peer = network.tls(server)
    peer.send(beginning or b"G")

    assert drips_until_dropped(peer, drip) if drip else b"" == peer.rest()
    assert {"request": 1} == server.counters.overdue


def test_a_request_that_waits_for_its_predecessor_is_not_dropped_for_it(network):
    server = network.https(request=0.5)
    client = network.tls(server)
    begun = request("/?second")
    client.send(request("/wait") + begun[:5])
    assert network.application.entered.acquire(timeout=PATIENCE)
    stranger = network.tls(server)
    stranger.send(b"G")
    assert b"" == stranger.rest()  # the deadline has passed for whoever began at that time
    network.limit(server, request=PATIENCE)

    network.application.gate.set()
    client.send(begun[5:])
    assert [b"waited", echo_of(b"", "second")] == [client.read().body, client.read().body]


def test_an_idle_connection_is_closed_in_the_end(network):
    server = network.https()
    client = network.tls(server, suppress_ragged_eofs=False)
    client.get("/")
    network.limit(server, idle=0.1)

    assert b"" == client.rest()
    assert {"idle": 1} == server.counters.overdue


def test_a_long_running_request_is_not_idle(network):
    server = network.https()
    client, idle = network.tls(server), network.tls(server)
    client.send(request("/wait"))
    assert network.application.entered.acquire(timeout=PATIENCE)
    network.limit(server, idle=0.3, request=0.3, write=0.3)
    assert b"" == idle.rest()

    network.application.gate.set()
    assert b"waited" == client.read().body


def test_a_peer_that_never_reads_is_dropped_and_takes_little_memory(network):
    server = network.https(write=0.5)
    stalled = [network.tls(server) for _ in range(3)]
    for peer in stalled:
        peer.send(request("/large?200000000"))

    assert 200 == network.tls(server).get("/").status
    assert eventually(lambda: server.counters.overdue.get("write") == 3)
    assert network.application.produced < 64 << 20


def test_peers_that_never_read_do_not_hold_the_threads_for_ever(network):
    server = network.https(write=0.5, threads=4)
    for _ in range(4):
        network.tls(server).send(request("/large?200000000"))
    assert eventually(lambda: network.application.produced > 4 << 20)

    clients = [network.tls(server) for _ in range(4)]
    assert [200] * 4 == [client.get("/").status for client in clients]
    assert network.application.closed.wait(PATIENCE)


def test_a_peer_that_reads_slowly_is_dropped_although_it_reads(network):
    server = network.https(write=0.5)
    peer = network.tls(server)
    peer.send(request("/large?2000000000"))

    def is_dropped_after_reading_a_little():
        with suppress(OSError):
            peer.sock.recv(1024)  # each 10 ms: no server is so busy that this reader would ever have to wait for it
        return server.counters.overdue.get("write") == 1

    assert eventually(is_dropped_after_reading_a_little)


def test_a_peer_that_never_reads_an_answer_from_the_event_loop_does_not_stop_the_loop(network):
    server = network.https()
    network.tls(server).send(request("/inline-large?20000000"))

    assert 200 == network.tls(server).get("/inline").status


def test_a_peer_that_does_not_hang_up_after_the_last_answer_is_hung_up_on(network):
    server = network.https()
    peer = network.tls(server)
    peer.send(request("/", None, "Connection: close"))

    assert peer.rest().endswith(echo_of(b""))
    assert eventually(lambda: server.counters.open == 0)
    assert {"linger": 1} == server.counters.overdue


def test_a_connection_that_forgets_to_say_that_it_changed_is_seen_at_the_next_tick(network):
    server = network.plain()
    silent, other = network.tcp(server), network.tcp(server)
    other.get("/")  # the loop has looked at both
    (channel,) = (
        channel for channel in server._listener.active_channels.values() if channel.idle and not channel.served
    )
    server._listener.suspicious = True
    channel._append(b"at last")

    assert b"at last" == silent.sock.recv(100)


def test_a_connection_is_hung_up_on_while_a_thread_works_for_it(network):
    server = network.https()
    client = network.tls(server)
    client.send(request("/wait"))
    assert network.application.entered.acquire(timeout=PATIENCE)
    (channel,) = server._listener.active_channels.values()
    channel.hang_up()

    assert eventually(lambda: server.counters.open == 0)


def test_dropping_peers_breaks_no_unrelated_connection(network):
    """If maintenance closed them, a new connection would get the descriptor, and with it the old one's events."""
    server = network.https(handshake=0.1, connections=400)
    enough = threading.Event()
    failures = []

    def be_served(seed):
        numbers = random.Random(seed)
        while not enough.is_set():
            try:
                client = network.tls(server)
                body = numbers.randbytes(3000)
                failures.extend(["wrong"] * (client.post("/", body).body != echo_of(body)))
                client.close()
            except (OSError, IndexError) as error:
                failures.append(error)

    threads = [threading.Thread(target=be_served, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(12):
        for peer in [network.tcp(server) for _ in range(15)]:
            peer.rest()
    enough.set()
    for thread in threads:
        thread.join()
    themselves_too_slow = server.counters.overdue["handshake"] - 180  # possible on a busy machine, and no failure
    assert len(failures) <= themselves_too_slow, failures[:3]


def client_hello(context):
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def drips_until_dropped(peer, data):
    """Send a byte each 20 ms; say whether the server ended it before the bytes ended."""
    peer.sock.settimeout(0.02)
    for byte in data:
        try:
            peer.sock.send(bytes([byte]))
            if not peer.sock.recv(1):
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False

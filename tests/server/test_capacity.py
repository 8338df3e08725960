"""However many come, those who speak are served, and memory has an end."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from tests.server.applications import echo_of
from tests.server.clients import PATIENCE, Client, eventually, request

SERVE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
from dataclasses import replace
from injector.shell import servers
limits = replace(servers.PLAIN_LIMITS, idle=300, request=300)
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"alive"]
server = servers.build_plain(application, host="127.0.0.1", port=0, limits=limits)
server._listener.suspicious = False
print(server.port, flush=True)
server.run()
"""


def test_silent_strangers_do_not_lock_out_those_who_speak(network):
    server = network.https(connections=20)
    known = network.tls(server)
    known.get("/")
    strangers = [network.tcp(server) for _ in range(60)]

    assert 200 == network.tls(server).get("/").status
    assert 200 == known.get("/").status
    assert b"" == strangers[0].rest()
    assert server.counters.refused >= 41
    assert server.counters.open <= 21


def test_when_all_connections_are_at_work_the_newest_is_refused(network):
    server = network.https(connections=2, threads=2)
    workers = [network.tls(server) for _ in range(2)]
    for worker in workers:
        worker.send(request("/wait"))
        assert network.application.entered.acquire(timeout=PATIENCE)

    assert b"" == network.tcp(server).rest()
    network.application.gate.set()
    assert [b"waited"] * 2 == [worker.read().body for worker in workers]
    assert 1 == server.counters.refused


def test_the_server_recovers_when_peers_leave(network):
    server = network.https(connections=10)
    for client in [network.tls(server) for _ in range(10)]:
        client.get("/")
        client.close()
    assert eventually(lambda: server.counters.open == 0)

    assert [200] * 10 == [network.tls(server).get("/").status for _ in range(10)]
    assert 0 == server.counters.refused


def test_resets_at_any_moment_leave_the_server_well(network):
    server = network.https()
    for number in range(150):
        if number % 3 == 0:
            network.tcp(server).reset()
            continue
        client = network.tls(server)
        client.send(request("/", b"x" * 100)[:-50] if number % 3 == 1 else request("/large?3000000"))
        client.reset()

    assert eventually(lambda: server.counters.open == 0)
    assert 200 == network.tls(server).get("/").status


def test_large_bodies_come_one_after_the_other_while_memory_is_short_and_small_ones_pass(network):
    server = network.https(bodies=1 << 20)
    body = b"x" * 900_000
    large = [network.tls(server) for _ in range(4)]
    uploads = [threading.Thread(target=client.send, args=(request("/", body),)) for client in large]
    for upload in uploads:
        upload.start()

    assert echo_of(b"small") == network.tls(server).post("/", b"small").body
    assert [echo_of(body)] * 4 == [client.read().body for client in large]
    for upload in uploads:
        upload.join()


def test_memory_for_bodies_has_an_end(network):
    server = network.https(bodies=1 << 20)
    uploads = [network.tls(server) for _ in range(8)]
    for client in uploads:
        client.sock.settimeout(0.2)
        with suppress(TimeoutError):
            client.send(request("/", b"x" * 1_900_000)[:-1])

    listener = server._listener
    assert eventually(lambda: len(listener.held_back) == 7)
    assert sum(channel.held for channel in listener.active_channels.values()) < 4 << 20


def test_large_bodies_that_never_end_are_dropped_and_free_the_memory(network):
    server = network.https(bodies=1 << 20)
    for _ in range(6):
        network.tls(server).send(request("/", b"x" * 400_000)[:-1])
    network.limit(server, request=0.5)
    assert eventually(lambda: server.counters.overdue.get("request") == 6)
    network.limit(server, request=PATIENCE)

    body = b"y" * 900_000
    assert echo_of(body) == network.tls(server).post("/", body).body


@pytest.fixture
def poor_server():
    """Start a server that may open 40 files and return its port."""
    process = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True)
    with process:
        yield int(process.stdout.readline())
        process.terminate()


def test_a_server_out_of_descriptors_makes_room(poor_server, network):
    class Server:
        port = poor_server

    strangers = [network.tcp(Server) for _ in range(60)]
    client: Client = network.tcp(Server)

    assert b"alive" == client.get("/").body
    assert b"" == strangers[0].rest()

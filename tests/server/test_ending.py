"""A server that goes loses no request: it drains, finishes what runs, and only then is gone."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from injector.shell import servers
from tests.server.applications import echo_of
from tests.server.clients import PATIENCE, Client, eventually, request

STOPS_AT_SIGTERM = """
import signal
from injector.shell import servers
server = servers.build_plain(lambda environ, start_response: [], host="127.0.0.1", port=0)
signal.signal(signal.SIGTERM, lambda *_: server.stop())
print(server.port, flush=True)
server.run()
print("ended", flush=True)
"""


def test_while_draining_every_answer_closes_its_connection_and_new_ones_are_served(network):
    server = network.https()
    old = network.tls(server)
    assert "connection" not in old.get("/").headers
    server.begin_drain()

    answers = [old.get("/"), network.tls(server).get("/"), network.tls(server).get("/inline")]
    assert [(200, "close")] * 3 == [(answer.status, answer.headers["connection"]) for answer in answers]
    assert b"" == old.rest()


def test_while_draining_old_clients_that_ask_to_be_kept_are_told_no(network):
    server = network.https()
    server.begin_drain()
    client = network.tls(server)
    client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    assert "close" == client.read().headers["connection"]


def test_idle_connections_are_not_closed_by_the_drain_itself(network):
    server = network.https()
    idle = network.tls(server)
    idle.get("/")
    server.begin_drain()
    network.tls(server).get("/")

    assert 200 == idle.get("/").status


def test_nothing_is_lost_between_the_drain_and_the_end(network):
    server = network.https(linger=2)
    callers = [Caller(network, server) for _ in range(6)]
    for caller in callers:
        caller.start()
    assert all(caller.served.acquire(timeout=PATIENCE) for caller in callers)
    server.begin_drain()
    assert all(caller.told_to_go.wait(PATIENCE) for caller in callers)
    server.stop()
    for caller in callers:
        caller.join()

    assert [] == [error for caller in callers for error in caller.lost]
    assert {echo_of(b"x" * 5000)} == {body for caller in callers for body in caller.bodies}
    assert server.wait(PATIENCE)


class Caller(threading.Thread):
    """Calls over and over, on a new connection whenever the old one is closed, until no connection can be had."""

    def __init__(self, network, server):
        super().__init__()
        self.network, self.server = network, server
        self.bodies, self.lost = [], []
        self.served, self.told_to_go = threading.Semaphore(0), threading.Event()

    def run(self):
        while client := connection_or_refusal(self.network, self.server):
            try:
                while self.call(client):
                    self.served.release()
            except (OSError, IndexError) as error:
                self.lost.append(error)
            client.close()

    def call(self, client):
        """Call once and say whether the connection stays."""
        answer = client.post("/", b"x" * 5000)
        self.bodies.append(answer.body)
        if "connection" in answer.headers:
            self.told_to_go.set()
        return "connection" not in answer.headers


def connection_or_refusal(network, server):
    try:
        return network.tls(server)
    except (ConnectionRefusedError, ConnectionResetError):
        return None  # reset: the kernel had it in the queue of the listening socket when that was closed


def test_stop_waits_for_what_runs(network):
    server = network.https()
    clients = [network.tls(server) for _ in range(3)]
    for client in clients:
        client.send(request("/wait"))
        assert network.application.entered.acquire(timeout=PATIENCE)
    server.stop()
    assert eventually(lambda: refuses(server))
    network.application.gate.set()

    assert [b"waited"] * 3 == [client.read().body for client in clients]
    assert server.wait(PATIENCE)


def test_stop_waits_for_a_request_that_is_half_here(network):
    server = network.https()
    client = network.tls(server)
    client.get("/")
    client.send(request("/?q", b"abc")[:-2])
    assert eventually(lambda: network.tls(server).get("/").status == 200)
    server.stop()
    assert eventually(lambda: refuses(server))
    client.send(b"bc")

    answer = client.read()
    assert (echo_of(b"abc", "q"), "close") == (answer.body, answer.headers["connection"])


def test_stop_waits_no_longer_than_it_may(network):
    server = network.https(finish=0.3)
    client = network.tls(server)
    client.send(request("/wait"))
    assert network.application.entered.acquire(timeout=PATIENCE)
    server.stop()

    assert server.wait(PATIENCE)
    assert b"" == client.rest()


def test_a_server_stopped_before_it_ran_ends_at_once(network):
    server = servers.build_plain(network.application, host="127.0.0.1", port=0)
    server.stop()
    server.run()

    assert server.wait(0)
    assert refuses(server)
    server.stop()


def drain_then_stop(server, seconds):
    server.begin_drain()
    server.wait(seconds)
    server.stop()


def test_after_the_drain_the_server_ends(network):
    server = network.https()
    drain_then_stop(server, 0.01)

    assert server.wait(PATIENCE)
    assert refuses(server)


def test_a_drain_ends_early_when_somebody_else_stops_the_server(network):
    server = network.https()
    drain = threading.Thread(target=drain_then_stop, args=(server, 3600))
    drain.start()
    server.stop()
    drain.join(PATIENCE)

    assert not drain.is_alive()


def test_a_signal_handler_in_the_thread_of_the_loop_may_stop_the_server():
    with subprocess.Popen([sys.executable, "-c", STOPS_AT_SIGTERM], stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.terminate()

        assert "ended\n" == process.stdout.read()
        assert 0 == process.wait(PATIENCE)


@pytest.mark.parametrize("rounds", [10])
def test_servers_leave_no_thread_and_no_descriptor_behind(network, rounds):
    network.https()  # loads what is loaded once
    threads, descriptors, port = threading.active_count(), open_files(), 0
    for _ in range(rounds):
        server = servers.build_plain(network.application, host="127.0.0.1", port=port)
        with servers.running(server), socket.create_connection(("127.0.0.1", server.port)) as sock:
            client = Client(sock)
            assert 200 == client.get("/").status
            client.file.close()
        port = server.port

    assert eventually(lambda: threading.active_count() == threads)
    assert open_files() <= descriptors


def open_files():
    return len([*Path("/dev/fd").iterdir()])


def refuses(server):
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False

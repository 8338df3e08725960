"""Requests arrive whole and are answered, in the event loop or on a thread."""

from __future__ import annotations

import logging
import random
import socket
import ssl
import threading
import time
from email.utils import parsedate_to_datetime

import pytest

from tests.server.applications import PATTERN, echo_of
from tests.server.clients import PATIENCE, eventually, request

SIZES = [0, 1, 1000, 9_000, 12_000, 16_383, 16_384, 16_385, 65_535, 65_536, 200_000, 1_000_000, 2 << 20]


def test_a_connection_serves_many_requests(network):
    client = network.tls(network.https())

    assert [echo_of(b"", str(n)) for n in range(5)] == [client.get(f"/?{n}").body for n in range(5)]


@pytest.mark.parametrize("size", SIZES)
def test_a_body_of_any_size_arrives_and_returns_whole(network, size):
    client = network.tls(network.https())
    body = random.Random(size).randbytes(size)

    assert echo_of(body) == client.post("/", body).body
    assert (PATTERN * (size // len(PATTERN) + 1))[:size] == client.get(f"/large?{size}").body


@pytest.mark.parametrize("kind", ["tls", "tcp"])
def test_what_an_application_has_written_arrives_while_it_waits_for_more(network, kind):
    server = network.https() if kind == "tls" else network.plain()
    client = getattr(network, kind)(server)
    client.get("/")
    (channel,) = server._listener.active_channels.values()
    channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 << 10)  # some of it has to wait for the peer
    client.send(request(f"/pause?{10 * len(PATTERN)}"))
    while client.file.readline() != b"\r\n":
        pass

    assert PATTERN * 10 == client.file.read(10 * len(PATTERN))
    network.application.gate.set()
    assert b"." == client.file.read(1)


def test_an_answer_is_dated_once_by_the_server_unless_the_application_does(network):
    client = network.tls(network.https())
    before = int(time.time())
    dates = [client.get("/").headers["date"] for _ in range(3)]
    after = time.time()

    assert all(before <= parsedate_to_datetime(date).timestamp() <= after for date in dates)
    client.send(request("/dated"))
    head = b"".join(iter(client.file.readline, b"\r\n"))
    assert [b"Date: yesterday"] == [line for line in head.splitlines() if line.startswith(b"Date")]


def test_many_clients_move_large_bodies_at_once(network):
    server = network.https()
    body = PATTERN * 30
    clients = [network.tls(server) for _ in range(6)]
    answers = []

    def move(client):
        answers.append(client.post("/", body).body)
        answers.append(client.get(f"/large?{len(body)}").body)

    in_parallel(move, clients)
    assert sorted([echo_of(body), body] * 6) == sorted(answers)


def test_pipelined_requests_are_answered_in_order(network):
    client = network.tls(network.https())
    client.send(b"".join(request(f"/?{n}") for n in range(50)))

    assert [echo_of(b"", str(n)) for n in range(50)] == [client.read().body for _ in range(50)]


def test_pipelined_requests_for_loop_and_threads_are_answered_in_order(network):
    client = network.tls(network.https())
    client.send(b"".join(request("/inline") + request(f"/?{n}") for n in range(20)))

    answers = [client.read().body for _ in range(40)]
    assert [echo_of(b"", str(n)) for n in range(20)] == answers[1::2]


def test_pipelined_large_requests_are_answered_in_order(network):
    client = network.tls(network.https())
    numbers = random.Random(1)
    bodies = [numbers.randbytes(numbers.randint(1, 40_000)) for _ in range(40)]
    client.send(b"".join(request(f"/?{n}", body) for n, body in enumerate(bodies)))

    assert [echo_of(body, str(n)) for n, body in enumerate(bodies)] == [client.read().body for _ in bodies]


def test_a_request_may_come_in_records_of_one_byte(network):
    client = network.tls(network.https())
    for byte in request("/?q", b"abc"):
        client.send(bytes([byte]))

    assert echo_of(b"abc", "q") == client.read().body


def test_a_handshake_may_come_in_segments_of_one_byte(network):
    client = network.tcp(network.https())
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = network.trust.wrap_bio(incoming, outgoing, server_hostname="localhost")

    def pump(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    client.send(bytes([byte]))
                incoming.write(client.sock.recv(65536))

    pump(tls.do_handshake)
    tls.write(request("/?q"))
    assert pump(lambda: tls.read(65536)).endswith(echo_of(b"", "q"))


def test_chunked_requests_and_answers_work(network):
    client = network.tls(network.https())
    client.send(request("/", None, "Transfer-Encoding: chunked") + b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n")

    assert echo_of(b"abcdefg") == client.read().body
    assert PATTERN * 3 == client.get(f"/chunked?{3 * len(PATTERN)}").body


def test_a_file_is_sent_whole(network):
    assert PATTERN * 20 == network.tls(network.https()).get("/file").body


def test_a_body_that_waits_for_permission_gets_it(network):
    client = network.tls(network.https())
    client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert 100 == client.read().status

    client.send(b"abc")
    assert echo_of(b"abc") == client.read().body


def test_a_request_without_a_body_that_waits_for_permission_is_answered(network):
    client = network.tls(network.https())
    client.send(request("/?q", None, "Expect: 100-continue"))

    assert echo_of(b"", "q") == client.read().body


def test_chosen_paths_run_in_the_event_loop_and_all_others_on_threads(network):
    client = network.tls(network.https())

    inline = {client.get("/inline").body for _ in range(5)}
    threads = {client.get("/thread").body for _ in range(5)}
    assert 1 == len(inline)
    assert set() == inline & threads


def test_the_event_loop_answers_while_all_threads_are_busy(network):
    server = network.https(threads=2)
    for _ in range(2):
        network.tls(server).send(request("/wait"))
        assert network.application.entered.acquire(timeout=PATIENCE)

    assert 200 == network.tls(server).get("/inline").status


@pytest.mark.parametrize("path", ["/inline", "/thread", "/"])
def test_head_and_body_go_out_as_one_record(network, path):
    context = network.trust
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # where types of records can be told apart from outside
    client = network.tcp(network.https())
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")

    def pump(step):
        received = b""
        while wants_more(step):
            client.send(outgoing.read())
            data = client.sock.recv(65536)
            received += data
            incoming.write(data)
        return received

    pump(tls.do_handshake)
    client.send(outgoing.read())
    tls.write(request(path))
    assert [23] == types_of_records(pump(lambda: tls.read(65536)))


def wants_more(step):
    try:
        step()
    except ssl.SSLWantReadError:
        return True
    return False


def types_of_records(data):
    types = []
    while data:
        types.append(data[0])
        data = data[5 + int.from_bytes(data[3:5]) :]
    return types


@pytest.mark.parametrize("path", ["/fail", "/fail-inline", "/text"])
def test_a_failing_application_gives_one_line_and_the_log_the_rest(network, caplog, path):
    server = network.https()
    client = network.tls(server)
    answer = client.post(path, b"a secret")

    assert (500, b"Internal error; the server's log has the details.\n") == (answer.status, answer.body)
    assert "text/plain; charset=utf-8" == answer.headers["content-type"]
    assert [("pillion.server", logging.ERROR)] == [record[:2] for record in caplog.record_tuples]
    assert "secret" not in caplog.text
    assert 200 == network.tls(server).get("/").status


def test_an_answer_that_fails_halfway_does_not_look_complete(network, caplog):
    client = network.tls(network.https())
    client.send(request("/fail-halfway"))

    received = client.rest()
    assert received.endswith(b"4\r\nhalf\r\n")
    assert "failed halfway" in caplog.text


def test_no_answer_names_the_server(network):
    client = network.tls(network.https())
    assert "server" not in client.get("/").headers
    assert "server" not in client.get("/fail").headers


def test_an_unread_answer_to_a_refused_upload_is_not_destroyed(network):
    client = network.tls(network.https(linger=PATIENCE))
    client.send(request("/", bytes(5 << 20)))

    answer = client.read()
    assert (413, b"The body is larger than 2097152 bytes.\n") == (answer.status, answer.body)


def test_mixed_requests_of_many_clients_all_succeed(network):
    server = network.https()
    wrong = []

    def work(seed):
        numbers = random.Random(seed)
        for _ in range(4):
            client = network.tls(server)
            for _ in range(numbers.randint(1, 20)):
                if numbers.random() < 0.2:
                    size = numbers.randint(1, 300_000)
                    wrong.extend([size] * (len(client.get(f"/large?{size}").body) != size))
                else:
                    body = numbers.randbytes(numbers.choice((0, 1, 100, 9000, 16384, 16385, 40000)))
                    wrong.extend([len(body)] * (client.post("/", body).body != echo_of(body)))
            client.close()

    in_parallel(work, range(16))
    assert [] == wrong
    assert eventually(lambda: server.counters.open == 0)


def test_connections_leave_nothing_behind(network):
    server = network.https()
    for number in range(200):
        client = network.tls(server)
        if number % 2:
            assert 200 == client.post("/", b"x" * 10_000).status
        client.close()

    assert eventually(lambda: server.counters.open == 0)


def test_an_application_learns_when_the_first_byte_of_its_request_came(network):
    client = network.tls(network.https())
    before = time.monotonic()
    first, second = float(client.get("/started").body), float(client.get("/started").body)

    assert before < first < second < time.monotonic()


def test_small_answers_wait_for_no_delayed_acknowledgement(network):
    client = network.tls(network.https())
    assert 1 == network.context.num_tickets  # none would save a little, and cost 40 ms where a client uses Nagle
    client.get("/")
    assert client.sock.session.has_ticket
    assert 1 == client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def in_parallel(work, items):
    failures = []

    def attempt(item):
        try:
            work(item)
        except BaseException as error:  # noqa: BLE001  # handed to the test below
            failures.append(error)

    threads = [threading.Thread(target=attempt, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]

"""The HTTP face of admission with reviewers that fail, wait and take too long."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest

from injector.core.admission import Answer
from injector.core.errors import Expired, OurFault, ReviewError, UnprovenPatch
from injector.core.model import Review, Verdict
from injector.core.reasons import Reason
from injector.shell import app, certificates, logs, servers
from injector.shell.app import Conditions, Endpoint, build_application, parse_timeout
from injector.shell.limits import Limits
from injector.shell.probes import Phase
from injector.shell.telemetry import Metrics
from tests.server.clients import PATIENCE, Client, request, trusting
from tests.shell.processes import JSON_TYPE
from tests.shell.reviews import UID, pod, review

ANSWER = Answer(b'{"response": {}}', Review(uid=UID, api_version=""), Verdict(reason=Reason.NOT_REQUESTED))
BODY = json.dumps(review(pod())).encode()
OTHERS = (app.VALIDATE, app.FORECAST)
INTERNAL = "internal error; the server's log has the details"


class Front:
    """An application on reviewers of the test's own, called as a server calls it."""

    def __init__(self, reviewer, **conditions):
        self.log, self.observed, self.metrics = io.BytesIO(), [], Metrics()
        self.conditions = Conditions(
            **{
                "timeout": 5.0,
                "queue": 10,
                "body_limit": 1 << 20,
                "phase": lambda: Phase.SERVING,
                "metrics": self.metrics,
                "log": logs.build_logger("info", "json", self.log),
                **conditions,
            }
        )
        endpoints = [
            Endpoint(path, reviewer, lambda *seen: self.observed.append(seen)) for path in (app.MUTATE, *OTHERS)
        ]
        self.application = build_application(endpoints, self.conditions)

    def call(self, path="/mutate", query="", **environ):
        """Return status, headers and body."""
        given = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(BODY)),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8443",
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(BODY),
            **environ,
        }
        head = []
        body = b"".join(
            self.application(given, lambda status, headers, *_: head.extend((int(status[:3]), dict(headers))))
        )
        return *head, body.decode()

    def lines(self):
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels)


def raising(error):
    def review(_body, _expired):
        raise error

    return review


@pytest.fixture(params=[app.MUTATE, *OTHERS])
def path(request):
    return request.param


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (ReviewError("request.uid is missing"), 400, "request.uid is missing"),
        (ReviewError("two\nlines\x07 of it"), 400, "two lines? of it"),
        (ReviewError("x" * 2000), 400, "x" * 1024),
        (OurFault("all processes are busy; try again"), 503, "all processes are busy; try again"),
        (Expired("the deadline of the request is over"), 503, "the deadline of the request is over"),
        (UnprovenPatch("member 'hunter2' not found"), 503, INTERNAL),
        (KeyError("hunter2"), 503, INTERNAL),
        (RecursionError("hunter2"), 503, INTERNAL),
        (MemoryError(), 503, INTERNAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_whatever_a_reviewer_raises_becomes_a_status_and_one_sentence(path, error, status, sentence):
    front = Front(raising(error))

    found, headers, body = front.call(path)

    assert (status, f"{sentence}\n") == (found, body)
    assert "Retry-After" not in headers
    assert 1 == front.count("pillion_requests_total", path=path, code=str(status))


def test_a_bug_is_logged_with_its_class_its_frames_and_its_subject_but_not_with_its_message(path):
    front = Front(raising(KeyError("hunter2")))

    front.call(path)

    (line,) = front.lines()
    assert ("review failed", "error", "KeyError", UID, "shop") == tuple(
        line[key] for key in ("event", "level", "error", "uid", "namespace")
    )
    assert "in review" in line["traceback"]
    assert b"hunter2" not in front.log.getvalue()


def test_an_answer_is_observed_with_the_seconds_it_took_and_counted(path):
    front = Front(lambda _body, _expired: ANSWER)

    status, headers, body = front.call(path)

    ((answer, seconds),) = front.observed
    assert (200, ANSWER.body.decode(), "application/json") == (status, body, headers["Content-Type"])
    assert ANSWER is answer
    assert seconds > 0
    assert 1 == front.count("pillion_requests_total", path=path, code="200")


@pytest.mark.parametrize(
    ("phase", "sentence"),
    [(Phase.STARTING, "the server is starting"), (Phase.DRAINING, "not now"), (Phase.SERVING, "not now")],
)
def test_only_while_starting_or_draining_a_503_asks_to_be_called_again(path, phase, sentence):
    front = Front(raising(OurFault("not now")), phase=lambda: phase)

    status, headers, body = front.call(path)

    assert (503, f"{sentence}\n") == (status, body)
    assert (None if phase is Phase.SERVING else "1") == headers.get("Retry-After")


def test_while_draining_reviews_are_answered_as_ever(path):
    front = Front(lambda _body, _expired: ANSWER, phase=lambda: Phase.DRAINING)

    assert 200 == front.call(path)[0]


def test_a_body_beyond_the_limit_is_refused_unread(path):
    front = Front(lambda _body, _expired: ANSWER, body_limit=10)

    assert (413, "the body is larger than 10 bytes\n") == front.call(path)[::2]


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "1" * 13])
def test_a_length_that_is_none_is_refused(path, length):
    status, _, body = Front(lambda _body, _expired: ANSWER).call(path, CONTENT_LENGTH=length)

    assert (400, f"Content-Length is {length!r}: expected a number of bytes\n") == (status, body)


# -- time --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("", 5.0),
        ("other=1", 5.0),
        ("timeout=", 5.0),
        ("timeout=10s", 10.0),
        ("timeout=1.5s", 1.5),
        ("timeout=.5s", 0.5),
        ("timeout=500ms", 0.5),
        ("timeout=2s500ms", 2.5),
        ("timeout=250000us", 0.25),
        ("timeout=250000%C2%B5s", 0.25),
        ("timeout=1m", 30.0),
        ("timeout=1h0m1s", 30.0),
        ("a=b&timeout=3s", 3.0),
    ],
)
def test_the_timeout_is_a_go_duration_of_at_most_thirty_seconds(query, seconds):
    assert seconds == pytest.approx(parse_timeout(query, 5.0))


@pytest.mark.parametrize("text", ["5", "s", "5s5", "-1s", "+1s", "1 s", "0s", "1d", "٣s", "1.2.3s", "infs"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ReviewError, match=r"expected a duration such as '5s'"):
        parse_timeout(f"timeout={text.replace('+', '%2B')}", 5.0)


def test_the_time_of_a_review_ends_a_tenth_before_the_caller_hangs_up(path, monkeypatch):
    seen = []

    def reviewer(_body, expired):
        for now in (108.9, 109.1):
            monkeypatch.setattr(time, "monotonic", lambda now=now: now)
            seen.append(expired())
        return ANSWER

    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    Front(reviewer).call(path, "timeout=10s", **{"pillion.started": 100.0})

    assert [False, True] == seen


def test_a_review_whose_time_is_over_before_its_turn_is_turned_away_and_counted(path):
    front = Front(lambda _body, _expired: ANSWER)

    status, _, body = front.call(path, "timeout=1s", **{"pillion.started": time.monotonic() - 1})

    assert (503, "too many reviews are waiting\n") == (status, body)
    assert 1 == front.count("pillion_overload_total")


# -- overload ----------------------------------------------------------------------------------------------------------


def test_the_oldest_reviews_beyond_the_queue_are_turned_away_at_once(identity, files):
    entered, gate = threading.Event(), threading.Event()

    def reviewer(_body, _expired):
        entered.set()
        assert gate.wait(PATIENCE)
        return ANSWER

    front = Front(reviewer, queue=2)
    context = certificates.load(files).context
    limits = replace(Limits(), connections=50, threads=1)
    server = servers.build_https(
        front.application, context, limits, host="127.0.0.1", port=0, inline_paths=frozenset({app.MUTATE})
    )
    with ExitStack() as stack:
        stack.enter_context(servers.running(server))
        stack.callback(gate.set)
        clients = [stack.enter_context(connect(server, identity)) for _ in range(6)]
        clients[0].send(request("/mutate?timeout=30s", BODY, JSON_TYPE))
        assert entered.wait(PATIENCE)
        for client in clients[1:]:
            client.send(request("/mutate?timeout=30s", BODY, JSON_TYPE))
        gate.set()
        statuses = [client.read().status for client in clients]

    assert 200 == statuses[0]
    assert [200, 200, 200, 503, 503] == sorted(statuses[1:])
    assert 2 == front.count("pillion_overload_total")
    assert 1 == [line["event"] for line in front.lines()].count("overload")


def connect(server, identity):
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    return closing(Client(trusting(identity).wrap_socket(sock, server_hostname="localhost")))

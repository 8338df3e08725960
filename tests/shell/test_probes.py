"""Probes, called as a server calls them."""

from __future__ import annotations

import pytest

from injector.shell.probes import Check, Health, Phase, build_probes


class Port:
    """The plain port of a server in a given state."""

    def __init__(self, phase, stuck="", checks=()):
        self.health = Health(lambda: checks, lambda: stuck)
        self.health.phase = phase
        self.application = build_probes(self.health, lambda: b"metrics\n", "text/plain; version=0.0.4")

    def call(self, path, query="", method="GET"):
        """Return status, headers and body."""
        head = []
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
        body = self.application(environ, lambda status, headers: head.extend((int(status[:3]), dict(headers))))
        return *head, b"".join(body).decode()


@pytest.mark.parametrize(
    ("phase", "stuck", "livez", "readyz"),
    [
        (Phase.STARTING, "", (200, "ok\n"), (503, "starting\n")),
        (Phase.SERVING, "", (200, "ok\n"), (200, "ok\n")),
        (Phase.DRAINING, "", (200, "ok\n"), (503, "draining\n")),
        (Phase.SERVING, "the loop is stuck", (503, "the loop is stuck\n"), (503, "the loop is stuck\n")),
    ],
)
def test_alive_is_what_turns_and_ready_is_what_serves(phase, stuck, livez, readyz):
    port = Port(phase, stuck)

    assert (livez, readyz) == (port.call("/livez")[::2], port.call("/readyz")[::2])


@pytest.mark.parametrize("query", ["verbose", "verbose=1", "verbose=true"])
def test_asked_for_details_each_check_is_one_line(query):
    checks = (Check("certificate", ok=True, text="89 days left"), Check("template a", ok=False, text="two\nlines"))

    found = Port(Phase.DRAINING, checks=checks).call("/readyz", query)

    assert (503, "[-] server: draining\n[+] certificate: 89 days left\n[-] template a: two lines\n") == found[::2]


def test_metrics_come_in_the_format_that_they_say():
    status, headers, body = Port(Phase.STARTING).call("/metrics")

    assert (200, "text/plain; version=0.0.4", "metrics\n") == (status, headers["Content-Type"], body)


def test_head_is_answered_like_get_but_without_a_body():
    status, headers, body = Port(Phase.SERVING).call("/livez", method="HEAD")

    assert (200, "3", "") == (status, headers["Content-Length"], body)


def test_another_method_is_refused():
    status, headers, body = Port(Phase.SERVING).call("/livez", method="POST")

    assert (405, "GET, HEAD", "Use GET.\n") == (status, headers["Allow"], body)


def test_a_server_that_is_told_to_go_before_it_was_ready_never_turns_ready():
    health = Health(list, lambda: "")

    health.drain()
    health.open()

    assert (False, "draining") == health.readyz()


def test_a_server_that_is_opened_is_ready():
    health = Health(list, lambda: "")

    health.open()

    assert (True, "ok") == health.readyz()

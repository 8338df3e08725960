"""How figures are taken: who creates when, what is counted, and what of it is told."""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from e2e.live import latencies, ledgers, pods, rhythms, shortcut
from e2e.live.ledgers import Ledger
from e2e.live.rhythms import Takings

MIB = 2**20


def test_creators_without_a_pause_wait_for_no_moment():
    assert [[None, None, None], [None, None, None]] == list(rhythms.unpaused(2, 3).moments)


def test_creators_at_a_pace_take_turns():
    assert [[0.0, 0.75], [0.25, 1.0], [0.5]] == list(rhythms.paced(3, 4, 1.25).moments)


def test_creators_in_bursts_share_their_moments():
    assert [[0, 2], [0, 2], [0, 2]] == list(rhythms.bursts(3, 2, 2).moments)


@pytest.fixture
def api():
    """The port of something like an API server, and what it was sent."""
    sent = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            pod = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            sent[f"{self.path} {pod['metadata']['name']}"] += 1
            name = "reader" if pod["metadata"]["namespace"] == "enabled" else "app"
            body = f'{{"name":"{name}"}}'.encode()
            self.send_response(403 if pod["metadata"]["namespace"] == "forbidden" else 201)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, sent
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("rhythm", [rhythms.unpaused(3, 4), rhythms.paced(3, 200, 0.06), rhythms.bursts(3, 4, 0.01)])
def test_every_creator_makes_its_connection_and_then_its_creates(api, rhythm):
    port, sent = api
    taken = rhythms.create(port, rhythm, pods.pod("web", "enabled"), '"name":"reader"')

    assert {"/api/v1/namespaces/enabled/pods?dryRun=All web": 3 + 12} == sent
    assert (12, 0) == (len(taken.seconds), taken.missed)


def test_answers_without_the_mark_are_counted(api):
    port, _ = api

    assert 4 == rhythms.create(port, rhythms.unpaused(2, 2), pods.pod("web", "plain"), '"name":"reader"').missed
    assert 0 == rhythms.create(port, rhythms.unpaused(2, 2), pods.pod("web", "plain"), "").missed


def test_a_deployment_is_created_where_deployments_are(api):
    port, sent = api
    rhythms.create(port, rhythms.unpaused(1, 1), pods.workload("Deployment", "web", "plain"), "")

    assert {"/apis/apps/v1/namespaces/plain/deployments?dryRun=All web": 2} == sent


def test_a_refusal_is_no_figure(api):
    port, _ = api
    with pytest.raises(AssertionError, match="app"):
        rhythms.create(port, rhythms.unpaused(1, 1), pods.pod("web", "forbidden"), "")


def test_takings_add_up():
    assert Takings([1, 2, 3], 3) == Takings([1], 1) + Takings([2, 3], 2)


FIRST = """\
cpu/cpu.stat:nr_periods 200
cpu/cpu.stat:nr_throttled 50
cpu/cpu.stat:throttled_time 2500000000
cpuacct/cpuacct.usage:1250000000
memory/memory.usage_in_bytes:73400320
memory/memory.stat:inactive_file 10485760
memory/memory.stat:hierarchical_memory_limit 9223372036854771712
"""
SECOND = """\
cpu.stat:usage_usec 1250000
cpu.stat:user_usec 1000000
cpu.stat:nr_periods 200
cpu.stat:nr_throttled 50
cpu.stat:throttled_usec 2500000
memory.current:73400320
memory.stat:inactive_file 10485760
"""
WITHOUT_A_LIMIT = """\
cpu.stat:usage_usec 1250000
memory.current:73400320
memory.stat:inactive_file 10485760
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FIRST, Ledger(1.25, 200, 50, 2.5, 60 * MIB)),
        (SECOND, Ledger(1.25, 200, 50, 2.5, 60 * MIB)),
        (WITHOUT_A_LIMIT, Ledger(1.25, 0, 0, 0, 60 * MIB)),
    ],
    ids=["version 1", "version 2", "version 2 without a limit"],
)
def test_control_groups_of_both_versions_are_read(text, expected):
    assert expected == ledgers.parse(text)


def test_ledgers_of_servers_add_up_and_what_was_before_is_taken_away():
    one = Ledger(1.0, 10, 5, 0.5, 100)

    assert Ledger(2.0, 20, 10, 1.0, 200) == one + one
    assert Ledger(0.0, 0, 0, 0.0, 0) == one - one


def test_what_came_on_top_is_told_with_how_far_the_rounds_lie_apart():
    before, after = [[0.001, 0.003], [0.002, 0.002]], [[0.004, 0.006], [0.009, 0.009]]

    assert "mean 5.0 ms, p50 7.0 ms, p99 6.0 ms; mean by round 3.0 to 7.0 ms" == latencies.describe_added(before, after)


UID = '"uid":"705ab4f5-6393-11e8-b7cc-42010a800002"'
TOKEN = '{"name":"kube-api-access-x7k2p","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}'
"""As the API server writes it: what is made for speed reads no more than this."""


def ask(*names):
    containers = ",".join(f'{{"name":"{name}","volumeMounts":[{TOKEN}]}}' for name in names)
    text = f'{{"request":{{{UID},"object":{{"metadata":{{"uid":"other"}},"spec":{{"containers":[{containers}]}}}}}}}}'
    answer = json.loads(shortcut.answer(text.encode()))
    return answer["response"]


def test_the_shortcut_adds_a_container_with_the_token_of_the_pod():
    response = ask("app")
    added = json.loads(base64.b64decode(response["patch"]))[0]["value"][0]

    assert ("705ab4f5-6393-11e8-b7cc-42010a800002", True) == (response["uid"], response["allowed"])
    assert shortcut.PASSENGER == added["name"]
    assert [{"name": "logs", "mountPath": "/logs"}, json.loads(TOKEN)] == added["volumeMounts"]


def test_the_shortcut_leaves_a_pod_alone_that_has_the_container():
    assert {"uid", "allowed"} == ask("app", shortcut.PASSENGER).keys()

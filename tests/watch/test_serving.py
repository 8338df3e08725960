"""A server whose templates and namespaces come from a cluster: from its start to the end of the API server."""

from __future__ import annotations

import base64
import json
import re
import signal
import threading

import pytest

from tests.server.clients import PATIENCE, eventually, request
from tests.shell.conftest import files, identity, start, templates  # noqa: F401  # fixtures
from tests.shell.processes import JSON_TYPE, run
from tests.shell.reviews import pod, review, workload
from tests.watch import api_servers
from tests.watch.api_servers import CONFIGMAPS, NAMESPACES
from tests.watch.conftest import LABELS

DEFAULT = {"pillion.dev/default": "true"}


@pytest.fixture
def serve(api, start, tmp_path):  # noqa: F811
    """Start a server on the small API server, which has a template and the namespace ``shop``."""
    api.put(CONFIGMAPS, "greeter", labels=LABELS, annotations=DEFAULT, data={"labels": "greeting: hello\n"})
    api.put(NAMESPACES, "shop")
    return lambda **flags: start(store="kubernetes", kubeconfig=api.kubeconfig(tmp_path), **flags)


@pytest.fixture
def server(serve):
    server = serve(namespace_wait=10)
    assert eventually(lambda: (200, "ok\n") == server.probe("/readyz"))
    return server


def patch(response):
    return base64.b64decode(response["response"].get("patch", "")).decode()


def send(client, namespace, **fields):
    body = json.dumps(review(pod(), namespace=namespace, **fields)).encode()
    client.send(request("/mutate?timeout=30s", body, JSON_TYPE))


def send_workload(client, namespace):
    mistaken = workload(**{"pillion.dev/templates": "greeters"})
    body = json.dumps(review(mistaken, kind="Deployment", namespace=namespace)).encode()
    client.send(request("/validate-workloads?timeout=3s", body, JSON_TYPE))


# -- the start ---------------------------------------------------------------------------------------------------------


def test_a_server_is_alive_but_not_ready_until_all_is_known(api, serve):
    release = threading.Event()
    api.strike("list", *[api_servers.hold(NAMESPACES, release)] * 2)
    server = serve()

    assert (200, "ok\n") == server.probe("/livez")
    assert (503, "starting\n") == server.probe("/readyz")
    answer = server.post("/mutate", json.dumps(review(pod())).encode(), JSON_TYPE)
    assert (503, "1") == (answer.status, answer.headers["retry-after"])
    release.set()

    assert eventually(lambda: (200, "ok\n") == server.probe("/readyz"))
    assert "hello" in patch(server.review(review(pod())))


def test_a_server_that_waits_for_a_cluster_ends_at_a_signal_without_draining(api, serve):
    api.strike("list", *[api_servers.forbidden] * 1000)
    server = serve(drain_seconds=600)
    assert eventually(
        lambda: "[-] configmaps: not watched: configmaps is forbidden" in server.probe("/readyz?verbose")[1]
    )

    server.signal(signal.SIGTERM)

    assert (0, "") == server.end()


def test_a_kubeconfig_that_is_not_there_ends_the_start_with_one_sentence(files, tmp_path):  # noqa: F811
    flags = {"host": "127.0.0.1", "port": 0, "probe_host": "127.0.0.1", "probe_port": 0}
    pair = {"certificate": files.certificate, "key": files.key}

    process = run({}, store="kubernetes", kubeconfig=tmp_path / "nowhere", **flags, **pair)

    assert (2, 1, "") == (process.returncode, process.stderr.count("\n"), process.stdout)
    assert "nowhere" in process.stderr


# -- templates and namespaces ------------------------------------------------------------------------------------------


def test_an_edit_reaches_the_next_pod(api, server):
    assert "hello" in patch(server.review(review(pod())))

    api.put(CONFIGMAPS, "greeter", labels=LABELS, annotations=DEFAULT, data={"labels": "greeting: morning\n"})

    assert eventually(lambda: "morning" in patch(server.review(review(pod()))))


def test_a_label_on_a_namespace_opts_its_pods_in_at_once(api, server):
    plain = pod()
    del plain["metadata"]["labels"]["pillion.dev/inject"]
    assert "" == patch(server.review(review(plain)))

    api.put(NAMESPACES, "shop", labels={"pillion.dev/injection": "enabled"})

    assert eventually(lambda: "hello" in patch(server.review(review(plain))))


def test_a_pod_waits_for_news_of_its_namespace_while_others_are_answered(api, server):
    waiting = [server.connect() for _ in range(6)]  # more than there are threads
    for client in waiting:
        send(client, "new")

    assert "hello" in patch(server.review(review(pod())))
    api.put(NAMESPACES, "new")

    answers = [client.read() for client in waiting]
    assert [200] * 6 == [answer.status for answer in answers]
    assert all("hello" in patch(json.loads(answer.body)) for answer in answers)


def test_a_connection_serves_on_after_a_pod_that_had_to_wait(api, server):
    client = server.connect()
    send(client, "new")
    api.put(NAMESPACES, "new")
    assert 200 == client.read().status

    send(client, "shop")

    assert 200 == client.read().status


def test_a_pod_whose_namespace_stays_unknown_gets_503_with_one_sentence(serve):
    server = serve(namespace_wait=0)
    assert eventually(lambda: (200, "ok\n") == server.probe("/readyz"))

    answer = server.post("/mutate", json.dumps(review(pod(), namespace="new")).encode(), JSON_TYPE)

    assert 503 == answer.status
    assert b"namespace 'new' is not known yet: the API server has not told of it\n" == answer.body
    assert "retry-after" not in answer.headers
    assert "hello" in patch(server.review(review(pod())))


def test_a_workload_that_is_applied_together_with_its_namespace_is_warned_of(api, server):
    client = server.connect()
    send_workload(client, "new")
    api.put(NAMESPACES, "new")

    answer = json.loads(client.read().body)["response"]

    assert (True, "pods of deployment/web will be refused") == (answer["allowed"], answer["warnings"][0])


def test_a_workload_whose_namespace_stays_unknown_gets_no_answer(serve):
    server = serve(namespace_wait=0)
    assert eventually(lambda: (200, "ok\n") == server.probe("/readyz"))
    client = server.connect()
    send_workload(client, "new")

    answer = client.read()

    assert (503, b"namespace 'new' is not known yet: the API server has not told of it\n") == (
        answer.status,
        answer.body,
    )


# -- an API server that is away ----------------------------------------------------------------------------------------


def test_while_the_api_server_is_away_what_is_known_is_served_and_the_probes_say_so(api, server):
    assert re.search(r"\[\+\] configmaps: 1 known, last heard of \d+ s ago", server.probe("/readyz?verbose")[1])
    assert 0 == server.metrics()['pillion_watch_failures_total{resource="configmaps"}']

    api.stop()

    away = "[-] configmaps: not watched: no answer from"
    assert eventually(lambda: away in server.probe("/readyz?verbose")[1])
    assert (200, "ok\n") == server.probe("/readyz")
    assert (200, "ok\n") == server.probe("/livez")
    assert "hello" in patch(server.review(review(pod())))
    assert 1 <= server.metrics()['pillion_watch_failures_total{resource="configmaps"}']
    first = server.metrics()['pillion_watch_age_seconds{resource="configmaps"}']
    assert eventually(lambda: first < server.metrics()['pillion_watch_age_seconds{resource="configmaps"}'])

    api.restart()

    assert eventually(lambda: "[+] configmaps: 1 known" in server.probe("/readyz?verbose")[1])
    assert PATIENCE > server.metrics()['pillion_watch_age_seconds{resource="configmaps"}']

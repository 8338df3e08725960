"""The API server goes away, or falls silent; servers are not ready, or have too much to do."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.live import nodes, pods, proxies, servers, spares, tints, witness
from e2e.live.conftest import ENABLED, wait
from e2e.live.spares import Spare

PATIENCE = 60
"""Seconds after which a lost connection must have been noticed."""
MARGIN = 60
"""Seconds more on a host that is busy."""
WITNESS = "e2e-witness"
CREATORS = 12
PORT = 8443


def apply(*things):
    done = clusters.apply(list(things))
    assert done.returncode == 0, done.stderr


@pytest.fixture
def calls(tint):
    """Call the servers from within the cluster, past the API server; a function tells what came of it."""
    pod = pods.pod(WITNESS, NAMESPACE, "")
    pod["spec"]["containers"][0]["command"] = ["/opt/pillion/bin/python", "-c", *_witness_arguments()]
    apply(pod)
    wait(f"pod/{WITNESS}", "condition=Ready", NAMESPACE)

    def read():
        return [json.loads(line) for line in clusters.kubectl("-n", NAMESPACE, "logs", WITNESS).stdout.splitlines()]

    yield read
    clusters.kubectl("-n", NAMESPACE, "delete", "pod", WITNESS, "--grace-period=1", "--wait=false")


def _witness_arguments():
    webhook = json.loads(clusters.kubectl("get", "mutatingwebhookconfiguration", "pillion", "-o", "json").stdout)
    authority = base64.b64decode(webhook["webhooks"][0]["clientConfig"]["caBundle"]).decode()
    path = "jsonpath={.spec.clusterIP}"
    address = clusters.kubectl("-n", NAMESPACE, "get", "service", "pillion", "-o", path).stdout
    asking = pods.pod("web", ENABLED, annotations=tints.ASKING)
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    request = {"uid": "1", "operation": "CREATE", "namespace": ENABLED, "kind": kind, "object": asking}
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    return Path(witness.__file__).read_text(), address, f"pillion.{NAMESPACE}.svc", authority, json.dumps(review)


def test_servers_serve_on_while_the_api_server_is_away_and_catch_up_when_it_is_back(calls, figures):
    clusters.await_true("calls", lambda: len(calls()) > 3)
    nodes.provider().restart("apiserver")
    started = time.monotonic()
    servers.await_templates([tints.apply("dark")], PATIENCE)
    figures["seconds until an edit after a restart of the API server is in force"] = _since(started)

    clusters.await_true("the new template serves", lambda: "dark" in json.dumps(calls()[-1]))
    seen = calls()
    without = [call for call in seen if call["away"]]
    figures["calls that were answered while the API server was away"] = str(len(without))
    assert [] == [call for call in seen if tints.VARIABLE not in json.dumps(call["patch"])]
    assert without
    assert {"pale"} == {word for call in without for word in ("pale", "dark") if word in json.dumps(call)}


@pytest.fixture(scope="module")
def installing():
    """A release that is being installed, for the tests that come after a long wait."""
    release = Spare("busy", settings={"queue": 1}, mode="self-signed")
    spares.await_absence([release.name])
    with ThreadPoolExecutor(1) as executor:
        yield executor.submit(_install, release)
    spares.remove([release.name])


def _install(release):
    release.install()
    return release


def test_a_connection_that_is_cut_without_a_word_is_noticed_and_the_templates_are_read_anew(tint, installing, figures):
    names = servers.names()
    failures = {name: _count_failures(name) for name in names}
    addresses = [_read("pod", name, "{.status.podIP}") for name in names]
    with nodes.silence(addresses):
        started = time.monotonic()
        servers.await_templates([tints.apply("dark")], PATIENCE + MARGIN)
        figures["seconds until an edit gets past a connection that is cut"] = _since(started)
        dropped = nodes.count_dropped()

    assert dropped > 0
    assert [] == [name for name in names if _count_failures(name) <= failures[name]]
    for name in names:
        log = clusters.kubectl("-n", NAMESPACE, "logs", name).stdout
        assert "configmaps are not watched: the connection to the API server is lost" in log


@pytest.fixture
def busy(installing):
    """A release of one server that lets one review wait."""
    release = installing.result()
    release.await_servers()
    return release


@pytest.fixture
def callers():
    """Connections to the API server, one for each creator."""
    with proxies.proxying() as port:
        made = [proxies.Caller(port) for _ in range(CREATORS)]
        yield made
        for caller in made:
            caller.close()


def test_a_review_that_is_one_too_many_is_turned_away_and_not_sent_again(busy, callers, figures):
    [server] = busy.servers()
    process = nodes.find_process(busy.namespace, server["metadata"]["name"])
    with ThreadPoolExecutor(CREATORS) as executor:

        def create():
            return [executor.submit(caller.create_pod, busy.pod()) for caller in callers]

        assert {201} == {creating.result().status for creating in create()}
        before = _count_answers(busy)
        nodes.signal("STOP", busy.namespace, server["metadata"]["name"])
        try:
            creating = create()
            clusters.await_true("calls wait", lambda: nodes.count_unread(process, PORT) >= CREATORS)
        finally:
            nodes.signal("CONT", busy.namespace, server["metadata"]["name"])
        answers = [each.result() for each in creating]
    served, refused = (now - then for now, then in zip(_count_answers(busy), before, strict=True))

    figures[f"of {CREATORS} reviews at once with a queue of 1"] = f"{served:.0f} answered, {refused:.0f} turned away"
    assert {201} == {answer.status for answer in answers}
    assert refused > 0
    assert CREATORS == served + refused
    assert refused == sum(not spares.greeted(answer.object) for answer in answers)


@pytest.fixture
def starting(busy):
    """A server that may not read namespaces, so that it never gets ready, and yet is called."""
    [before] = busy.servers()
    binding = _detach(busy.read("clusterrolebinding", busy.full_name))
    clusters.delete([binding])
    _publish_unready(busy, True)
    clusters.kubectl("-n", busy.namespace, "delete", "pod", before["metadata"]["name"], "--wait")
    clusters.await_true("it is called", lambda: not busy.greets() and _count_answers(busy)[1] > 0, 60)
    yield busy
    _publish_unready(busy, False)
    apply(binding)


def _detach(thing):
    """Return an object as it may be made anew."""
    kept = {key: thing["metadata"][key] for key in ("name", "labels", "annotations") if key in thing["metadata"]}
    return {**thing, "metadata": kept}


def test_a_review_that_comes_too_early_is_sent_again_until_its_time_is_over(starting, callers, figures):
    before = _count_answers(starting)
    started = time.monotonic()
    answer = callers[0].create_pod(starting.pod())
    served, refused = (now - then for now, then in zip(_count_answers(starting), before, strict=True))

    figures["times that the API server sends a review to a server that is starting"] = (
        f"{refused:.0f}, in {_since(started)} s"
    )
    assert (201, False) == (answer.status, spares.greeted(answer.object))
    assert 0 == served
    assert 1 < refused


def _publish_unready(release, wanted):
    patch = json.dumps({"spec": {"publishNotReadyAddresses": wanted}})
    done = clusters.kubectl("-n", release.namespace, "patch", "service", release.full_name, "--type=merge", "-p", patch)
    assert done.returncode == 0, done.stderr


def _count_answers(release):
    """Count the reviews of pods that were answered, and those that were not."""
    [server] = release.servers()
    text = servers.metrics(server["metadata"]["name"], release.namespace)
    return [servers.count(text, "pillion_requests_total", path="/mutate", code=code) for code in ("200", "503")]


def _count_failures(server):
    return servers.count(servers.metrics(server), "pillion_watch_failures_total", resource="configmaps")


def _read(kind, name, path):
    return clusters.kubectl("-n", NAMESPACE, "get", kind, name, "-o", f"jsonpath={path}").stdout


def _since(started):
    return f"{time.monotonic() - started:.1f}"

"""
What a cluster's users feel, measured; it takes minutes, so no test run has it: ``make figures``.

Pods are created by dry run through a ``kubectl proxy``, in rounds that take turns between a namespace whose pods are
sent and one whose pods are not: only what differs between the two is the webhook's.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.live import footprints, latencies, pods, proxies, servers
from e2e.live.conftest import ENABLED, PLAIN
from e2e.live.footprints import MIB

ROUNDS = 5
CREATES = {1: 100, 8: 50, 50: 20}
"""How many pods each creator creates in a round, by the number of creators."""
CROWD = 50_000
"""Creates after which a server is weighed again."""


@pytest.mark.parametrize("creators", CREATES)
def test_what_a_call_adds_to_the_creation_of_a_pod(shipped, proxy, figures, creators):
    taken: dict[str, list[float]] = {PLAIN: [], ENABLED: []}
    for _ in range(ROUNDS):
        for space in taken:
            taken[space] += _create(proxy, space, creators, CREATES[creators])
    plain, sent = taken.values()

    of = f"a create by {creators} at once"
    figures[f"{of}, not sent"] = latencies.describe(plain)
    figures[f"{of}, sent and injected"] = latencies.describe(sent)
    added = {"mean": statistics.fmean(sent) - statistics.fmean(plain)} | {
        name: latencies.quantile(sent, share) - latencies.quantile(plain, share)
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }
    figures[f"{of}, added"] = ", ".join(f"{name} {value * 1000:.1f} ms" for name, value in added.items())


def test_what_a_server_weighs(shipped, proxy, figures):
    restarted = clusters.kubectl("-n", NAMESPACE, "rollout", "restart", "deployment/pillion")
    assert restarted.returncode == 0, restarted.stderr
    assert 0 == clusters.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/pillion").returncode
    clusters.await_true("two servers", lambda: len(servers.names()) == 2, 60)
    figures["MiB of the image's files"] = f"{footprints.image(servers.names()[0]) / MIB:.0f}"
    figures["MiB of a server's pod, idle"] = _weigh()
    _create(proxy, ENABLED, 8, CROWD // 8)
    figures[f"MiB of a server's pod after {CROWD:,} creates of two servers"] = _weigh()


def _weigh():
    found = [(footprints.resident(server), footprints.proportional(server)) for server in servers.names()]
    return "; ".join(f"{own / MIB:.0f} resident, {whole / MIB:.0f} with all processes" for own, whole in found)


def _create(port, space, creators, each):
    """Create pods by several creators at once; return the seconds of every create."""
    with ThreadPoolExecutor(creators) as executor:
        return list(chain.from_iterable(executor.map(lambda _: list(_time(port, space, each)), range(creators))))


def _time(port, space, creates):
    caller = proxies.Caller(port)
    pod = pods.pod("web", space)
    caller.create_pod(pod)  # the connection is made
    for _ in range(creates):
        started = time.perf_counter()
        answer = caller.create_pod(pod)
        yield time.perf_counter() - started
        assert answer.created, answer.message
        assert (space == ENABLED) is ("log-reader" in pods.containers(answer.object))
    caller.close()

"""Servers come and go under load, and no pod is refused or comes without its passenger."""

from __future__ import annotations

import time

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.live import loads, pods, servers
from e2e.live.conftest import ENABLED

CREATORS = 8
LEAST = 5_000
"""Pods that have to be created in all."""


@pytest.fixture
def load(shipped, proxy):
    """Eight creators for the time of a test."""
    clusters.await_true("two servers", lambda: len(servers.names()) == 2, 60)
    with loads.creating(proxy, CREATORS, lambda name: pods.pod(name, ENABLED), _rides) as found:
        yield found


def test_roll_outs_and_deletions_under_load_fail_no_pod(load, figures):
    started = time.monotonic()
    for number in range(3):
        load.phase = f"roll-out {number + 1}"
        _rollout("restart")
        _rollout("status", "--timeout=3m")
    for number in range(3):
        load.phase = f"deletion {number + 1}"
        deleted = clusters.kubectl("-n", NAMESPACE, "delete", "pod", servers.names()[0], "--wait=true")
        assert deleted.returncode == 0, deleted.stderr
        _rollout("status", "--timeout=3m")
    load.phase = "after"
    clusters.await_true("enough pods", lambda: load.created.total() >= LEAST, 300)
    seconds = time.monotonic() - started
    load.stop()

    figures["pods created by 8 creators"] = str(load)
    figures["pods created per second"] = f"{load.created.total() / seconds:.0f}"
    assert [] == load.failures


def _rides(pod):
    return "log-reader" in pods.containers(pod)


def _rollout(verb, *flags):
    done = clusters.kubectl("-n", NAMESPACE, "rollout", verb, "deployment/pillion", *flags)
    assert done.returncode == 0, done.stderr

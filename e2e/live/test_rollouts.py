"""Servers come and go under load, and no pod is refused or comes without its passenger."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.live import pods, proxies, servers
from e2e.live.conftest import ENABLED

CREATORS = 8
LEAST = 5_000
"""Pods that have to be created in all."""


class Load:
    """Creators that create pods by dry run until they are told to stop, and what came of it, by phase."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self.phase = "before"
        self.created: Counter[str] = Counter()
        self.failures: list[str] = []

    def create(self, creator: int) -> None:
        caller = proxies.Caller(self._port)
        pod = pods.pod(f"load-{creator}", ENABLED)
        while not self._stop.is_set():
            phase = self.phase
            answer = caller.create_pod(pod)
            self.created[phase] += 1
            if not answer.created:
                self.failures.append(f"{phase}: {answer.status} {answer.message[:200]}")
            elif "log-reader" not in pods.containers(answer.object):
                self.failures.append(f"{phase}: uninjected, {answer.warnings}")
        caller.close()

    def stop(self) -> None:
        self._stop.set()


@pytest.fixture
def load(shipped, proxy):
    """Eight creators for the time of a test."""
    clusters.await_true("two servers", lambda: len(servers.names()) == 2, 60)
    found = Load(proxy)
    with ThreadPoolExecutor(CREATORS) as executor:
        creators = [executor.submit(found.create, number) for number in range(CREATORS)]
        yield found
        found.stop()
    for creator in creators:
        creator.result()


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

    figures["pods created by 8 creators"] = ", ".join(f"{phase}: {count}" for phase, count in load.created.items())
    figures["pods created per second"] = f"{load.created.total() / seconds:.0f}"
    assert [] == load.failures


def _rollout(verb, *flags):
    done = clusters.kubectl("-n", NAMESPACE, "rollout", verb, "deployment/pillion", *flags)
    assert done.returncode == 0, done.stderr

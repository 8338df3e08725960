"""Creators that create pods by dry run, all at once, until they are told to stop; and what came of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from e2e.chart.charts import Object
from e2e.live import proxies


class Load:
    """What was created so far, by phase, and what failed: an error, or a pod without its passenger."""

    def __init__(self, port: int, make: Callable[[str], Object], rides: Callable[[Object], bool]) -> None:
        """*make* makes a pod of a name; *rides* tells whether it came back as it should."""
        self._port = port
        self._make = make
        self._rides = rides
        self._stop = threading.Event()
        self.phase = "before"
        self.created: Counter[str] = Counter()
        self.failures: list[str] = []

    def create(self, creator: int) -> None:
        caller = proxies.Caller(self._port)
        pod = self._make(f"load-{creator}")
        while not self._stop.is_set():
            phase = self.phase
            answer = caller.create_pod(pod)
            self.created[phase] += 1
            if not answer.created:
                self.failures.append(f"{phase}: {answer.status} {answer.message[:200]}")
            elif not self._rides(answer.object):
                self.failures.append(f"{phase}: uninjected, {answer.warnings}")
        caller.close()

    def stop(self) -> None:
        self._stop.set()

    def __str__(self) -> str:
        return ", ".join(f"{phase}: {count}" for phase, count in self.created.items())


@contextmanager
def creating(
    port: int, creators: int, make: Callable[[str], Object], rides: Callable[[Object], bool]
) -> Iterator[Load]:
    """Let so many creators create, through the proxy on a port."""
    load = Load(port, make, rides)
    with ThreadPoolExecutor(creators) as executor:
        running = [executor.submit(load.create, number) for number in range(creators)]
        try:
            yield load
        finally:
            load.stop()
    for creator in running:
        creator.result()

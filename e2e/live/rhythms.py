"""
Creators that create objects by dry run, each on a connection of its own, and how long each create takes.

They do it in one of three rhythms. Without a pause, each creates its next as soon as its last is there: all cores are
busy, and whoever creates waits for everybody else. At a pace, they take turns at even intervals. In bursts, all create
at the same moment. At a pace and in bursts a create counts from when it was due, so that waiting counts, too.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from e2e.chart.charts import Object

COLLECTIONS = {"v1 Pod": "/api/v1/namespaces/{}/pods", "apps/v1 Deployment": "/apis/apps/v1/namespaces/{}/deployments"}
HEADERS = {"Content-Type": "application/json"}
HEAD_START = 0.05
"""Seconds from when all are connected to the first create."""


@dataclass(frozen=True)
class Rhythm:
    """When each of several creators creates, in seconds from the beginning; none: as soon as it can."""

    name: str
    moments: Sequence[Sequence[float | None]]

    @property
    def creators(self) -> int:
        """How many create."""
        return len(self.moments)

    def __str__(self) -> str:
        return self.name


def unpaused(creators: int, each: int) -> Rhythm:
    """Return the rhythm of creators that never pause."""
    return Rhythm(f"{creators} without a pause", [[None] * each] * creators)


def paced(creators: int, rate: float, seconds: float) -> Rhythm:
    """Return the rhythm of creators that take turns, so many creates a second in all."""
    dues = [number / rate for number in range(int(rate * seconds))]
    return Rhythm(f"{creators} at {rate:g}/s in all", [dues[number::creators] for number in range(creators)])


def bursts(creators: int, times: int, interval: float = 1) -> Rhythm:
    """Return the rhythm of creators that create at the same moments."""
    dues = [number * interval for number in range(times)]
    return Rhythm(f"{creators} at the same moment, every {interval:g} s", [dues] * creators)


@dataclass(frozen=True)
class Takings:
    """What came of many creates."""

    seconds: list[float] = field(default_factory=list)
    missed: int = 0
    """Those whose answer was not what it should be."""

    def __add__(self, other: Takings) -> Takings:
        return Takings(self.seconds + other.seconds, self.missed + other.missed)


def create(port: int, rhythm: Rhythm, thing: Object, mark: str) -> Takings:
    """Create an object again and again through the proxy on a port; every answer should have the mark in it."""
    beginning = _Beginning(rhythm.creators)
    work = partial(_work, port, beginning, thing, mark.encode())
    with ThreadPoolExecutor(rhythm.creators) as executor:
        return sum(executor.map(work, rhythm.moments), Takings())


class _Beginning:
    """One moment for all, as soon as each is there."""

    def __init__(self, creators: int) -> None:
        self._barrier = threading.Barrier(creators, action=self._set, timeout=60)
        self._moment = 0.0

    def _set(self) -> None:
        self._moment = time.perf_counter() + HEAD_START

    def wait(self) -> float:
        self._barrier.wait()
        return self._moment


def _work(port: int, beginning: _Beginning, thing: Object, mark: bytes, moments: Sequence[float | None]) -> Takings:
    with closing(_Creator(port, thing)) as creator:
        creator.create()  # the connection is made
        taken = [(seconds, mark in answer) for seconds, answer in _time(creator, beginning.wait(), moments)]
    return Takings([seconds for seconds, _ in taken], sum(not right for _, right in taken))


def _time(creator: _Creator, beginning: float, moments: Sequence[float | None]) -> Iterator[tuple[float, bytes]]:
    for moment in moments:
        due = time.perf_counter() if moment is None else beginning + moment
        time.sleep(max(0, due - time.perf_counter()))
        answer = creator.create()
        yield time.perf_counter() - due, answer


class _Creator:
    """Sends what is encoded once, and decodes no answer: what it does itself takes time from everybody else."""

    def __init__(self, port: int, thing: Object) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        collection = COLLECTIONS[f"{thing['apiVersion']} {thing['kind']}"]
        self._path = f"{collection.format(thing['metadata']['namespace'])}?dryRun=All"
        self._body = json.dumps(thing).encode()

    def create(self) -> bytes:
        self._connection.request("POST", self._path, self._body, HEADERS)
        answer = self._connection.getresponse()
        text = answer.read()
        assert answer.status == 201, text.decode()
        return text

    def close(self) -> None:
        self._connection.close()

"""Servers that run and were verified, and one of them under load; no tables."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import answers, cases, contenders, loads, tutorials
from bench.builds import Absent
from bench.contenders import PILLION, Contender, Site
from bench.loads import Client, Tally
from bench.measures import percentile
from bench.processes import Cores, NotStartedError, Server
from injector.cli.throwaways import write_certificate

NULL = "null handler"


@dataclass(frozen=True, slots=True)
class Running:
    """Servers of one run, all up at once."""

    site: Site
    servers: Mapping[str, Server]
    """By the names of the rows."""
    absent: tuple[str, ...]
    """A sentence for each that could not be built or run."""

    @contextmanager
    def null_like(self, bodies: Sequence[bytes]) -> Iterator[Running]:
        """Add a null handler that answers as much as we do to these reviews."""
        size = _answer_size(self.servers[PILLION.name], self.site.certificate, bodies)
        with contenders.null(self.site, size) as null:
            yield replace(self, servers={NULL: null, **self.servers})

    @contextmanager
    def under_load(self, bodies: Sequence[bytes], connections: int) -> Iterator[Mapping[str, Subject]]:
        """Connect a client to each."""
        with ExitStack() as stack:
            yield {
                name: Subject(server, stack.enter_context(self._client(name, server, bodies, connections)))
                for name, server in self.servers.items()
            }

    @contextmanager
    def _client(self, name: str, server: Server, bodies: Sequence[bytes], connections: int) -> Iterator[Client]:
        marker = b" " if name == NULL else loads.PATCH
        certificate = self.site.certificate
        with loads.connected(server.ports.main, certificate, bodies, connections=connections, marker=marker) as client:
            yield client


@dataclass(slots=True)
class Subject:
    """One server under load, and what was seen of it."""

    server: Server
    client: Client
    closed: list[tuple[float, ...]] = field(default_factory=list)
    """Of each round of the closed loop: p50 and p99 in milliseconds, CPU of a review in ms, busy part of the core."""
    latencies: list[float] = field(default_factory=list)
    """Of the open loop, in milliseconds, all rounds together."""
    size: int = 0
    """Of an answer in the closed loop, in bytes."""
    errors: int = 0

    def press(self, seconds: float) -> float:
        """Return the reviews a second of the closed loop."""
        before = self.server.cpu
        tally = self._note(self.client.press(seconds))
        used, count = self.server.cpu - before, len(tally.latencies)
        slow = (percentile(tally.latencies, part) * 1000 for part in (0.5, 0.99))
        self.size = round(tally.received / count)
        self.closed.append((*slow, used / count * 1000, used / tally.seconds))
        return count / tally.seconds

    def pace(self, rate: float, seconds: float) -> float:
        """Return the 99th percentile of the open loop's latency in milliseconds."""
        latencies = [waited * 1000 for waited in self._note(self.client.pace(rate, seconds)).latencies]
        self.latencies += latencies
        return percentile(latencies, 0.99)

    def _note(self, tally: Tally) -> Tally:
        self.errors += tally.errors
        return tally


@contextmanager
def running(cores: Cores, rivals: Sequence[Contender]) -> Iterator[Running]:
    """Start the product and its rivals on these cores, and verify what they answer."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pillion-bench-")))
        certificate, key = write_certificate(folder)
        site = Site(folder=folder, certificate=certificate, key=key, cores=cores)
        checks = _checks()
        real = stack.enter_context(contenders.pillion(site))
        _verify(PILLION, real, certificate, checks)
        servers = {PILLION.name: real}
        absent = []
        for rival in rivals:
            try:
                servers[rival.name] = stack.enter_context(rival.start(site))
            except (Absent, NotStartedError) as why:
                absent.append(f"Left out: {rival.name}, because {why}.")
            else:
                _verify(rival, servers[rival.name], certificate, checks)
        yield Running(site, servers, tuple(absent))


def _checks() -> list[tuple[bytes, bytes]]:
    """Return a review of each case with an answer that is right."""
    return [(body, tutorials.answer(body)) for case in cases.everything() for body in case.make(1)]


def _verify(contender: Contender, server: Server, certificate: Path, checks: Sequence[tuple[bytes, bytes]]) -> None:
    """Raise WrongAnswer unless the server makes the right pod in every case."""
    with loads.connected(server.ports.main, certificate, [checks[0][0]], connections=1) as client:
        for body, expected in checks:
            answer = client.ask(body)
            if contender.adds:
                answers.check_containers(body, answer, contender.adds)
            else:
                answers.check_alike(body, answer, expected)


def _answer_size(server: Server, certificate: Path, bodies: Sequence[bytes]) -> int:
    """Return the mean size of an answer."""
    sample = bodies[: 2 * len(list(cases.everything()))]
    with loads.connected(server.ports.main, certificate, sample, connections=1) as client:
        return sum(len(client.ask(body)) for body in sample) // len(sample)

"""Servers in processes of their own, each on the cores that it is given, and what the system says of them."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

ROOT = Path(__file__).parents[1]
PATIENCE = 30.0
"""Seconds in which a server must have started or ended."""

Cores = frozenset[int]

_TICKS = os.sysconf("SC_CLK_TCK")


class NotStartedError(Exception):
    """A server that ended or said nothing, with the end of its log."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a server listens."""

    main: int
    probes: int = 0
    """0 for a server without any."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens."""

    process: subprocess.Popen[bytes]
    ports: Ports
    seconds: float
    """From its start until it listened."""

    @property
    def cpu(self) -> float:
        """Seconds of CPU that the process and its children have used."""
        return sum(_cpu(pid) for pid in self._family())

    @property
    def resident(self) -> float:
        """MiB of memory that the process holds, shared pages included."""
        return _kilobytes(Path(f"/proc/{self.process.pid}/status"), "VmRSS:") / 1024

    @property
    def proportional(self) -> float:
        """MiB of memory of the process and its children, shared pages divided among those who share them."""
        return sum(_kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in self._family()) / 1024

    def is_ready(self) -> bool:
        """Whether its probe says so."""
        with socket.create_connection(("localhost", self.ports.probes), timeout=PATIENCE) as sock:
            sock.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return sock.recv(4096).startswith(b"HTTP/1.1 200")

    def _family(self) -> Iterator[int]:
        yield self.process.pid
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        yield from (int(word) for task in tasks for word in task.read_text().split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How to start a server."""

    command: Sequence[str]
    log: Path
    cores: Cores
    """The only ones that it may use, from its first instruction: some programs count them only once."""
    environment: Mapping[str, str] | None = None
    """The same as ours if None."""


@contextmanager
def announced(start: Start) -> Iterator[Server]:
    """Run a server from the moment that it says ``listening`` and its port in a line of JSON in its log."""
    with _running(start, _announcement) as server:
        yield server


@contextmanager
def expected(start: Start, port: int, is_up: Callable[[], bool]) -> Iterator[Server]:
    """Run a server that listens where it was told to, from the moment that it answers."""
    with _running(start, lambda _: Ports(port) if is_up() else None) as server:
        yield server


@contextmanager
def confined(cores: Cores) -> Iterator[None]:
    """Keep this process, and those that it starts, on some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _running(start: Start, find: Callable[[Path], Ports | None]) -> Iterator[Server]:
    begin = time.perf_counter()
    with start.log.open("wb") as stream, confined(start.cores):
        process = subprocess.Popen(
            start.command,
            cwd=ROOT,
            env=start.environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Server(process, _await(process, start.log, find), time.perf_counter() - begin)
    finally:
        _end(process)


def _await(process: subprocess.Popen[bytes], log: Path, find: Callable[[Path], Ports | None]) -> Ports:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        if ports := find(log):
            return ports
        time.sleep(0.005)
    raise NotStartedError(f"the server did not start; it said {log.read_text()[-500:].strip()!r}")


def _announcement(log: Path) -> Ports | None:
    for line in log.read_bytes().splitlines(keepends=True):
        if b'"listening"' in line and line.endswith(b"\n"):
            said: dict[str, int] = orjson.loads(line)
            return Ports(said["port"], said.get("probe_port", 0))
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _kilobytes(path: Path, name: str) -> int:
    line = next(line for line in path.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])

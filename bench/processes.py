"""Servers in processes of their own, each on one core, and what the system says of them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

ROOT = Path(__file__).parents[1]
PATIENCE = 30.0
"""Seconds in which a server must have started or ended."""

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens."""

    process: subprocess.Popen[bytes]
    port: int
    probe_port: int
    """0 for a server without probes."""
    seconds: float
    """From its start until it said that it listens."""

    @property
    def cpu(self) -> float:
        """Seconds of CPU that the process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

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
        with socket.create_connection(("localhost", self.probe_port), timeout=PATIENCE) as sock:
            sock.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return sock.recv(4096).startswith(b"HTTP/1.1 200")

    def _family(self) -> Iterator[int]:
        yield self.process.pid
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        yield from (int(word) for task in tasks for word in task.read_text().split())


@contextmanager
def running(module: str, arguments: Sequence[str], log: Path, core: int) -> Iterator[Server]:
    """Run ``python -m MODULE`` on one core from the moment that it says ``listening`` in its log."""
    begin = time.perf_counter()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        os.sched_setaffinity(process.pid, {core})
        said = _await_listening(process, log)
        yield Server(process, said["port"], said.get("probe_port", 0), time.perf_counter() - begin)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _await_listening(process: subprocess.Popen[bytes], log: Path) -> dict[str, int]:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        for line in log.read_bytes().splitlines(keepends=True):
            if b'"listening"' in line and line.endswith(b"\n"):
                found: dict[str, int] = orjson.loads(line)
                return found
        time.sleep(0.005)
    raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")


def _kilobytes(path: Path, name: str) -> int:
    line = next(line for line in path.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])

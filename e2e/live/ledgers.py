"""
What the kernel has counted of a server's container: its CPU, how often it was held back, and its memory.

And of the API server the CPU, as it tells itself. CPU is what does not depend on who else is at work on a machine.
"""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE

FILES = """
    cpu.stat memory.current memory.stat
    cpu/cpu.stat cpuacct/cpuacct.usage memory/memory.usage_in_bytes memory/memory.stat
"""
"""Of both versions of control groups, as a container sees its own; those of one version are there."""


@dataclass(frozen=True)
class Ledger:
    """Sums since the container began, but for the memory, which is that of now."""

    cpu: float
    """Seconds."""
    periods: int
    """Tenths of a second in which anything ran, where there is a limit."""
    throttled: int
    """Those of them in which the limit was reached."""
    held: float
    """Seconds that threads were held back."""
    working_set: int
    """Bytes that the kernel cannot take back at once: what ``kubectl top`` shows."""

    def __add__(self, other: Ledger) -> Ledger:
        return Ledger(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Ledger) -> Ledger:
        return Ledger(*(mine - its for mine, its in zip(astuple(self), astuple(other), strict=True)))


def read(server: str) -> Ledger:
    """Read what there is of a server."""
    script = f"cd /sys/fs/cgroup; grep -s '' {' '.join(FILES.split())}; true"
    done = clusters.kubectl("-n", NAMESPACE, "exec", server, "--", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    return parse(done.stdout)


def api_server() -> float:
    """Return the seconds of CPU that the API server has used."""
    [found] = re.findall(
        r"^process_cpu_seconds_total (\S+)$", clusters.kubectl("get", "--raw", "/metrics").stdout, re.MULTILINE
    )
    return float(found)


def parse(text: str) -> Ledger:
    """Read lines such as ``cpu/cpu.stat:nr_throttled 7``."""
    lines = re.findall(r"^(?:\w+/)?([\w.]+):(?:(\w+) )?(\d+)$", text, re.MULTILINE)
    found = {(file, word): int(number) for file, word, number in lines}
    stat = {word: number for (file, word), number in found.items() if file == "cpu.stat"}
    first = ("cpuacct.usage", "") in found
    return Ledger(
        cpu=found["cpuacct.usage", ""] / 1e9 if first else stat["usage_usec"] / 1e6,
        periods=stat.get("nr_periods", 0),
        throttled=stat.get("nr_throttled", 0),
        held=stat["throttled_time"] / 1e9 if first else stat.get("throttled_usec", 0) / 1e6,
        working_set=found["memory.usage_in_bytes" if first else "memory.current", ""]
        - found["memory.stat", "inactive_file"],
    )

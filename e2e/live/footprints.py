"""What servers weigh."""

from __future__ import annotations

import re

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.live import servers

MIB = 2**20


def resident(server: str) -> int:
    """Return the resident memory of a server's own process, in bytes, as it tells itself."""
    [found] = re.findall(r"^process_resident_memory_bytes (\S+)$", servers.metrics(server), re.MULTILINE)
    return int(float(found))


def proportional(server: str) -> int:
    """Return the memory of all processes of a server's pod in bytes, each page counted once."""
    script = "cat /proc/[0-9]*/smaps_rollup"
    done = clusters.kubectl("-n", NAMESPACE, "exec", server, "--", "sh", "-c", script)
    return sum(map(int, re.findall(r"^Pss: +(\d+) kB$", done.stdout, re.MULTILINE))) * 1024


def image(server: str) -> int:
    """Return the size of all files of a server's image, in bytes."""
    done = clusters.kubectl("-n", NAMESPACE, "exec", server, "--", "du", "-skx", "/")
    return int(done.stdout.split()[0]) * 1024

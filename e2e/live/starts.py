"""How long a new server takes until it is ready, past the probes, which look only every second or two."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.live import proxies, servers

PATIENCE = 60


@dataclass(frozen=True)
class Start:
    """From the beginning of a server's process."""

    seconds: float
    cpu: float
    """Seconds of CPU of the process."""


def restart(port: int) -> Start:
    """Delete a server, and see the one in its place become ready, through the proxy on a port."""
    before = servers.names()
    deleted = clusters.kubectl("-n", NAMESPACE, "delete", "pod", before[0], "--wait=false")
    assert deleted.returncode == 0, deleted.stderr
    clusters.await_true("another server", lambda: set(servers.names()) - set(before), PATIENCE)
    [new] = set(servers.names()) - set(before)
    return _await_ready(port, new)


def _await_ready(port: int, server: str) -> Start:
    caller = proxies.Caller(port)
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{server}:8080/proxy"
    clusters.await_true(f"{server} is ready", lambda: caller.send("GET", f"{path}/readyz").status == 200, PATIENCE)
    ready = time.time()
    metrics = caller.send("GET", f"{path}/metrics").message
    caller.close()
    began, cpu = (_read(metrics, f"process_{what}_seconds") for what in ("start_time", "cpu"))
    return Start(ready - began, cpu)


def _read(metrics: str, prefix: str) -> float:
    [found] = re.findall(rf"^{prefix}(?:_total)? (\S+)$", metrics, re.MULTILINE)
    return float(found)

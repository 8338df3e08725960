"""What the servers say they were called for: a line of their logs for each review."""

from __future__ import annotations

import json
from collections.abc import Iterator

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE, Object
from e2e.live import servers


def lines(server: str) -> Iterator[Object]:
    """Return what a server has said so far."""
    for line in clusters.kubectl("-n", NAMESPACE, "logs", server).stdout.splitlines():
        yield json.loads(line)


def reasons() -> dict[str, list[str]]:
    """Return what was decided at each call, in the order of the calls, by the pod's namespace and name."""
    reviews = (line for server in servers.names() for line in lines(server) if line["event"] == "review")
    found: dict[str, list[str]] = {}
    for line in sorted(reviews, key=lambda line: str(line["time"])):
        found.setdefault(f"{line['namespace']}/{line['name']}", []).append(line["reason"])
    return found

"""The node under the cluster, by way of whoever made it: its components, its processes, its network."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from e2e.chart import clusters
from e2e.cluster.failures import Failure
from e2e.cluster.providers import PROVIDERS, Provider
from e2e.cluster.settings import Settings

API_PORT = 6443
TABLE = "ip pillion_silence"
_SILENCE = """\
add table {table}
add set {table} silent {{ type ipv4_addr . inet_service; elements = {{ {elements} }}; }}
add chain {table} from {{ type filter hook prerouting priority -350; }}
add chain {table} to {{ type filter hook output priority -350; }}
add rule {table} from ip saddr . tcp sport @silent counter drop
add rule {table} to ip daddr . tcp dport @silent counter drop
"""
"""Before addresses are translated on the way in, and after on the way out: a connection has its pod's address here."""


def provider() -> Provider:
    """Find who made the cluster of ``$KUBECONFIG``."""
    environment = os.environ  # noqa: TID251 - what kubectl and helm read, too
    for make in PROVIDERS.values():
        found = make(Settings.from_environment(environment))
        with suppress(Failure):
            if found.kubeconfig() == Path(environment["KUBECONFIG"]):
                return found
    raise AssertionError(f"{environment['KUBECONFIG']} is of no provider: {', '.join(PROVIDERS)}")


def signal(name: str, space: str, pod: str) -> None:
    """Send a signal to the first process of a pod, past kubelet: to its container nothing else may send SIGKILL."""
    provider().run(["kill", f"-{name}", str(find_process(space, pod))])


def find_process(space: str, pod: str) -> int:
    """Find the first process of a pod's first container, by the number that it has on the node."""
    path = "jsonpath={.status.containerStatuses[0].containerID}"
    identity = clusters.kubectl("-n", space, "get", "pod", pod, "-o", path).stdout.rpartition("/")[2]
    assert identity, f"{pod} has no container"
    found = provider().run(["sh", "-c", f"grep -ls {identity} /proc/[0-9]*/cgroup || true"])
    return min(map(int, re.findall(r"/proc/(\d+)/", found)))


@contextmanager
def silence(addresses: list[str]) -> Iterator[None]:
    """Drop every packet of the connections that pods have with the API server now; new connections work."""
    elements = ", ".join(f"{address} . {port}" for address, port in _connections(addresses))
    assert elements, f"{addresses} have no connection with the API server"
    node = provider()
    node.run(["nft", _SILENCE.format(table=TABLE, elements=elements)])
    try:
        yield
    finally:
        node.run(["nft", f"delete table {TABLE}"])


def count_dropped() -> int:
    """Count the packets that silence has swallowed."""
    text = provider().run(["nft", f"list table {TABLE}"])
    return sum(map(int, re.findall(r"counter packets (\d+)", text)))


def count_unread(process: int, port: int) -> int:
    """Count the connections to a port, in the network of a process, that hold what it has not read."""
    command = ["nsenter", f"--target={process}", "--net", "ss", "-Htn", "state", "established", f"sport = :{port}"]
    return sum(line.split()[0] != "0" for line in provider().run(command).splitlines())


def _connections(addresses: list[str]) -> Iterator[tuple[str, str]]:
    command = ["ss", "-Htn", "state", "established", f"sport = :{API_PORT}"]
    for line in provider().run(command).splitlines():
        address, _, port = line.split()[3].rpartition(":")
        plain = address.strip("[]").removeprefix("::ffff:")
        if plain in addresses:
            yield plain, port

"""
The addresses of the `host` provider's node: all from networks that are reserved for tests, so nobody's.

::

    this host  198.51.100.2 ──veth── 198.51.100.1  the node, in a network namespace of its own
                                     198.18.0.0/16  its pods, on a bridge
                                     198.19.0.0/16  its Services

The namespace has no default route and no other link: no packet of the cluster can leave this host.
"""

from __future__ import annotations

HOST = "198.51.100.2"
NODE = "198.51.100.1"
LINK_BITS = 30
BOTH = "198.18.0.0/15"
"""Pods and Services in one: what this host sends to the node."""
PODS = "198.18.0.0/16"
NODE_PODS = "198.18.0.0/24"
SERVICES = "198.19.0.0/16"
API_SERVICE = "198.19.0.1"
API_PORT = 6443
API_SERVER = f"https://{NODE}:{API_PORT}"

HOST_LINK = "pillion-e2e"
NODE_LINK = "uplink"
DISCONNECT = ["ip", "link", "delete", HOST_LINK]
"""Remove the link at once: by itself it goes some time after its namespace."""


def host_commands(process: int) -> list[list[str]]:
    """Link this host with the network namespace of a process; the link goes when either end goes."""
    return [
        f"ip link add {HOST_LINK} type veth peer name {NODE_LINK} netns {process}".split(),
        f"ip address add {HOST}/{LINK_BITS} dev {HOST_LINK}".split(),
        f"ip link set {HOST_LINK} up".split(),
        f"ip route add {BOTH} via {NODE} dev {HOST_LINK}".split(),
    ]


def node_commands() -> list[list[str]]:
    """Set up the node's end, in its namespace: a packet to a Service needs some route before it is led elsewhere."""
    return [
        "ip link set lo up".split(),
        f"ip address add {NODE}/{LINK_BITS} dev {NODE_LINK}".split(),
        f"ip link set {NODE_LINK} up".split(),
        "ip link add services type bridge".split(),
        "ip link set services up".split(),
        f"ip route add {SERVICES} dev services src {NODE}".split(),
        ["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"],
    ]

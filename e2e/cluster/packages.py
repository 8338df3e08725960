"""Installs what the `host` provider needs from Debian, and says what is missing where it cannot."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.cluster import commands
from e2e.cluster.failures import Missing

PROGRAMS = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "/usr/lib/cni/portmap": "containernetworking-plugins",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "nft": "nftables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "etcd": "etcd-server",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
}
"""The Debian package of each program."""

_POLICY = Path("/usr/sbin/policy-rc.d")
_NO_SERVICES = "#!/bin/sh\nexit 101\n"


def missing() -> set[str]:
    """Find the packages whose programs are not there."""
    return {package for program, package in PROGRAMS.items() if not shutil.which(program)}


def install() -> None:
    """Install the packages that are missing; no service of theirs is started."""
    wanted = sorted(missing())
    if not wanted:
        return
    if not shutil.which("apt-get"):
        raise Missing(f"This host lacks {', '.join(wanted)} and has no apt-get to install them: install them yourself.")
    commands.tell(f"installing {', '.join(wanted)}")
    commands.run(["apt-get", "-qq", "update"])
    with _services_off():
        commands.run(install_command(wanted))


def install_command(wanted: list[str]) -> list[str]:
    """Install packages, and nothing that they merely recommend."""
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    return [*quiet, "install", "--yes", "--no-install-recommends", *wanted]


@contextmanager
def _services_off() -> Iterator[None]:
    """Let Debian's packages start no service while they are installed, unless the host has a policy of its own."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text(_NO_SERVICES)
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()

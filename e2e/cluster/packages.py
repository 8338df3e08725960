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
    "curl": "curl",
    "etcd": "etcd-server",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
}
"""The Debian package of each program."""

REPAIR = ["env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--configure", "-a"]
"""Finish what an installation left that was killed; otherwise there is nothing to do."""

_POLICY = Path("/usr/sbin/policy-rc.d")
_NO_SERVICES = "#!/bin/sh\n# Of Pillion's tests on a cluster, while they install packages.\nexit 101\n"


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
    with services_off(_POLICY):
        commands.run(REPAIR)
        commands.run(install_command(wanted))


def install_command(wanted: list[str]) -> list[str]:
    """Install packages, and nothing that they merely recommend."""
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "--option=DPkg::Lock::Timeout=300"]
    return [*quiet, "install", "--yes", "--no-install-recommends", *wanted]


@contextmanager
def services_off(policy: Path) -> Iterator[None]:
    """
    Let Debian's packages start no service while they are installed, unless the host has a policy of its own.

    One that a killed run of ours has left is known by its text, and goes, too.
    """
    if policy.exists() and policy.read_text() != _NO_SERVICES:
        yield
        return
    policy.write_text(_NO_SERVICES)
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()

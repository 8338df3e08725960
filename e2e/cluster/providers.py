"""What every provider of a cluster can do, and which one fits this host."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from e2e.cluster import commands
from e2e.cluster.commands import Command
from e2e.cluster.host import Host
from e2e.cluster.kind import Kind
from e2e.cluster.settings import Settings


class Provider(Protocol):
    """A way to have a cluster. Every method raises `failures.Failure` with a sentence."""

    def prepare(self) -> None:
        """Install and build what a cluster is made with: all that takes long, and only once on a host."""

    def up(self) -> None:
        """Make the cluster, or leave it alone where it is up; what a crash left behind is removed first."""

    def down(self) -> None:
        """Remove the cluster and everything that came with it; nothing happens where there is none."""

    def build(self) -> Path:
        """Build Pillion's image from the working tree and answer its archive."""

    def load(self, archive: Path) -> None:
        """Give the nodes an image."""

    def kubeconfig(self) -> Path:
        """Answer the cluster admin's kubeconfig."""

    def programs(self) -> list[Path]:
        """Answer the folders of kubectl and helm, for the front of PATH; none where PATH has them."""

    def restart(self, component: str) -> None:
        """Kill a component of the control plane and see that it comes back."""

    def run(self, command: Command) -> str:
        """Run a command on the node, in its network and among its processes, and answer its output."""

    def logs(self) -> Iterator[str]:
        """Tell the ends of all logs."""


PROVIDERS: Mapping[str, Callable[[Settings], Provider]] = {"host": Host, "kind": Kind}


def make(name: str, settings: Settings) -> Provider:
    """Make a provider; ``auto`` is kind where Docker answers, and this host where it does not."""
    chosen = ("kind" if _docker_answers() else "host") if name == "auto" else name
    return PROVIDERS[chosen](settings)


def _docker_answers() -> bool:
    return bool(shutil.which("docker")) and commands.succeeds(["docker", "info"])

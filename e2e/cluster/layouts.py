"""Where everything of the `host` provider's node stands: one folder, named once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HIDDEN = ("/run", "/var/lib", "/var/log")
"""Folders of this host that the node sees as its own, empty ones: whatever it writes there is under its state."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of a node."""

    state: Path
    programs: Path

    @classmethod
    def recall(cls, state: Path) -> Layout:
        """Find the node of a folder; where there is none, its programs are of no matter."""
        try:
            return cls(state, Path((state / "programs").read_text()))
        except FileNotFoundError:
            return cls(state, Path())

    def record(self) -> None:
        """Write down the programs, for a later command."""
        (self.state / "programs").write_text(str(self.programs))

    @property
    def certificates(self) -> Path:
        """Keys and certificates of all components."""
        return self.state / "pki"

    @property
    def configs(self) -> Path:
        """Configuration files and kubeconfigs."""
        return self.state / "etc"

    @property
    def records(self) -> Path:
        """Who was started: see `processes`."""
        return self.state / "processes"

    @property
    def held(self) -> Path:
        """A file that is there when the node's namespaces are ready."""
        return self.state / "held"

    @property
    def logs(self) -> Path:
        """The output of all components, a file each."""
        return self.state / "logs"

    @property
    def kubeconfig(self) -> Path:
        """The cluster admin's."""
        return self.kubeconfig_of("admin")

    @property
    def socket(self) -> Path:
        """The socket of containerd, as this host sees it."""
        return self.stand_in("/run") / "containerd" / "containerd.sock"

    def kubeconfig_of(self, user: str) -> Path:
        """The kubeconfig of a component."""
        return self.configs / f"{user}.kubeconfig"

    def stand_in(self, hidden: str) -> Path:
        """What the node sees in place of one of the `HIDDEN` folders."""
        return self.state / "root" / hidden.strip("/").replace("/", "-")

    def folders(self) -> list[Path]:
        """All folders that must be there before anything starts."""
        stand_ins = map(self.stand_in, HIDDEN)
        return [self.certificates, self.configs, self.configs / "cni", self.records, self.logs, *stand_ins]

"""What is asked for and where it is kept: values only, made from the environment in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TOOLS = Path(__file__).parent / "tools"
IMAGE = "localhost/pillion:e2e"
NEWEST = "1.36"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person who runs the tests can choose."""

    cache: Path
    """Folder of everything that is worth keeping: programs by version, base images, kubeconfigs."""

    kubernetes: str = NEWEST
    """The minor version of Kubernetes: one of those under e2e/cluster/tools."""

    state: Path = Path("/var/cache/pillion-e2e")
    """Folder of the `host` provider's node; it goes with the node. Only root can write beside it."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read ``KUBERNETES_VERSION``, ``XDG_CACHE_HOME`` and ``HOME``."""
        caches = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", "/root")) / ".cache"
        return cls(Path(caches) / "pillion-e2e", environment.get("KUBERNETES_VERSION") or NEWEST)

"""
Builds programs from their Go modules, once per version: kubernetes, helm and kind.

What is built is decided by go.mod and go.sum under tools/; a finished folder of the cache is never touched again.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.cluster import commands, versions
from e2e.cluster.failures import Missing
from e2e.cluster.settings import TOOLS, Settings
from e2e.cluster.versions import Pin


def kubernetes(settings: Settings) -> Path:
    """Answer the folder with kube-apiserver, kubelet, kubectl and their like, built if need be."""
    return _built(settings.cache, versions.choose_kubernetes(settings.kubernetes, _offered()))


def helm(settings: Settings) -> Path:
    """Answer the folder with helm, built if need be."""
    return _built(settings.cache, _pin("helm"))


def kind(settings: Settings) -> Path:
    """Answer the folder with kind, built if need be."""
    return _built(settings.cache, _pin("kind"))


def build_command(pin: Pin, into: Path) -> list[str]:
    """Build all tools of a module: reproducible paths, no C, and no hurry (others use this host, too)."""
    go = ["env", "CGO_ENABLED=0", "go", "-C", str(TOOLS / pin.folder), "build", "-trimpath", "-mod=readonly"]
    return ["nice", *go, "-ldflags", versions.linker_flags(pin), "-o", f"{into}/", "tool"]


def pause_command(into: Path) -> list[str]:
    """Build the program that holds a pod's namespaces, and the node's."""
    go = ["env", "CGO_ENABLED=0", "go", "-C", str(TOOLS.parent / "pause")]
    return [*go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(into), "."]


def pause(settings: Settings) -> Path:
    """Answer the program that waits and reaps, built if need be (Go's own cache makes that quick)."""
    _need_go()
    program = settings.cache / "programs" / "pause"
    commands.run(pause_command(program))
    return program


def _offered() -> dict[str, Pin]:
    pins = (_pin(folder.name) for folder in TOOLS.glob("kubernetes-*"))
    return {pin.folder.removeprefix("kubernetes-"): pin for pin in pins}


def _pin(folder: str) -> Pin:
    return versions.read_pin(folder, (TOOLS / folder / "go.mod").read_text())


def _built(cache: Path, pin: Pin) -> Path:
    finished = cache / "programs" / pin.name
    if finished.exists():
        return finished
    _need_go()
    with _alone(cache / "programs" / f"{pin.name}.lock"):
        if not finished.exists():
            commands.tell(f"building {pin.name}: minutes, once")
            partial = finished.with_name(f"{finished.name}.partial")
            commands.show(build_command(pin, partial))
            partial.rename(finished)
    return finished


def _need_go() -> None:
    if not shutil.which("go"):
        raise Missing("There is no Go on this host: install it from go.dev (1.24 or newer) and run this again.")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Let nobody else build the same at the same time; the lock ends with the process."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""
What a node leaves in the kernel beyond its namespaces: control groups, and settings that kubelet changes for all.

Everything else (processes, mounts, links, routes, packet filters) belongs to the node's namespaces and goes with them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

CHANGED = (
    "vm.overcommit_memory",
    "vm.panic_on_oom",
    "kernel.panic",
    "kernel.panic_on_oops",
    "kernel.keys.root_maxkeys",
    "kernel.keys.root_maxbytes",
)
"""The settings that kubelet sets at its start and no namespace holds."""


def save_settings(file: Path) -> None:
    """Write down the values that the kernel has now."""
    file.write_text(json.dumps({name: _setting(name).read_text().strip() for name in CHANGED}))


def restore_settings(file: Path) -> None:
    """Set what was written down, where it differs."""
    try:
        saved: dict[str, str] = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return
    for name, value in saved.items():
        if _setting(name).read_text().strip() != value:
            _setting(name).write_text(value)


def control_groups(mounts: str, name: str) -> Iterator[Path]:
    """Find a group of this name in every hierarchy, by the text of ``/proc/mounts``."""
    for line in mounts.splitlines():
        _device, folder, kind, *_rest = line.split()
        if kind in {"cgroup", "cgroup2"}:
            yield Path(folder) / name


def make_groups(groups: Iterator[Path]) -> None:
    """Make the groups, for kubelet wants to find the one that its pods go under."""
    for group in groups:
        group.mkdir(exist_ok=True)


def remove_groups(groups: Iterator[Path]) -> None:
    """Remove the groups and all below; the kernel refuses to where a process still is."""
    for group in groups:
        for folder, _folders, _files in os.walk(group, topdown=False):
            Path(folder).rmdir()


def mounted_below(mounts: str, folder: Path) -> list[str]:
    """Find the mounts in a folder, by the text of ``/proc/mounts``."""
    points = (line.split()[1] for line in mounts.splitlines())
    return [point for point in points if Path(point).is_relative_to(folder)]


def _setting(name: str) -> Path:
    return Path("/proc/sys") / name.replace(".", "/")

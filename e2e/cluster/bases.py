"""
A Debian base for Pillion's image, made with debootstrap: for hosts that reach a mirror of Debian and no image registry.

Two images come out: a runtime base with Python and nothing to build with, and the same plus venv and a C compiler.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster import commands
from e2e.cluster.commands import Command

RUNTIME_PACKAGES = ("ca-certificates", "python3")
BUILD_PACKAGES = (*RUNTIME_PACKAGES, "gcc", "libc6-dev", "python3-dev", "python3-venv")
SUITE = "bookworm"
PYTHON = "3.11"
"""The Python of the suite."""

_ALONE = (
    "nice setpriv --pdeathsig KILL unshare --mount --propagation private --mount-proc --pid --fork --kill-child=KILL"
).split()
"""What a command starts and mounts, such as debootstrap's /proc, ends with it, and that with whoever started it."""

_STRIPPED = ("usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/zoneinfo", "var/log", "var/cache/apt")
_LISTS = ("var/lib/apt/lists", "var/cache/debconf", "debootstrap")


@dataclass(frozen=True, slots=True)
class Bases:
    """The names of the two images."""

    runtime: str = f"localhost/pillion-base:{SUITE}"
    build: str = f"localhost/pillion-compiler-base:{SUITE}"


def debootstrap_command(root: Path, packages: Iterable[str], *options: str) -> Command:
    """Unpack the smallest Debian that has these packages; the mirror is debootstrap's own choice."""
    wanted = f"--include={','.join(packages)}"
    return [*_ALONE, "debootstrap", "--variant=minbase", wanted, *options, SUITE, root]


def make(buildah: list[str], scratch: Path) -> Bases:
    """Make both images, unless they are in buildah's storage already."""
    bases = Bases()
    if all(commands.succeeds([*buildah, "inspect", "--type", "image", name]) for name in (bases.runtime, bases.build)):
        return bases
    commands.tell("making a Debian base: a minute, once")
    root = scratch / "debian"
    shutil.rmtree(root, ignore_errors=True)
    commands.run(debootstrap_command(root, BUILD_PACKAGES))
    _strip(root)
    _commit(buildah, root, bases.build)
    commands.run(["chroot", root, "dpkg", "--purge", *_needless(root, scratch / "index")])
    _strip(root)
    _commit(buildah, root, bases.runtime)
    shutil.rmtree(root)
    return bases


def _needless(root: Path, scratch: Path) -> list[str]:
    """Return the packages in *root* that are there for building only."""
    installed = commands.run(["chroot", root, "dpkg-query", "--show", "--showformat", "${Package} "]).split()
    needed = commands.run(debootstrap_command(scratch, RUNTIME_PACKAGES, "--print-debs")).split()
    shutil.rmtree(scratch, ignore_errors=True)
    return sorted({*installed} - {*needed})


def _strip(root: Path) -> None:
    """Empty what only people and package managers read; licences stay."""
    for folder in (*_STRIPPED, *_LISTS):
        shutil.rmtree(root / folder, ignore_errors=True)
    for file in (root / "usr/share/doc").rglob("*"):
        if file.is_file() and file.name != "copyright":
            file.unlink()


def _commit(buildah: list[str], root: Path, name: str) -> None:
    container = commands.run([*buildah, "from", "scratch"]).strip()
    try:
        commands.run([*buildah, "add", container, root, "/"])
        commands.run([*buildah, "commit", container, name])
    finally:
        commands.run([*buildah, "rm", container])

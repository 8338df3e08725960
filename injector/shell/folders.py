"""
One state of a folder of manifests: what is in it, never a mixture of two.

A mounted ConfigMap is a folder whose files are links through ``..data``, itself a link that the kubelet swaps at once;
it is followed once for all files. What the files mean is not known here.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from injector.shell import manifests
from injector.shell.errors import ManifestError

Signature: TypeAlias = tuple[object, ...]
"""Equal as long as nothing has changed, by names, times, sizes and inodes."""

_DATA = "..data"
_ATTEMPTS = 5  # at reading a folder that changes meanwhile


@dataclass(frozen=True, slots=True)
class File:
    """A manifest file that was read, or why it was not."""

    name: str
    content: bytes = b""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A folder's manifest files in order of name, and the names of what else is in it."""

    files: tuple[File, ...]
    subfolders: tuple[str, ...]
    others: tuple[str, ...]


def sign(folder: Path) -> Signature:
    """Return the folder's signature without reading a file; raises OSError if there is no such folder."""
    base = _base(folder)
    return (str(base), *(_sign_file(base, name) for name in _names(base)))


def read(folder: Path) -> Listing:
    """Read the folder; raises OSError if that is not possible at all."""
    for _ in range(_ATTEMPTS):
        before = sign(folder)
        listing = _read(_base(folder))
        if sign(folder) == before:
            break
    return listing


def _base(folder: Path) -> Path:
    """Return where the files are: the folder, or what its ``..data`` points to at this moment."""
    try:
        return folder / (folder / _DATA).readlink()
    except OSError:
        return folder


def _names(base: Path) -> list[str]:
    return sorted(name for name in os.listdir(base) if not name.startswith("."))  # noqa: PTH208  # names, not paths


def _sign_file(base: Path, name: str) -> Signature:
    try:
        found = (base / name).stat()
    except OSError as error:
        return name, error.errno
    if not manifests.is_manifest(name):
        return name, stat.S_IFMT(found.st_mode)
    return name, found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _read(base: Path) -> Listing:
    names = _names(base)
    files = tuple(_read_file(base, name) for name in names if manifests.is_manifest(name))
    rest = [name for name in names if not manifests.is_manifest(name)]
    subfolders = tuple(name for name in rest if (base / name).is_dir())
    return Listing(files, subfolders, tuple(name for name in rest if name not in subfolders))


def _read_file(base: Path, name: str) -> File:
    path = base / name
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return File(name, problem="it is no regular file")
        return File(name, manifests.read_file(path))
    except ManifestError as error:
        return File(name, problem=error.problem)
    except OSError as error:
        return File(name, problem=f"it cannot be read: {error.strerror}")

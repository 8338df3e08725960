"""
Kubernetes objects from files, folders and standard input. What a text means is in ``texts``.

Lists are flattened. A folder gives its ``*.yaml``, ``*.yml`` and ``*.json`` files in order of name, without subfolders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from injector.core import workloads
from injector.core.errors import WorkloadError
from injector.core.model import JSON, Object
from injector.shell import texts
from injector.shell.builders import Root
from injector.shell.errors import ManifestError

SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One Kubernetes object, and where it was read."""

    source: str
    """The file as it was named."""
    index: int
    """Its number among the objects of that file, from 0."""
    line: int
    """Where its document begins, from 1."""
    object: Object


def read(paths: Iterable[str], stdin: BinaryIO) -> Iterator[Document]:
    """Yield the objects of files, folders and, for ``-``, of standard input; raises ManifestError."""
    for source, content in read_contents(paths, stdin):
        yield from parse(content, source)


def read_contents(paths: Iterable[str], stdin: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of files, of the files in folders and, for ``-``, of standard input."""
    for path in paths:
        if path == "-":
            yield "stdin", stdin.read(texts.SIZE + 1)
        elif Path(path).is_dir():
            yield from ((str(inner), read_file(inner)) for inner in _files_of(Path(path)))
        else:
            yield path, read_file(Path(path))


def _files_of(folder: Path) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if is_manifest(path.name))
    except OSError as error:
        raise ManifestError(f"the folder cannot be read: {error.strerror}", source=str(folder)) from error
    if not found:
        raise ManifestError(f"the folder has no file that ends in {', '.join(SUFFIXES)}", source=str(folder))
    return found


def is_manifest(name: str) -> bool:
    """Tell by its name whether a file holds manifests; hidden ones do not."""
    return name.endswith(SUFFIXES) and not name.startswith(".")


def read_file(path: Path) -> bytes:
    """Return the content of a file, at most one byte more than is allowed; raises ManifestError."""
    try:
        with path.open("rb") as file:
            return file.read(texts.SIZE + 1)
    except FileNotFoundError as error:
        raise ManifestError("it does not exist", source=str(path)) from error
    except OSError as error:
        raise ManifestError(f"it cannot be read: {error.strerror}", source=str(path)) from error


def parse(content: bytes, source: str) -> list[Document]:
    """Return the objects of a text, those of Lists one by one; *source* names it in a ManifestError."""
    found = [(root.line, item) for root in parse_whole(content, source) for item in _flatten(root, source)]
    return [Document(source=source, index=index, line=line, object=item) for index, (line, item) in enumerate(found)]


def parse_whole(content: bytes, source: str) -> list[Root]:
    """Return the objects of a text with Lists as they are; *source* names it in a ManifestError."""
    roots = texts.load(content, source)
    for root in roots:
        _check(root.value, root, source)
    return roots


def _flatten(root: Root, source: str) -> Iterator[Object]:
    pending: list[Object] = [root.value]
    while pending:
        found = pending.pop()
        _check(found, root, source)
        items = _items(found, root, source)
        if items is None:
            yield found
        else:
            pending += reversed(items)


def _items(found: Object, root: Root, source: str) -> list[Object] | None:
    try:
        return workloads.items_of(found)
    except WorkloadError as error:
        raise ManifestError(str(error), source=source, line=root.line) from error


def _check(found: JSON, root: Root, source: str) -> None:
    problem = _misfit(found)
    if problem:
        raise ManifestError(problem, source=source, line=root.line)


def _misfit(found: JSON) -> str:
    if not isinstance(found, dict):
        return f"expected a Kubernetes object with apiVersion and kind, got a {type(found).__name__}"
    for key in ("apiVersion", "kind"):
        if not isinstance(found.get(key), str):
            return f"expected a Kubernetes object, but it has no {key}"
    metadata = found.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        return f"metadata is a {type(metadata).__name__}, expected a mapping"
    return ""

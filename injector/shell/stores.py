"""
Where templates come from: a folder of YAML files, or a ConfigMap mounted as one, watched for changes.

What is broken is quarantined: its last good version stays in force, and ``problems`` says so. What is deleted stops at
once. A snapshot never changes; a reload puts a new one in its place with one assignment.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from injector.core.model import Namespace, Object, Policy, Template
from injector.core.selection import Catalog
from injector.shell import folders
from injector.shell.errors import StoreError
from injector.shell.shelves import Contents, Problem, Shelf

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("pillion.templates")

_RESTLESS_LOOKS = 4  # after which a folder that keeps changing is read nevertheless
_RETRY_LOOKS = 20  # after which what could not be checked for a reason of ours is tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The templates in force at one moment."""

    catalog: Catalog = field(default_factory=Catalog)
    namespaces: Mapping[str, Namespace] = field(default_factory=lambda: MappingProxyType({}))
    """Namespaces that lend their labels and annotations, by name."""
    problems: tuple[Problem, ...] = ()


class DirectoryStore:
    """The templates of a folder; ``load`` it once, then ``start`` the thread that watches it."""

    def __init__(
        self,
        directory: Path,
        policy: Policy,
        *,
        check: Callable[[Object], None] = lambda configmap: None,  # noqa: ARG005
        on_change: Callable[[Snapshot], None] = lambda snapshot: None,  # noqa: ARG005
        interval: float = 0.25,
    ) -> None:
        """
        *check* sees each text of a ConfigMap before it is compiled here, and raises TemplateError or OurFault.

        *on_change* gets each new snapshot. *interval* is in seconds; a change is in force after two of them.
        """
        self._directory = directory
        self._shelf = Shelf(policy, check)
        self._on_change = on_change
        self._interval = interval
        self._snapshot = Snapshot()
        self._seen: folders.Signature | None = None
        self._pending: folders.Signature | None = None
        self._restless = 0
        self._retry_in = 0
        self._looking = threading.Lock()
        self._said: frozenset[str] = frozenset()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="template-watch", daemon=True)

    def load(self) -> Snapshot:
        """
        Read the folder for the first time; raises StoreError if it is none or cannot be read.

        The first look of the watch reads it again: a file that is written twice within a tick of the clock has the same
        signature both times.
        """
        try:
            contents = self._shelf.arrange(folders.read(self._directory))
        except OSError as error:
            raise StoreError(_why(self._directory, error)) from error
        self._replace(contents)
        if not contents.templates and not contents.problems:
            log.warning("the template folder %r is empty: no pod will be injected", str(self._directory))
        return self._snapshot

    def snapshot(self) -> Snapshot:
        """Return what is in force now."""
        return self._snapshot

    def start(self) -> None:
        """Watch the folder in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Look once, from any thread; a change is read when the next look finds the folder at rest."""
        with self._looking:
            self._look()

    def _look(self) -> None:
        self._retry_in -= 1
        found = self._sign()
        if found == self._seen and not (self._shelf.needs_retry and self._retry_in <= 0):
            return
        if found != self._pending and self._restless < _RESTLESS_LOOKS:
            self._pending, self._restless = found, self._restless + 1
            return
        self._seen, self._pending, self._restless, self._retry_in = found, None, 0, _RETRY_LOOKS
        self._reload()

    def _reload(self) -> None:
        try:
            contents = self._shelf.arrange(folders.read(self._directory))
        except OSError as error:
            contents = self._shelf.keep(str(self._directory), _why(self._directory, error))
        self._replace(contents)

    def _replace(self, contents: Contents) -> None:
        before = self._snapshot
        snapshot = Snapshot(
            catalog=Catalog(MappingProxyType(contents.templates)),
            namespaces=MappingProxyType(contents.namespaces),
            problems=tuple(contents.problems),
        )
        self._tell(contents)
        if snapshot != before:
            self._snapshot = snapshot
            self._on_change(snapshot)

    def _tell(self, contents: Contents) -> None:
        """Log what is new, once."""
        problems = [str(problem) for problem in contents.problems]
        for sentence in (sentence for sentence in contents.notes if sentence not in self._said):
            log.info("%s", sentence)
        for sentence in (sentence for sentence in problems if sentence not in self._said):
            log.error("%s", sentence)
        self._said = frozenset((*contents.notes, *problems))
        before = self._snapshot.catalog.templates
        for reference, template in contents.templates.items():
            if isinstance(template, Template) and before.get(reference) != template:
                log.info("template %r is in force, revision %s", reference, template.revision)
        for reference in before.keys() - contents.templates.keys():
            log.info("template %r is gone", reference)

    def _sign(self) -> folders.Signature:
        try:
            return folders.sign(self._directory)
        except OSError as error:
            return (error.errno,)

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            try:
                self.look()
            except Exception:  # a bug, which must not end the watch: what is in force stays
                log.exception("looking at the template folder %r failed", str(self._directory))


def _why(directory: Path, error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return f"the template folder {str(directory)!r} does not exist"
        case NotADirectoryError():
            return f"the template folder {str(directory)!r} is a file; name the folder that it is in"
        case _:
            return f"the template folder {str(directory)!r} cannot be read: {error.strerror}"

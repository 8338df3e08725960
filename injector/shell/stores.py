"""
Where templates come from: a folder of YAML files, or a ConfigMap mounted as one, watched for changes.

What is broken is quarantined: its last good version stays in force, and ``problems`` says so. What is deleted stops at
once. A snapshot never changes; a reload puts a new one in its place with one assignment.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from injector.core.model import Namespace, Object, Policy
from injector.shell import folders
from injector.shell.errors import StoreError
from injector.shell.shelves import Shelf
from injector.shell.snapshots import Display, Snapshot

log = logging.getLogger("pillion.templates")

_RESTLESS_LOOKS = 4  # after which a folder that keeps changing is read nevertheless
_RETRY_LOOKS = 20  # after which what could not be checked for a reason of ours is tried again


class Source(Protocol):
    """A collection that a store watches elsewhere, as probes and metrics see it."""

    name: str
    failures: int
    """How many attempts have failed."""

    @property
    def failure(self) -> str:
        """Why what is known of it may be old; empty where it is not."""

    @property
    def age(self) -> float:
        """Seconds since it was last heard of."""

    @property
    def size(self) -> int:
        """How many objects of it are known."""


class Store(Protocol):
    """Where templates come from."""

    @property
    def sources(self) -> Sequence[Source]:
        """What it watches elsewhere."""

    def begin(self, then: Callable[[], None]) -> None:
        """
        Watch in threads of its own; raises ShellError where that makes no sense.

        *then* is called once when there is something to serve: before this returns, or later from another thread.
        """

    def stop(self) -> None:
        """Watch no more."""

    def look(self) -> None:
        """Look now for what has changed."""

    def snapshot(self) -> Snapshot:
        """Return what is in force now."""

    def find_namespace(self, name: str) -> Namespace:
        """Return what is known of a namespace; raises UnknownNamespace where nothing is, but should be."""

    def stuck(self) -> str:
        """Say why the process should be started anew, or nothing."""


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
        self._display = Display(on_change)
        self._interval = interval
        self._seen: folders.Signature | None = None
        self._pending: folders.Signature | None = None
        self._restless = 0
        self._retry_in = 0
        self._looking = threading.Lock()
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
        self._display.replace(contents)
        if not contents.templates and not contents.problems:
            log.warning("the template folder %r is empty: no pod will be injected", str(self._directory))
        return self._display.snapshot

    def snapshot(self) -> Snapshot:
        """Return what is in force now."""
        return self._display.snapshot

    def find_namespace(self, name: str) -> Namespace:
        """Return a namespace of the folder's manifests, or one without labels and annotations."""
        return self._display.snapshot.namespaces.get(name) or Namespace(name=name)

    @property
    def sources(self) -> Sequence[Source]:
        """What it watches elsewhere: nothing."""
        return ()

    def begin(self, then: Callable[[], None]) -> None:
        """Load, watch and call *then*; raises StoreError."""
        self.load()
        self.start()
        then()

    def stuck(self) -> str:
        """Say that the watch has ended by itself, or nothing."""
        ended = self._thread.ident is not None and not self._thread.is_alive() and not self._stopped.is_set()
        return "the watch of the template folder has ended" if ended else ""

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
        self._display.replace(contents)

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

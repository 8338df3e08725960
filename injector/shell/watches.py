"""
A view of one collection in a cluster, kept true by list and watch. It knows no templates.

    list, in pages ──▶ watch from there ──▶ its peaceful end: watch on
        ▲                    │
        └── after a while ◀──┴── any doubt: an error, a line that is no event, a lost connection, silence, 410 Gone

The view is replaced as a whole by a list, and object by object by a watch. While the API server is away it stays what
it was. A watch is ended by the server before the client takes its silence for a dead connection: its last words are a
bookmark from which the next one goes on, also where nothing has changed for days.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson

from injector.core.model import Object
from injector.shell import streams
from injector.shell.errors import ClusterError
from injector.shell.streams import Stream

if TYPE_CHECKING:
    from injector.shell.clusters import Cluster

log = logging.getLogger("pillion.watch")

PAGE = 500
"""Objects in one answer to a list."""

_GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What is watched."""

    name: str
    """The resource, for people and metrics."""
    path: str
    """Of its URL."""
    selector: str = ""
    """A label selector that the API server applies."""
    trim: Callable[[Object], Object] = lambda found: found
    """Returns what is kept of an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How patient a watch is, in seconds."""

    watch: tuple[float, float] = (40.0, 50.0)
    """The server ends a watch after a time between these."""
    silence: float = 55.0
    """Without a byte for so long, a connection counts as dead."""
    retry: tuple[float, float] = (0.5, 30.0)
    """The first and the longest pause before a new attempt; each is twice the one before, less a random part."""


class Watch:
    """A view of one collection, and the thread that keeps it true."""

    def __init__(
        self,
        cluster: Cluster,
        collection: Collection,
        *,
        on_change: Callable[[], None] = lambda: None,
        timing: Timing | None = None,
        chance: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """*on_change* is called in the thread, after each change of the view; *chance* gives a number between two."""
        self.name = collection.name
        self.failures = 0
        """How many lists and watches have failed."""
        self._cluster = cluster
        self._collection = collection
        self._on_change = on_change
        self._timing = timing or Timing()
        self._chance = chance
        self._view: Mapping[str, Object] = MappingProxyType({})
        self._listed = False
        self._failure = "it has not been listed yet"
        self._heard = time.monotonic()
        self._pause = self._timing.retry[0]
        self._news = threading.Condition()
        self._stream: Stream | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch-{self.name}", daemon=True)

    # -- what others ask -----------------------------------------------------------------------------------------------

    @property
    def view(self) -> Mapping[str, Object]:
        """The objects by ``namespace/name`` or, without a namespace, by name; not changed, but replaced by another."""
        return self._view

    @property
    def listed(self) -> bool:
        """Whether the collection was listed at least once."""
        return self._listed

    @property
    def failure(self) -> str:
        """Why the view may be old; empty while the collection is watched."""
        return self._failure

    @property
    def age(self) -> float:
        """Seconds since the API server was last heard of."""
        return time.monotonic() - self._heard

    @property
    def size(self) -> int:
        """How many objects are known."""
        return len(self._view)

    @property
    def died(self) -> bool:
        """Whether the thread has ended without being told to."""
        return self._thread.ident is not None and not self._thread.is_alive() and not self._stopped.is_set()

    def wait_for(self, key: str, seconds: float) -> bool:
        """Wait at most so long for an object to be known; return whether it is."""
        with self._news:
            return self._news.wait_for(lambda: key in self._view, seconds)

    def start(self) -> None:
        """Watch in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        with self._news:
            if self._stream:
                self._stream.interrupt()
        if self._thread.is_alive():
            self._thread.join(1.0)  # one that is connecting may take longer, and holds nothing

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
            except ClusterError as error:
                self._complain(str(error), logging.INFO if error.status == _GONE else logging.WARNING)
            except Exception as error:  # a bug, which must not end the watch: what is known stays
                log.exception("watching %s failed", self.name)
                self._complain(f"internal error: {type(error).__name__}", logging.DEBUG)
            self._stopped.wait(self._pause * self._chance(0.5, 1.0))
            self._pause = min(self._pause * 2, self._timing.retry[1])

    def _follow(self) -> None:
        version = self._list()
        while not self._stopped.is_set():
            version = self._watch(version)

    def _list(self) -> str:
        """Replace the view and return the version from which to watch."""
        found: dict[str, Object] = {}
        query = {"limit": str(PAGE)}
        while True:
            match self._cluster.request("GET", self._collection.path, query=self._select(query)):
                case {"metadata": {"resourceVersion": str(version)} as metadata, "items": list() | None as items}:
                    found.update(self._trim(item) for item in items or ())
                case _:
                    raise _doubt(f"the API server's list of {self.name} is none")
            if not metadata.get("continue"):
                break
            query["continue"] = metadata["continue"]
        self._replace(found)
        return version

    def _watch(self, version: str) -> str:
        """Follow changes until the server ends the watch, and return the version from which to go on."""
        seconds = str(round(self._chance(*self._timing.watch)))
        query = {"watch": "1", "allowWatchBookmarks": "true", "resourceVersion": version, "timeoutSeconds": seconds}
        began = time.monotonic()
        with self._open(self._select(query)) as stream:
            self._rejoice()
            for line in stream.lines():
                version = self._take(_parse(line))
                self._heard = time.monotonic()
                self._pause = self._timing.retry[0]
        if time.monotonic() - began < self._timing.retry[0]:
            raise _doubt(f"the API server ended the watch of {self.name} at once")
        return version

    def _take(self, event: Any) -> str:
        """Take one change into the view and return its version."""
        match event:
            case {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}:
                return version
            case {"type": "ADDED" | "MODIFIED", "object": {"metadata": {"resourceVersion": str(version)}} as found}:
                key, trimmed = self._trim(found)
                self._replace({**self._view, key: trimmed})
                return version
            case {"type": "DELETED", "object": {"metadata": {"resourceVersion": str(version)}} as found}:
                key, _ = self._trim(found)
                self._replace({other: value for other, value in self._view.items() if other != key})
                return version
            case {"type": "ERROR", "object": {"code": int(code), "message": str(message)}}:
                raise ClusterError(code, "", f"the API server ended the watch with status {code}: {message}")
        raise _doubt(f"the API server sent what is no event: {str(event)[:100]!r}")

    def _trim(self, found: Any) -> tuple[str, Object]:
        match found:
            case {"metadata": {"name": str(name), **metadata}}:
                namespace = metadata.get("namespace")
                return f"{namespace}/{name}" if namespace else name, self._collection.trim(found)
        raise _doubt(f"the API server sent an object of {self.name} without a name")

    def _replace(self, view: dict[str, Object]) -> None:
        with self._news:
            self._view = MappingProxyType(view)
            self._listed = True
            self._heard = time.monotonic()
            self._news.notify_all()
        self._on_change()

    def _open(self, query: Mapping[str, str]) -> Stream:
        stream = streams.open_stream(self._cluster, self._collection.path, query, self._timing.silence)
        with self._news:
            self._stream = stream
        if self._stopped.is_set():
            stream.interrupt()
        return stream

    def _select(self, query: Mapping[str, str]) -> Mapping[str, str]:
        return {**query, "labelSelector": self._collection.selector} if self._collection.selector else query

    # -- what is said --------------------------------------------------------------------------------------------------

    def _complain(self, failure: str, level: int) -> None:
        if self._stopped.is_set():
            return
        self.failures += 1
        if failure != self._failure:
            log.log(level, "%s are not watched: %s; trying again", self.name, failure)
        self._failure = failure

    def _rejoice(self) -> None:
        self._heard = time.monotonic()
        if self._failure:
            log.info("%s are watched, %d of them", self.name, len(self._view))
        self._failure = ""


def _doubt(message: str) -> ClusterError:
    return ClusterError(0, "", message)


def _parse(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise _doubt(f"the API server sent what is no JSON: {text[:100]!r}") from error

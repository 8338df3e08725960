"""
The open descriptors of an event loop, and what the kernel watches each of them for. No deadlines, no HTTP.

The kernel keeps what it was told (by epoll, or by poll where there is none), so a turn costs by what happens and not by
how many are connected. An owner is asked what it waits for only after something happened to it: when it entered, after
each of its events, and when somebody said so with ``look_again_at``. Internals of waitress in use: ``readwrite`` of
``wasyncore``, and the *map* of its dispatchers: they enter when they get a socket and leave before they close that.
"""

from __future__ import annotations

import select
from contextlib import suppress
from typing import Any, Protocol

from waitress import wasyncore

_READ = select.POLLIN | select.POLLPRI
_WRITE = select.POLLOUT


class Poller(Protocol):
    """What ``select.epoll`` offers; its events have the numbers of poll's."""

    def register(self, descriptor: int, events: int, /) -> None:
        """Watch a descriptor."""

    def modify(self, descriptor: int, events: int, /) -> None:
        """Watch it for something else."""

    def unregister(self, descriptor: int, /) -> None:
        """Watch it no more."""

    def poll(self, seconds: float, /) -> list[tuple[int, int]]:
        """Wait at most so long and return descriptors with their events."""

    def close(self) -> None:
        """Give back what the kernel holds."""


class Poll:
    """``select.poll`` in the form of ``select.epoll``."""

    def __init__(self) -> None:
        polled = select.poll()
        self.register, self.modify, self.unregister = polled.register, polled.modify, polled.unregister
        self._poll = polled.poll

    def poll(self, seconds: float, /) -> list[tuple[int, int]]:
        """Wait at most so long and return descriptors with their events."""
        return self._poll(seconds * 1000)

    def close(self) -> None:
        """Do nothing; the kernel holds nothing."""


def best_poller() -> Poller:
    """Return the best that this system has."""
    return select.epoll() if hasattr(select, "epoll") else Poll()


class Descriptors(dict[int, Any]):
    """
    Each open descriptor with its owner, a dispatcher of waitress.

    Only ``look_again_at`` may be called from other threads than that of the loop.
    """

    def __init__(self, poller: Poller) -> None:
        super().__init__()
        self._poller = poller
        self._watched: dict[int, int] = {}  # the events that the kernel was told, by descriptor; never 0
        self._changed: set[int | None] = set()  # add() and pop() are atomic

    def __setitem__(self, descriptor: int, owner: Any) -> None:
        """Enter an owner."""
        super().__setitem__(descriptor, owner)
        self._changed.add(descriptor)

    def __delitem__(self, descriptor: int) -> None:
        """Let an owner go; the number may be somebody else's next."""
        super().__delitem__(descriptor)
        self._watch(descriptor, 0)

    def look_again_at(self, descriptor: int | None) -> None:
        """Have its owner, if any, asked what it waits for, before the next wait; *after* that may have changed."""
        self._changed.add(descriptor)

    def look_again_at_all(self) -> None:
        """The same with every owner."""
        self._changed.update(self)

    def turn(self, seconds: float) -> None:
        """Wait until something happens, at most so long, and have the owners handle it."""
        self._look()
        for descriptor, events in self._poller.poll(seconds):
            owner = self.get(descriptor)
            if owner is not None:
                wasyncore.readwrite(owner, events)
                self._changed.add(descriptor)

    def close(self) -> None:
        """End the watch."""
        self._poller.close()

    def _look(self) -> None:
        while self._changed:
            descriptor = self._changed.pop()
            if descriptor is None or descriptor not in self:  # its owner has left
                continue
            owner = self[descriptor]
            try:
                self._watch(descriptor, _events_of(owner))
            except OSError:  # the kernel cannot, or the descriptor was closed behind our back
                wasyncore.readwrite(owner, select.POLLNVAL)

    def _watch(self, descriptor: int, events: int) -> None:
        """Tell the kernel, if that is news to it."""
        before = self._watched.get(descriptor, 0)
        if events == before:
            return
        if not events:
            del self._watched[descriptor]
            with suppress(OSError):
                self._poller.unregister(descriptor)
            return
        self._watched[descriptor] = events
        (self._poller.modify if before else self._poller.register)(descriptor, events)


def _events_of(owner: Any) -> int:
    """Return what an owner waits for; if for nothing, it is not watched, as the kernel would always tell of the end."""
    return (_READ if owner.readable() else 0) | (_WRITE if owner.writable() and not owner.accepting else 0)

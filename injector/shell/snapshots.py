"""
What is in force: one snapshot at a time, which never changes; news put another in its place with one assignment.

What is new is logged here, once. Where templates come from is not known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from injector.core.model import Namespace, Template
from injector.core.selection import Catalog
from injector.shell.shelves import Contents, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("pillion.templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The templates in force at one moment."""

    catalog: Catalog = field(default_factory=Catalog)
    namespaces: Mapping[str, Namespace] = field(default_factory=lambda: MappingProxyType({}))
    """Namespaces that lend their labels and annotations, by name."""
    problems: tuple[Problem, ...] = ()


class Display:
    """Holds the snapshot in force."""

    def __init__(self, on_change: Callable[[Snapshot], None]) -> None:
        """*on_change* gets each new snapshot."""
        self.snapshot = Snapshot()
        self._on_change = on_change
        self._said: frozenset[str] = frozenset()

    def replace(self, contents: Contents) -> None:
        """Put new contents in force."""
        before = self.snapshot
        snapshot = Snapshot(
            catalog=Catalog(MappingProxyType(contents.templates)),
            namespaces=MappingProxyType(contents.namespaces),
            problems=tuple(contents.problems),
        )
        self._tell(contents)
        if snapshot != before:
            self.snapshot = snapshot
            self._on_change(snapshot)

    def _tell(self, contents: Contents) -> None:
        """Log what is new, once."""
        problems = [str(problem) for problem in contents.problems]
        for sentence in (sentence for sentence in contents.notes if sentence not in self._said):
            log.info("%s", sentence)
        for sentence in (sentence for sentence in problems if sentence not in self._said):
            log.error("%s", sentence)
        self._said = frozenset((*contents.notes, *problems))
        before = self.snapshot.catalog.templates
        for reference, template in contents.templates.items():
            if isinstance(template, Template) and before.get(reference) != template:
                log.info("template %r is in force, revision %s", reference, template.revision)
        for reference in before.keys() - contents.templates.keys():
            log.info("template %r is gone", reference)

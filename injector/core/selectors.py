"""
Label selectors in the syntax of ``kubectl -l``: ``app=web,tier!=db,env in (a,b),!canary``.

The grammar is that of Kubernetes' ``labels.Parse``; nothing but labels is looked at here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KEY = r"(?:[A-Za-z0-9.-]+/)?[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9._-]*"
_REQUIREMENT = re.compile(
    rf"\s*(?:(?P<absent>!)\s*(?P<key0>{_KEY})"
    rf"|(?P<key1>{_KEY})\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\)"
    rf"|(?P<key2>{_KEY})\s*(?P<sign>==|=|!=)\s*(?P<value>{_VALUE})"
    rf"|(?P<key3>{_KEY}))\s*(?:,(?=\s*[^\s,])|$)"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label: it holds if presence and value are as wanted."""

    key: str
    values: frozenset[str] | None
    """None: any value."""
    wanted: bool
    """Whether the label must be one of the values (or there at all) or must not."""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether *labels* meet the condition; ``!=`` and ``notin`` hold for an absent label too."""
        found = self.key in labels and (self.values is None or labels[self.key] in self.values)
        return found == self.wanted


@dataclass(frozen=True, slots=True)
class Selector:
    """Conditions that must all hold."""

    text: str
    requirements: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether *labels* meet every condition."""
        return all(requirement.matches(labels) for requirement in self.requirements)


def parse(text: str) -> Selector:
    """Read a selector; raises ValueError with a sentence that shows where reading stopped."""
    return Selector(text, tuple(_requirements(text)))


def _requirements(text: str) -> Iterator[Requirement]:
    position = 0
    while position < len(text.rstrip()):
        match = _REQUIREMENT.match(text, position)
        if match is None:
            message = (
                f"{text[position:]!r} is no label selector: write them like 'app=web,tier!=db,env in (a,b),!canary'"
            )
            raise ValueError(message)
        yield _requirement(match)
        position = match.end()


def _requirement(match: re.Match[str]) -> Requirement:
    part = match.groupdict()
    if part["absent"]:
        return Requirement(part["key0"], None, wanted=False)
    if part["set"]:
        values = frozenset(value.strip() for value in part["values"].split(","))
        return Requirement(part["key1"], values, wanted=part["set"] == "in")
    if part["sign"]:
        return Requirement(part["key2"], frozenset({part["value"]}), wanted=part["sign"] != "!=")
    return Requirement(part["key3"], None, wanted=True)

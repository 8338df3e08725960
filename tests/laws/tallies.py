"""How many examples of a law meet what the law is about: a law that is never put to the test must fail."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import event

from injector.core.reasons import Reason
from tests.calls import Reply
from tests.strategies import Situation

SHARES = {"injects": 30, "overlays": 10, "conflicts": 10, "templates that read the pod": 30}
"""The least percentage of examples (of templates, for the last)."""

ALL: list[Tally] = []


@dataclass
class Tally:
    """The statistics of one law."""

    law: str
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        ALL.append(self)

    def count(self, situation: Situation, reply: Reply) -> None:
        """Take one example into account."""
        reasons = {decision.reason for decision in reply.verdict.decisions}
        facts = {
            "examples": True,
            "injects": bool(reply.patch),
            "overlays": bool(reply.patch) and bool(situation.containers & _names(reply.received)),
            "conflicts": Reason.CONFLICT in reasons,
            "denied": bool(reply.denial),
        }
        for name in [name for name, holds in facts.items() if holds]:
            self.counts[name] += 1
            event(name)
        self.counts["templates"] += len(situation.written)
        self.counts["templates that read the pod"] += sum(item.reads for item in situation.written)

    def share(self, name: str) -> float:
        """The percentage of examples, or of templates."""
        whole = self.counts["templates" if "templates" in name else "examples"]
        return 100 * self.counts[name] / whole if whole else 0.0

    def lacking(self) -> dict[str, float]:
        """The shares that are below the least."""
        return {name: self.share(name) for name, least in SHARES.items() if self.share(name) < least}

    def __str__(self) -> str:
        shares = ", ".join(f"{name} {self.share(name):.0f} %" for name in (*SHARES, "denied"))
        return f"{self.law}: {self.counts['examples']} examples: {shares}"


def _names(pod: dict) -> set[str]:
    spec = pod["spec"]
    return {item["name"] for key in ("containers", "initContainers") for item in spec.get(key) or ()}

"""
The same creates in several namespaces, in rounds that take turns.

Only what the API server does with the objects of one namespace and not of another makes a difference; whatever else the
machine does meanwhile meets all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from e2e.chart.charts import Object
from e2e.live import latencies, ledgers, rhythms
from e2e.live.conftest import ENABLED, PLAIN
from e2e.live.rhythms import Rhythm, Takings


@dataclass(frozen=True)
class Arm:
    """A namespace to create in, and the text that every answer from there has in it."""

    name: str
    space: str
    mark: str = ""


NOT_SENT = Arm("not sent", PLAIN)
INJECTED = Arm("injected", ENABLED, '"name":"log-reader"')
CHECKED = Arm("checked", ENABLED)
"""What nothing is injected into: a workload."""


class Comparison:
    """What each arm took, round by round."""

    def __init__(self, port: int, make: Callable[[str], Object], arms: Sequence[Arm]) -> None:
        """*make* makes an object in a namespace; the first arm is what the others are compared with."""
        self._port = port
        self._make = make
        self._rounds: dict[Arm, list[Takings]] = {arm: [] for arm in arms}
        self._cpu = dict.fromkeys(arms, 0.0)

    def run(self, rhythm: Rhythm, rounds: int) -> None:
        """Create in all namespaces in turn, so many times."""
        for _ in range(rounds):
            for arm, taken in self._rounds.items():
                before = ledgers.api_server()
                taken.append(rhythms.create(self._port, rhythm, self._make(arm.space), arm.mark))
                self._cpu[arm] += ledgers.api_server() - before

    def describe(self) -> str:
        """Tell what it took without a call."""
        return latencies.describe(self._all(self._base()).seconds)

    def describe_added(self, arm: Arm) -> str:
        """Tell what a call adds."""
        before, after = ([taken.seconds for taken in self._rounds[each]] for each in (self._base(), arm))
        missed = self._all(arm).missed
        return latencies.describe_added(before, after) + (f"; {missed} came without" if missed else "")

    def describe_cpu(self) -> str:
        """Tell how much of it the API server takes for a create."""
        found = ((arm.name, self._cpu[arm] / self.count(arm)) for arm in self._rounds)
        return ", ".join(f"{seconds * 1000:.1f} ms {name}" for name, seconds in found)

    def count(self, arm: Arm) -> int:
        """Count the creates."""
        return len(self._all(arm).seconds)

    def _base(self) -> Arm:
        return next(iter(self._rounds))

    def _all(self, arm: Arm) -> Takings:
        return sum(self._rounds[arm], Takings())

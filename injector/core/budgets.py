"""
The work that one template may do on one pod, counted in steps and by the size of what it touches.

Jinja's sandbox keeps templates away from Python's insides but bounds neither time nor memory. So each operation whose
cost a template controls spends from a budget; nothing watches the clock but ``expired``, which the caller passes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from injector.core import limits
from injector.core.bound import HOLDERS, PLAIN, check_size, measure
from injector.core.errors import Expired, LimitExceeded

_CHECK_EVERY = 256
"""Steps from one look at the clock to the next."""


class Budget:
    """The work that one template may still do on one pod."""

    __slots__ = ("_characters", "_expired", "_items", "_left", "_pause", "_sizes")

    def __init__(self, expired: Callable[[], bool]) -> None:
        self._left = limits.STEPS
        self._pause = limits.STEPS - _CHECK_EVERY  # steps left at which to look whether to go on
        self._expired = expired
        self._items = self._characters = 0
        self._sizes: dict[int, tuple[Any, int, int]] = {}  # with the value, so that its id stays its own

    @property
    def spent(self) -> int:
        """The steps taken so far."""
        return limits.STEPS - self._left

    def renewed(self) -> Budget:
        """Return a whole budget with the same deadline."""
        return Budget(self._expired)

    def spend(self, steps: int) -> None:
        """Take *steps*; raises LimitExceeded when there are none left and Expired when time is up."""
        left = self._left = self._left - steps
        if left <= self._pause:
            self._look(left)

    def _look(self, left: int) -> None:
        if left < 0:
            refuse(f"the template takes more than {limits.STEPS} steps: loop over less")
        self._pause = max(left - _CHECK_EVERY, -1)
        if self._expired():
            raise Expired("the deadline of the request is over")

    def weigh(self, value: Any) -> Any:
        """Return *value* after spending for its size; raises LimitExceeded if it is too large for any use."""
        if isinstance(value, str):
            if len(value) > limits.TEXT:
                refuse(f"a text grows beyond {limits.TEXT} characters")
            self.spend(1 + len(value) // 64)
        elif isinstance(value, int):
            if value.bit_length() > limits.INTEGER_BITS:
                refuse(f"a number grows beyond {limits.INTEGER_BITS} bits")
            self.spend(1)
        else:
            items, characters = self._measure(value)
            self.spend(items + characters // 64)
        return value

    def weigh_printed(self, value: Any) -> None:
        """Spend for a value that is printed, which counts towards the size of the output."""
        kind = type(value)
        if kind is str:
            items, characters = 1, len(value)
        elif kind in PLAIN:
            items, characters = 1, 0
        else:
            items, characters = self._measure(value)
        self.spend(items + characters // 64)
        self._items += items
        self._characters += characters
        check_size(self._items, self._characters)

    def _measure(self, value: Any) -> tuple[int, int]:
        """Return the size of a value; what holds others is walked once for all its uses, as no template changes it."""
        if not isinstance(value, HOLDERS):
            return measure(value)
        known = self._sizes.get(id(value))
        if known is None:
            known = self._sizes[id(value)] = (value, *measure(value))
        return known[1], known[2]

    def walk(self, items: Iterable[Any] | None, steps: int) -> Iterator[Any]:
        """Yield *items*, each for *steps*; null has none."""
        for item in () if items is None else items:
            self.spend(steps)
            yield item


def refuse(problem: str) -> NoReturn:
    """Raise LimitExceeded."""
    raise LimitExceeded(problem)

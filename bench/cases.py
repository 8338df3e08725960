"""What is measured: every template on every shape of pod, so that nobody can be fast at one of them only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bench import reviews
from bench.reviews import Shape

TEMPLATES = ("agent", "settings", "certificates", "proxy", "owners")
"""An agent with all it needs; variables only; volumes and mounts; a sidecar that reads the pod; labels only."""

SHAPES = {
    "small": Shape(containers=1, variables=0),
    "usual": Shape(),
    "many containers": Shape(containers=20, variables=6),
    "huge": Shape(containers=6, variables=40, annotations=200, managers=12),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One template on one shape of pod."""

    template: str
    name: str
    """Of the shape."""

    @property
    def shape(self) -> Shape:
        """The pod's, which asks for the template unless that comes by default."""
        templates = () if self.template == "agent" else ("-*", self.template)
        return replace(SHAPES[self.name], templates=templates)

    def make(self, count: int) -> tuple[bytes, ...]:
        """Return so many reviews of this case."""
        return reviews.make_many(count, self.shape)


USUAL = Case("agent", "usual")
"""The one that all peers are compared on first."""


def everything(names: Iterable[str] = tuple(SHAPES)) -> Iterator[Case]:
    """Yield all cases with these shapes."""
    return (Case(template, name) for name in names for template in TEMPLATES)


def mix(count: int, names: Iterable[str] = tuple(SHAPES)) -> tuple[bytes, ...]:
    """Return so many reviews of each case with these shapes, the cases taking turns."""
    of_each = [case.make(count) for case in everything(names)]
    return tuple(body for turn in zip(*of_each, strict=True) for body in turn)

"""How the cost of a review grows: with the pod and the templates chosen, not with the templates stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench import answers, engines, reviews
from bench.measures import Answer, Figure, Table, compare, exponent
from bench.reviews import Shape

STORED = "templates stored, not chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How far each quantity goes."""

    rounds: int = 7
    reviews: int = 20
    """Of each step in each round."""
    variables: tuple[int, ...] = (0, 20, 200, 700, 2060)
    """Of each container, which makes pods of 5 to 500 kB."""
    containers: tuple[int, ...] = (1, 3, 10, 50)
    chosen: tuple[int, ...] = (1, 5, 10, 20)
    """Templates that a pod gets."""
    stored: tuple[int, ...] = (1, 10, 100, 1000)
    """Templates that it does not get."""


@dataclass(frozen=True, slots=True)
class Step:
    """One size of one quantity."""

    quantity: str
    size: int
    answer: Answer
    bodies: tuple[bytes, ...]
    containers: frozenset[str] = frozenset({"agent"})
    """What the pod must have afterwards."""

    @property
    def name(self) -> str:
        """The row's name."""
        return f"{self.quantity} {self.size:,}"


def measure(extent: Extent | None = None) -> Iterator[Table]:
    """Yield the cost of a review over each quantity."""
    extent = extent or Extent()
    steps = list(_steps(extent))
    for step in steps:
        answers.check_containers(step.bodies[0], step.answer(step.bodies[0]), step.containers)
    figures = compare({step.name: (step.answer, step.bodies) for step in steps}, extent.rounds)
    rows = tuple(
        (
            step.quantity,
            step.size,
            len(step.bodies[0]),
            round(figures[step.name].median),
            round((figures[step.name] / _first(steps, step, figures)).median, 2),
            f"{figures[step.name].spread:.0%}",
        )
        for step in steps
    )
    columns = ("quantity", "size", "bytes", "CPU µs", "times the first", "spread")
    series = {quantity: tuple(points) for quantity, points in _series(steps, figures).items()}
    yield Table("growth", "Cost of a review as it grows", columns, rows, tuple(_aims(steps, figures)), series)


def _series(steps: list[Step], figures: dict[str, Figure]) -> dict[str, list[tuple[float, float]]]:
    """Return the cost over the size, by quantity."""
    series: dict[str, list[tuple[float, float]]] = {}
    for step in steps:
        series.setdefault(step.quantity, []).append((float(step.size), figures[step.name].median))
    return series


def _aims(steps: list[Step], figures: dict[str, Figure]) -> Iterator[str]:
    """Yield a sentence for each quantity, from what was measured in the same rounds."""
    for quantity in dict.fromkeys(step.quantity for step in steps):
        sizes = [step for step in steps if step.quantity == quantity]
        first, before, last = sizes[0], sizes[-2], sizes[-1]
        if quantity == STORED:
            times = (figures[last.name] / figures[first.name]).median
            yield f"{quantity}: from {first.size:,} to {last.size:,}, {times:.2f} times (aim: at most 1.2)."
        else:
            power = exponent(last.size / before.size, (figures[last.name] / figures[before.name]).median)
            yield f"{quantity}: at last with the power {power:.2f} (aim: at most 1.1)."


def _first(steps: list[Step], step: Step, figures: dict[str, Figure]) -> Figure:
    first = next(found for found in steps if found.quantity == step.quantity)
    return figures[first.name]


def _steps(extent: Extent) -> Iterator[Step]:
    first, copies = engines.parse(engines.read_template()), engines.make_copies(extent.stored[-1])
    one, many = engines.build(first), engines.build(*copies[: extent.chosen[-1]])
    for variables in extent.variables:
        bodies = reviews.make_many(extent.reviews, Shape(containers=3 if variables else 1, variables=variables))
        yield Step("pod, kB", round(len(bodies[0]) / 1000), one, bodies)
    for containers in extent.containers:
        yield Step("containers", containers, one, reviews.make_many(extent.reviews, Shape(containers=containers)))
    for chosen in extent.chosen:
        names = tuple(template.name for template in copies[:chosen])
        bodies = reviews.make_many(extent.reviews, Shape(templates=names))
        yield Step("templates chosen", chosen, many, bodies, frozenset(names))
    for stored in extent.stored:
        stock = engines.build(first, *copies[:stored])
        yield Step(STORED, stored, stock, reviews.make_many(extent.reviews))

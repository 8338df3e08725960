"""From bytes to bytes in process: the engine, proof included, against the design that tutorials teach."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench import answers, cases, engines, tutorials
from bench.cases import Case
from bench.measures import Answer, Table, compare

AIM = 25
"""Times less CPU than the tutorial's pipeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured."""

    rounds: int = 21
    """Of the usual case; the others get a third."""
    reviews: int = 100
    """Of each design in each round; the tutorial gets a quarter of them, being so slow, and so do other cases."""


def measure(effort: Effort | None = None) -> Iterator[Table]:
    """Yield the usual case with its spread, then every case."""
    effort = effort or Effort()
    yield _usual_table(effort)
    yield _cases_table(effort)


def _usual_table(effort: Effort) -> Table:
    bodies = cases.USUAL.make(effort.reviews)
    ours, uncached = (engines.build(engines.parse(found)) for found in (engines.read_template(), _never_alike()))
    for body in bodies[:20]:
        answers.check_same(body, ours(body), tutorials.answer(body))
        answers.check_containers(body, uncached(body), frozenset({"agent", "agent-init"}))
    figures = compare(
        {
            "tutorial (json, Jinja2, PyYAML with libyaml, deepcopy, make_patch)": (tutorials.answer, bodies[::4]),
            "Pillion": (ours, bodies),
            "Pillion, a template that prints the pod's name": (uncached, bodies),
        },
        effort.rounds,
    )
    tutorial = next(iter(figures.values()))
    rows = tuple(
        (name, round(figure.median), f"{figure.spread:.0%}", round((tutorial / figure).median, 1))
        for name, figure in figures.items()
    )
    return Table(
        "pipelines",
        f"Bytes to bytes, {len(bodies[0]):,} bytes, 3 containers, proof included",
        ("design", "CPU µs", "spread", "times faster"),
        rows,
        ("Every review differs; the designs' pods were compared before.", f"Aim: at least {AIM} times faster."),
    )


def _cases_table(effort: Effort) -> Table:
    every = tuple(cases.everything())
    ours = engines.build(*(engines.parse(engines.read_template(name)) for name in cases.TEMPLATES))
    figures = compare(
        {name: pair for case in every for name, pair in _pairs(case, ours, effort.reviews // 4).items()},
        effort.rounds // 3 or 1,
    )
    rows = tuple(
        (
            case.name,
            case.template,
            round((mine := figures[_name(case, "Pillion")]).median),
            round((other := figures[_name(case, "tutorial")]).median),
            round((other / mine).median, 1),
        )
        for case in every
    )
    least = min(rows, key=lambda row: row[-1])
    return Table(
        "cases",
        "Bytes to bytes, every template on every shape of pod",
        ("pod", "template", "Pillion, CPU µs", "tutorial, CPU µs", "times faster"),
        rows,
        (f"The least: {least[-1]} times, for {least[1]} on a pod that is {least[0]}.",),
    )


def _pairs(case: Case, ours: Answer, count: int) -> dict[str, tuple[Answer, tuple[bytes, ...]]]:
    """Return both designs on the reviews of a case, their results compared."""
    bodies = case.make(max(count, 2))
    for body in bodies[:2]:
        answers.check_same(body, ours(body), tutorials.answer(body))
    return {_name(case, "Pillion"): (ours, bodies), _name(case, "tutorial"): (tutorials.answer, bodies[::4])}


def _name(case: Case, design: str) -> str:
    return f"{design}, {case.template}, {case.name}"


def _never_alike() -> dict[str, Any]:
    """Return the template with the pod's name in it, so that no two reviews render alike."""
    configmap = copy.deepcopy(engines.read_template())
    data = configmap["data"]
    data["annotations"] += "agent.example.com/pod: {{ pod.metadata.name }}\n"
    return configmap

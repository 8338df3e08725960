"""From bytes to bytes in process: the engine, proof included, against the design that tutorials teach."""

from __future__ import annotations

import copy
from typing import Any

from bench import answers, engines, reviews, tutorials
from bench.measures import Table, compare


def measure(*, rounds: int = 21, count: int = 100) -> Table:
    """Compare the pipelines on so many reviews of 12.9 kB; the tutorial gets a quarter of them, being so slow."""
    bodies = reviews.make_many(count)
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
        rounds,
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
        ("Every review differs; the designs' pods were compared before.", "Target: at least 13 times faster."),
    )


def _never_alike() -> dict[str, Any]:
    """Return the template with the pod's name in it, so that no two reviews render alike."""
    configmap = copy.deepcopy(engines.read_template())
    data = configmap["data"]
    data["annotations"] += "agent.example.com/pod: {{ pod.metadata.name }}\n"
    return configmap

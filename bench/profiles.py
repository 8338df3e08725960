"""Where the time of the engine goes: a listing of functions, to find what to improve."""

from __future__ import annotations

import cProfile
import pstats

from bench import engines, reviews
from bench.measures import settle_memory


def show(order: str, lines: int, count: int = 200) -> None:
    """Print the costliest functions of the pipeline, by ``tottime`` or ``cumulative``."""
    bodies = reviews.make_many(count)
    answer = engines.build(engines.parse(engines.read_template()))
    for body in bodies[:20]:
        answer(body)
    settle_memory()
    profile = cProfile.Profile()
    profile.enable()
    for body in bodies:
        answer(body)
    profile.disable()
    pstats.Stats(profile).sort_stats(order).print_stats(lines)

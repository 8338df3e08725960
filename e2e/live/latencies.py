"""How long something took, of many times."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def quantile(seconds: Sequence[float], share: float) -> float:
    """Return the time within which this share of all was done, one that occurred."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def describe(seconds: Sequence[float]) -> str:
    """Tell what is usual, in milliseconds."""
    return f"{_tell(_summarise(seconds))} of {len(seconds)}"


def describe_added(before: Sequence[Sequence[float]], after: Sequence[Sequence[float]]) -> str:
    """Tell what came on top, in milliseconds, and how far the means of the rounds lie apart: what is noise."""
    whole = [_summarise([each for taken in rounds for each in taken]) for rounds in (before, after)]
    added = {name: whole[1][name] - whole[0][name] for name in whole[0]}
    means = [statistics.fmean(late) - statistics.fmean(early) for early, late in zip(before, after, strict=True)]
    return f"{_tell(added)}; mean by round {min(means) * 1000:.1f} to {max(means) * 1000:.1f} ms"


def _summarise(seconds: Sequence[float]) -> dict[str, float]:
    return {"mean": statistics.fmean(seconds), "p50": quantile(seconds, 0.5), "p99": quantile(seconds, 0.99)}


def _tell(summary: dict[str, float]) -> str:
    return ", ".join(f"{name} {value * 1000:.1f} ms" for name, value in summary.items())

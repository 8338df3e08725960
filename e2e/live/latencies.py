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
    parts = {"mean": statistics.fmean(seconds), "p50": quantile(seconds, 0.5), "p99": quantile(seconds, 0.99)}
    return f"{', '.join(f'{name} {value * 1000:.1f} ms' for name, value in parts.items())} of {len(seconds)}"

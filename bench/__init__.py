"""Measurements: ratios within one run, on the same reviews, with every answer checked before anything is timed."""

"""What all tests share: how many examples the laws are tried on."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure

settings.register_profile("dev", PATIENT, max_examples=100)
settings.register_profile("ci", PATIENT, max_examples=1_000, derandomize=True)
settings.register_profile("deep", PATIENT, max_examples=20_000)
settings.register_profile("mutants", PATIENT, max_examples=150, derandomize=True)  # as few as still notice
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

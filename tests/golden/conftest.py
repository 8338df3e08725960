"""``--refresh`` writes the golden files that are made, not written by hand: ``patch.json`` and ``report.txt``."""

from __future__ import annotations

import pytest


def pytest_addoption(parser):
    parser.addoption("--refresh", action="store_true", help="write patch.json and report.txt of every golden case anew")


@pytest.fixture(scope="session")
def refresh(request) -> bool:
    return bool(request.config.getoption("refresh", default=False))

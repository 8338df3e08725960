"""Runs helm and reads what it renders. It knows nothing of a cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "helm" / "pillion"
NAMESPACE = "pillion-system"

Object = dict[str, Any]


def helm(*arguments: str, values: Object | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm; *values* go to its standard input, which ``--values -`` reads."""
    text = yaml.safe_dump(values or {})
    return subprocess.run(["helm", *arguments], input=text, capture_output=True, text=True, check=False)


def template(values: Object | None = None, *flags: str, release: str = "pillion") -> subprocess.CompletedProcess[str]:
    """Render the chart as ``helm template`` does."""
    return helm("template", release, str(CHART), "--namespace", NAMESPACE, "--values", "-", *flags, values=values)


def render(values: Object | None = None, *flags: str) -> str:
    """Render the chart; a failure is the test's."""
    done = template(values, *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(text: str) -> list[Object]:
    """Return all objects of a text."""
    return [found for found in yaml.safe_load_all(text) if found]


def of_kind(kind: str, text: str) -> Iterator[Object]:
    """Return the objects of one kind."""
    return (found for found in objects(text) if found["kind"] == kind)

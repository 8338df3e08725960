"""Talks to the API server of ``$KUBECONFIG`` through kubectl."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable

import yaml

from e2e.chart.charts import Object


def kubectl(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run kubectl."""
    return subprocess.run(["kubectl", *arguments], input=stdin, capture_output=True, text=True, check=False)


def create(thing: Object, *flags: str) -> subprocess.CompletedProcess[str]:
    """Create one object; the answer is the object as JSON, or the refusal."""
    return kubectl("create", "--output", "json", "--filename", "-", *flags, stdin=json.dumps(thing))


def apply(things: list[Object], *flags: str) -> subprocess.CompletedProcess[str]:
    """Apply objects by server-side apply."""
    return kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", *flags, stdin=yaml.safe_dump_all(things))


def delete(things: list[Object]) -> None:
    """Delete objects, those that are gone already, too."""
    kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=yaml.safe_dump_all(things))


def await_true(what: str, holds: Callable[[], bool], seconds: float = 20) -> None:
    """Look at a condition until it holds: a new configuration is known to an API server after a moment."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} within {seconds:g} s"
        time.sleep(0.1)

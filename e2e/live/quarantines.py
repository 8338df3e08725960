"""Templates that servers cannot load: how they get past the check at apply, and what the servers say of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from e2e.chart import clusters
from e2e.live import servers

_LABEL = "/objectSelector/matchLabels/pillion.dev~1template"
KIND, NAME = "validatingwebhookconfiguration", "pillion"


def problems(server: str) -> dict[str, str]:
    """Return the templates that a server could not load, and what it serves in their place."""
    found = re.findall(r"^pillion_template_problems\{(.*)\} 1", servers.metrics(server), re.MULTILINE)
    labels = (dict(re.findall(r'(\w+)="(.*?)"', each)) for each in found)
    return {each["template"]: each["serving"] for each in labels}


def await_problem(template: str, serving: str | None) -> None:
    """Wait until every server says this of a template; None: nothing."""
    clusters.await_true(
        f"every server tells of {template}: {serving or 'nothing'}",
        lambda: all(serving == problems(server).get(template) for server in servers.names()),
        servers.PROPAGATION,
    )


@contextmanager
def unchecked() -> Iterator[None]:
    """Let templates be applied unchecked, as they are while no server answers: the webhook looks at another label."""
    _look_at("checked")
    try:
        yield
    finally:
        _look_at("true")


def _look_at(value: str) -> None:
    webhooks = json.loads(clusters.kubectl("get", KIND, NAME, "-o", "json").stdout)["webhooks"]
    [index] = [index for index, each in enumerate(webhooks) if each["name"].startswith("template.")]
    change = [{"op": "replace", "path": f"/webhooks/{index}{_LABEL}", "value": value}]
    done = clusters.kubectl("patch", KIND, NAME, "--type=json", "--patch", json.dumps(change))
    assert done.returncode == 0, done.stderr

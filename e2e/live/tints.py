"""A template of one variable, by whose shade a pod tells which edit of it was in force."""

from __future__ import annotations

from e2e.chart import clusters
from e2e.chart.charts import Object
from e2e.live import config_maps, servers

NAME = "tint"
VARIABLE = "TINT"
ASKING = {"pillion.dev/templates": NAME}
"""What a pod says that wants it."""


def template(shade: str) -> Object:
    """Make the template of a shade."""
    return config_maps.template(NAME, {"env": f"- {{name: {VARIABLE}, value: {shade}}}\n"})


def apply(shade: str) -> Object:
    """Create the template, or change it, and return it."""
    made = template(shade)
    done = clusters.apply([made])
    assert done.returncode == 0, done.stderr
    return made


def put(shade: str) -> Object:
    """Create the template, or change it, wait until it is in force, and return it."""
    made = apply(shade)
    servers.await_templates([made])
    return made

"""What is done to a ConfigMap is seen in the next pod."""

from __future__ import annotations

import copy

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.live import pods, servers

ASKING = {"pillion.dev/templates": "tint"}


def template(shade):
    data = {"env": f"- {{name: TINT, value: {shade}}}\n"}
    metadata = {"name": "tint", "namespace": NAMESPACE, "labels": {"pillion.dev/template": "true"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


@pytest.fixture
def tint(shipped):
    """A template for the time of a test."""
    made = template("pale")
    apply(made)
    yield made
    clusters.delete([made])
    servers.await_absence("tint")


def apply(configmap):
    done = clusters.apply([configmap])
    assert done.returncode == 0, done.stderr
    servers.await_templates([configmap])


def test_an_edit_changes_the_next_pod(tint, preview):
    before = pods.variables(preview(annotations=ASKING))
    apply(template("dark"))

    assert ({"TINT": "pale"}, {"TINT": "dark"}) == (before, pods.variables(preview(annotations=ASKING)))


def test_a_template_that_is_deleted_is_unknown_and_known_again_when_it_is_back(tint, preview):
    clusters.delete([tint])
    servers.await_absence("tint")
    error = preview(annotations=ASKING)
    apply(tint)

    assert "unknown-template" in error
    assert {"TINT": "pale"} == pods.variables(preview(annotations=ASKING))


BROKEN = """\
- name: TINT
  value: {{ params.shaed }}
"""


def test_a_broken_template_is_refused_when_it_is_applied_with_line_and_caret(tint, preview):
    broken = copy.deepcopy(tint)
    broken["data"] = {"parameters": "shade: {type: string, default: pale}\n", "env": BROKEN}
    done = clusters.apply([broken])

    assert 1 == done.returncode
    assert f"ConfigMap {NAMESPACE}/tint, key env, line 2, column 13: 'params.shaed' is no declared parameter" in (
        done.stderr
    )
    assert "did you mean 'params.shade'?" in done.stderr
    assert "  |   value: {{ params.shaed }}\n  |             ^" in done.stderr
    assert {"TINT": "pale"} == pods.variables(preview(annotations=ASKING))

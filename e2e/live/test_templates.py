"""What is done to a ConfigMap is seen in the next pod."""

from __future__ import annotations

import copy
import time

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.live import calls, latencies, pods, quarantines, servers, tints
from e2e.live.conftest import ENABLED


def test_an_edit_changes_the_next_pod(tint, preview):
    before = pods.variables(preview(annotations=tints.ASKING))
    tints.put("dark")

    assert ({"TINT": "pale"}, {"TINT": "dark"}) == (before, pods.variables(preview(annotations=tints.ASKING)))


def test_a_template_that_is_deleted_is_unknown_and_known_again_when_it_is_back(tint, preview):
    clusters.delete([tint])
    servers.await_absence("tint")
    error = preview(annotations=tints.ASKING)
    tints.put("pale")

    assert "unknown-template" in error
    assert {"TINT": "pale"} == pods.variables(preview(annotations=tints.ASKING))


EDITS = 30


class Watcher:
    """Writes, and creates pods by dry run until they show it, however many servers there are."""

    STEADY = 8
    """Pods in a row that show it."""

    def __init__(self, caller) -> None:
        self._caller = caller

    def put(self, shade):
        """Return the seconds from the API server's answer to the first pod from which on all show this shade."""
        return self._time(self._caller.apply(tints.template(shade)), lambda answer: _has(answer, shade))

    def delete(self):
        """Return the seconds to the first pod from which on none is created."""
        path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/tint"
        return self._time(self._caller.send("DELETE", path), lambda answer: "unknown-template" in answer.message)

    def _time(self, written, shows):
        assert written.status < 300, written.message
        start = since = time.monotonic()
        steady = 0
        while steady < self.STEADY:
            assert since < start + servers.PROPAGATION, "the pods do not show it"
            answer = self._caller.create_pod(pods.pod("web", ENABLED, annotations=tints.ASKING))
            steady = steady + 1 if shows(answer) else 0
            since = time.monotonic() if steady < 2 else since
        return since - start


def test_news_of_a_template_reach_the_next_pod(tint, caller, figures):
    watcher = Watcher(caller)
    edits = [watcher.put(f"shade-{number}") for number in range(EDITS)]
    rounds = [(watcher.delete(), watcher.put(f"again-{number}")) for number in range(EDITS // 3)]
    deletions, returns = zip(*rounds, strict=True)

    figures["from an edit of a template to the next pod"] = latencies.describe(edits)
    figures["from its deletion"] = latencies.describe(deletions)
    figures["from its return"] = latencies.describe(returns)
    assert max(*edits, *deletions, *returns) < servers.PROPAGATION


def _has(answer, shade):
    return answer.created and {"TINT": shade} == pods.variables(answer.object)


BROKEN = """\
- name: TINT
  value: {{ params.shaed }}
"""
FAULT = f"ConfigMap {NAMESPACE}/{{}}, key env, line 2, column 13: 'params.shaed' is no declared parameter"


def break_(configmap):
    broken = copy.deepcopy(configmap)
    broken["data"] = {"parameters": "shade: {type: string, default: pale}\n", "env": BROKEN}
    return broken


def test_a_broken_template_is_refused_when_it_is_applied_with_line_and_caret(tint, preview):
    done = clusters.apply([break_(tint)])

    assert 1 == done.returncode
    assert FAULT.format("tint") in done.stderr
    assert "did you mean 'params.shade'?" in done.stderr
    assert "  |   value: {{ params.shaed }}\n  |             ^" in done.stderr
    assert {"TINT": "pale"} == pods.variables(preview(annotations=tints.ASKING))


@pytest.fixture
def unchecked(tint):
    """Nobody checks templates when they are applied, as while no server answers."""
    with quarantines.unchecked():
        clusters.await_true(
            "they are not checked", lambda: clusters.apply([break_(tint)], "--dry-run=server").returncode == 0
        )
        yield
    clusters.await_true("they are checked", lambda: clusters.apply([break_(tint)], "--dry-run=server").returncode == 1)


def test_a_broken_template_that_nobody_checked_is_quarantined_and_its_last_good_version_lives_on(
    unchecked, tint, preview
):
    done = clusters.apply([break_(tint)])
    assert done.returncode == 0, done.stderr
    quarantines.await_problem("tint", "last-good")

    assert {"TINT": "pale"} == pods.variables(preview(annotations=tints.ASKING))
    assert all(FAULT.format("tint") in errors(server) for server in servers.names())
    assert all("the last good version stays in force" in errors(server) for server in servers.names())

    tints.put("dark")
    quarantines.await_problem("tint", None)
    assert {"TINT": "dark"} == pods.variables(preview(annotations=tints.ASKING))


def test_a_template_that_was_never_good_is_missed_with_a_warning(unchecked, tint, caller):
    cracked = {**break_(tint), "metadata": {**tint["metadata"], "name": "cracked"}}
    done = clusters.apply([cracked])
    assert done.returncode == 0, done.stderr
    quarantines.await_problem("cracked", "none")
    answer = caller.create_pod(pods.pod("web", ENABLED, annotations={"pillion.dev/templates": "cracked"}))
    clusters.delete([cracked])
    quarantines.await_problem("cracked", None)

    assert ["log-reader", "app"] == pods.containers(answer.object)
    assert "(template-broken)" in answer.warnings[0]
    assert FAULT.format("cracked") in answer.warnings[0]


def errors(server):
    return "\n".join(line["event"] for line in calls.lines(server) if line["level"] == "error")

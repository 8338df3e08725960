"""Alerts, runbooks and the dashboard speak of what is there."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from tests.chart.pages import CHART

ROOT = CHART.parents[1]
RULES = [rule for group in yaml.safe_load((CHART / "files" / "alerts.yaml").read_text()) for rule in group["rules"]]
DASHBOARD = json.loads((CHART / "files" / "dashboard.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text()
DOCUMENTED = set(re.findall(r"^\| `(pillion_\w+)`", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE))
FOREIGN = {
    "up",
    "process_resident_memory_bytes",
    "apiserver_admission_webhook_fail_open_count",
    "apiserver_admission_webhook_admission_duration_seconds",
}
"""Metrics of Prometheus, of every Python process and of the API server."""


def metrics(query):
    names = re.findall(r"\b([a-z_]+)\{", query)
    return {re.sub(r"_bucket$", "", name) for name in names}


@pytest.mark.parametrize("query", [*QUERIES, *(rule["expr"] for rule in RULES)])
def test_a_query_asks_for_metrics_that_exist(query):
    assert metrics(query)
    assert set() == metrics(query) - DOCUMENTED - FOREIGN


def test_everything_that_is_measured_is_on_the_dashboard():
    assert set() == DOCUMENTED - set().union(*map(metrics, QUERIES))


def test_every_alert_has_a_runbook_and_every_runbook_an_alert():
    assert [rule["alert"] for rule in RULES] == re.findall(r"^## (\w+)$", RUNBOOKS, re.MULTILINE)


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_says_how_bad_it_is_and_what_it_means(rule):
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert {"summary", "description"} == set(rule["annotations"])


def test_panels_have_numbers_of_their_own_and_do_not_overlap():
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]

    assert len(DASHBOARD["panels"]) == len({panel["id"] for panel in DASHBOARD["panels"]})
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23

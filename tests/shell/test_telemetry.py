"""What is counted, measured and logged; the page that explains it; and that nothing else gets in."""

from __future__ import annotations

import io
import json
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from injector.core.admission import Answer
from injector.core.model import BrokenTemplate, Decision, Review, Template, Verdict
from injector.core.reasons import Reason
from injector.core.selection import Catalog
from injector.shell import logs, telemetry
from injector.shell.servers import Counters
from injector.shell.shelves import Problem
from injector.shell.snapshots import Snapshot
from injector.shell.telemetry import Metrics, Readings
from tests.shell.reviews import UID

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "metrics.md").read_text()
ROW = re.compile(r"^\| `(pillion_\w+)` \| (\w+) \| ([^|]*)\| (.*) \|$", re.MULTILINE)


def template(name):
    return Template(name=name, namespace="pillion-system", reference=name, revision="0123456789ab", programs={})


SNAPSHOT = Snapshot(
    catalog=Catalog(
        {
            "proxy": template("proxy"),
            "broken": BrokenTemplate(name="broken", namespace="n", reference="broken", problem="p"),
        }
    ),
    problems=(
        Problem(source="a.yaml", template="proxy", message="m", keeps_last_good=True),
        Problem(source="b.yaml", template="broken", message="m", keeps_last_good=False),
        Problem(source="c.yaml", template="", message="m", keeps_last_good=False),
    ),
)
COUNTERS = Counters(open=3, refused=4, overdue={"idle": 5}, tls_failures=6)


@dataclass(frozen=True)
class Watched:
    """What a store watches elsewhere."""

    name: str = "configmaps"
    failures: int = 7
    failure: str = ""
    age: float = 8.5
    size: int = 9


def answer(*decisions, reason=Reason.INJECTED, **fields):
    review = Review(**{"uid": UID, "api_version": "v1", "namespace": "shop", "name": "cart", **fields})
    return Answer(b"", review, Verdict(reason=reason, decisions=decisions))


@pytest.fixture
def metrics():
    metrics = Metrics()
    metrics.registry.register(Readings(lambda: SNAPSHOT, lambda: 1.5e9, lambda: 2, lambda: COUNTERS, (Watched(),)))
    return metrics


def value(metrics, name, **labels):
    return metrics.registry.get_sample_value(name, labels)


def test_what_is_watched_tells_its_age_and_its_failures(metrics):
    assert 8.5 == value(metrics, "pillion_watch_age_seconds", resource="configmaps")
    assert 7 == value(metrics, "pillion_watch_failures_total", resource="configmaps")


def test_the_page_has_one_row_for_each_metric_with_its_type_its_labels_and_its_meaning(metrics):
    metrics.decided(answer(Decision(reason=Reason.INJECTED, template="proxy")), {"proxy"}, 0.001)
    metrics.answered("/mutate", 200)
    metrics.shed()
    found = {}
    for family in metrics.registry.collect():
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        suffix = "_total" if family.type == "counter" else ""
        found[family.name + suffix] = (family.type, labels, family.documentation)

    explained = {
        name: (kind, set(re.findall(r"`(\w+)`", labels)), text) for name, kind, labels, text in ROW.findall(PAGE)
    }

    assert explained == {name: row for name, row in found.items() if name.startswith("pillion_")}


def test_every_event_in_the_code_is_explained_on_the_page():
    sources = [(ROOT / "injector" / "shell" / f"{name}.py").read_text() for name in ("app", "serving", "telemetry")]
    events = {event for text in sources for event in re.findall(r'\blog\.\w+\(\s*"([^"]+)"', text)}

    assert {"review", "listening", "draining"} <= events
    assert [] == sorted(event for event in events if f"`{event}`" not in PAGE)


def test_every_deadline_of_a_connection_is_named_on_the_page():
    assert [] == [name for name in ("handshake", "request", "write", "idle", "linger") if f"`{name}`" not in PAGE]


def test_each_decision_counts_by_reason_and_template(metrics):
    decisions = [Decision(reason=Reason.INJECTED, template="proxy"), Decision(reason=Reason.CONFLICT, template="logs")]

    metrics.decided(answer(*decisions), {"proxy", "logs"}, 0.001)

    assert 1 == value(metrics, "pillion_decisions_total", reason="injected", template="proxy")
    assert 1 == value(metrics, "pillion_decisions_total", reason="conflict", template="logs")


def test_a_pod_without_decisions_counts_by_its_reason(metrics):
    metrics.decided(answer(reason=Reason.OPTED_OUT), {}, 0.001)

    assert 1 == value(metrics, "pillion_decisions_total", reason="opted-out", template="")


def test_names_that_pods_make_up_do_not_become_labels(metrics):
    for number in range(100):
        unknown = Decision(reason=Reason.UNKNOWN_TEMPLATE, template=f"made-up-{number}")
        metrics.decided(answer(unknown), {"proxy"}, 0.001)

    assert 100 == value(metrics, "pillion_decisions_total", reason="unknown-template", template="(unknown)")
    assert b"made-up" not in metrics.expose()


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0002, "0.00025"), (0.003, "0.005"), (4.9, "5.0"), (60, "+Inf")])
def test_the_time_of_a_review_falls_into_its_bucket_and_no_smaller_one(metrics, seconds, bucket):
    metrics.decided(answer(), {}, seconds)

    samples = [s for family in metrics.registry.collect() for s in family.samples if s.name.endswith("_seconds_bucket")]
    assert bucket == next(sample.labels["le"] for sample in samples if sample.value)


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("pillion_template_info", {"template": "proxy", "revision": "0123456789ab"}, 1),
        ("pillion_template_info", {"template": "broken", "revision": ""}, None),
        ("pillion_template_problems", {"template": "proxy", "serving": "last-good"}, 1),
        ("pillion_template_problems", {"template": "broken", "serving": "none"}, 1),
        ("pillion_template_problems", {"template": "c.yaml", "serving": "none"}, 1),
        ("pillion_certificate_expiry_timestamp_seconds", {}, 1.5e9),
        ("pillion_certificate_failures_total", {}, 2),
        ("pillion_connections", {}, 3),
        ("pillion_connections_refused_total", {}, 4),
        ("pillion_connections_overdue_total", {"deadline": "idle"}, 5),
        ("pillion_tls_failures_total", {}, 6),
    ],
)
def test_what_is_kept_elsewhere_is_read_when_somebody_asks(metrics, name, labels, expected):
    assert expected == value(metrics, name, **labels)


def test_two_servers_in_one_process_count_apart():
    one, other = Metrics(), Metrics()

    one.shed()

    assert (1, 0) == (value(one, "pillion_overload_total"), value(other, "pillion_overload_total"))


# -- log lines ---------------------------------------------------------------------------------------------------------


def logged(call, level="debug", form="json"):
    stream = io.BytesIO()
    call(logs.build_logger(level, form, stream))
    return stream.getvalue().decode()


def test_a_review_is_one_line_of_json():
    decisions = [Decision(reason=Reason.INJECTED, template="proxy"), Decision(reason=Reason.BAD_REQUEST)]

    text = logged(lambda log: telemetry.log_review(log, answer(*decisions, dry_run=True), 0.0012345))

    assert 1 == text.count("\n")
    line = json.loads(text)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("time"))
    assert {
        "event": "review",
        "level": "info",
        "uid": UID,
        "kind": "Pod",
        "operation": "CREATE",
        "namespace": "shop",
        "name": "cart",
        "templates": ["proxy"],
        "reason": "injected",
        "allowed": True,
        "dry_run": True,
        "duration_ms": 1.234,
    } == line


def test_a_line_tells_when_it_was_written():
    before = datetime.now(UTC)
    lines = [json.loads(logged(lambda log: log.info("event"))) for _ in range(3)]
    after = datetime.now(UTC)

    times = [before, *(datetime.fromisoformat(line["time"]) for line in lines), after]
    assert sorted(times) == times


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "cart"}, "cart"),
        ({"name": "", "object": {"metadata": {"name": "cart"}}}, "cart"),
        ({"name": "", "object": {"metadata": {"generateName": "cart-"}}}, "cart-*"),
        ({"name": "", "object": {"metadata": {"generateName": "x" * 300}}}, "x" * 253 + "*"),
        ({"name": "", "object": {"metadata": {"generateName": ["a"], "name": 7}}}, ""),
        ({"name": "", "object": {"metadata": "a"}}, ""),
        ({"name": ""}, ""),
    ],
)
def test_the_name_of_a_review_is_the_best_that_can_be_known(fields, name):
    assert name == telemetry.name_of(answer(**fields).review)


@pytest.mark.parametrize(("level", "lines"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_what_is_below_the_level_is_not_logged(level, lines):
    def call(log):
        for name in ("debug", "info", "warning", "error"):
            getattr(log, name)("event")

    assert lines == logged(call, level).count("\n")


def test_the_console_format_is_for_people():
    text = logged(lambda log: log.info("review", reason="injected"), form="console")

    assert "review" in text
    assert "reason=injected" in text
    assert 1 == text.count("\n")


def test_what_libraries_log_joins_with_the_name_of_its_logger():
    stream = io.BytesIO()
    end = logs.adopt(logs.build_logger("info", "json", stream), "info")
    try:
        logging.getLogger("pillion.server").warning("port %d\nis busy", 8443)
    finally:
        end()
    logging.getLogger("pillion.server").warning("nobody listens")

    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert ("port 8443\nis busy", "warning", "pillion.server") == (line["event"], line["level"], line["logger"])


def test_an_exception_that_a_library_logs_is_told_without_its_message():
    stream = io.BytesIO()
    end = logs.adopt(logs.build_logger("info", "json", stream), "info")
    try:
        {}["hunter2"]
    except KeyError:
        logging.getLogger("waitress").exception("it failed")
    finally:
        end()

    line = json.loads(stream.getvalue())
    assert ("it failed", "error", "KeyError") == (line["event"], line["level"], line["error"])
    assert "test_an_exception_that_a_library_logs" in line["traceback"]
    assert "hunter2" not in line["traceback"].replace('{}["hunter2"]', "")


class Broken(io.BytesIO):
    """A pipe whose reader has left."""

    def write(self, _data):
        raise BrokenPipeError


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else():
    logs.build_logger("info", "json", Broken()).info("review")


def test_what_is_no_text_becomes_one():
    line = json.loads(logged(lambda log: log.info("review", path=Path("/a"), name="\ud800")))

    assert "\ud800" == line["name"]
    assert "/a" in line["path"]

"""Every golden folder, one test per aspect: the folder's name and the test's name read as one sentence."""

from __future__ import annotations

import orjson
import pytest
import yaml

from tests.golden import cases, deliveries
from tests.golden.cases import NAMES, SHIPPED, call, load, outcome, same, without_status

INJECTING = tuple(name for name in NAMES if load(name).expected is not None)
DENYING = tuple(name for name in NAMES if load(name).expected is None)
DELIVERED = tuple(name for name in NAMES if load(name).recorded("delivered.json"))
DELIVERED_AND_INJECTED = tuple(name for name in DELIVERED if name in INJECTING)
DELIVERED_AGAIN = tuple(name for name in NAMES if load(name).recorded("expected.delivered.json"))


@pytest.mark.parametrize("name", INJECTING)
def test_pod_is_as_expected(name):
    expected, result = without_status(load(name).expected), without_status(outcome(name).result)

    assert expected == result
    assert same(expected, result), "types included"


@pytest.mark.parametrize("name", DENYING)
def test_pod_is_denied_with_a_sentence_and_without_a_patch(name):
    found = outcome(name)

    assert not found.response["allowed"]
    assert load(name).rules["denied"] in found.denial
    assert [] == found.patch


@pytest.mark.parametrize("name", INJECTING)
def test_pod_is_allowed(name):
    assert (True, "") == (outcome(name).response["allowed"], outcome(name).denial)


@pytest.mark.parametrize("name", NAMES)
def test_decisions_are_as_expected(name):
    expected = load(name).rules.get("decisions") or {}

    assert expected == cases.decisions(outcome(name), expected)


@pytest.mark.parametrize("name", [name for name in NAMES if "warnings" in load(name).rules])
def test_warnings_are_as_expected(name):
    wanted, found = load(name).rules["warnings"], outcome(name).warnings

    assert [] == [text for text in wanted if not any(text in warning for warning in found)]
    assert bool(wanted) == bool(found), found


@pytest.mark.parametrize("name", NAMES)
def test_patch_only_adds_and_replaces(name):
    assert {operation["op"] for operation in outcome(name).patch} <= {"add", "replace"}


@pytest.mark.parametrize("name", INJECTING)
def test_patch_gives_the_pod_of_the_verdict(name):
    found = outcome(name)

    assert not found.patch or same(found.verdict.pod, found.result)


@pytest.mark.parametrize("name", NAMES)
def test_pod_handed_in_is_unchanged(name):
    found = outcome(name)

    assert same(found.received, found.answer.review.object)
    assert orjson.dumps(found.received) == orjson.dumps(found.answer.review.object), "even the order of its fields"


@pytest.mark.parametrize("name", INJECTING)
def test_second_call_changes_nothing(name):
    assert [] == call(load(name), outcome(name).result).patch


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("file", ["patch.json", "report.txt"])
def test_golden_file_is_fresh(name, file, refresh):
    content = {"patch.json": cases.patch_file, "report.txt": cases.report_file}[file](outcome(name))
    path = load(name).folder / file
    if refresh:
        path.write_text(content)

    assert path.exists(), "run make golden and read the difference"
    assert path.read_text() == content, "run make golden and read the difference"


@pytest.mark.parametrize("name", DELIVERED)
def test_delivered_pod_gets_the_same_decisions(name):
    expected = load(name).rules.get("decisions") or {}

    delivered = call(load(name), load(name).recorded("delivered.json"))

    assert expected == cases.decisions(delivered, expected)
    assert outcome(name).response["allowed"] == delivered.response["allowed"]
    assert load(name).rules.get("denied", "") in delivered.denial


@pytest.mark.parametrize("name", DELIVERED_AND_INJECTED)
def test_delivered_pod_gets_everything_that_is_expected(name):
    authored, delivered, expected, result = map(without_status, delivery(name))

    left_out = deliveries.additions(delivered, authored)

    assert set() == deliveries.additions(result, expected) - left_out
    assert [] == list(deliveries.misplaced(result, expected))


@pytest.mark.parametrize("name", DELIVERED_AND_INJECTED)
def test_delivered_pod_gets_nothing_that_the_authored_one_does_not(name):
    authored, delivered, expected, result = map(without_status, delivery(name))

    filled_in = deliveries.leaves(load(name).recorded("expected.delivered.json"))

    assert set() == deliveries.additions(delivered, result) - deliveries.additions(authored, expected) - filled_in


def delivery(name):
    """The pod of the author, the same as it is delivered, and what is to come and what comes out of each."""
    found = call(load(name), load(name).recorded("delivered.json"))
    return load(name).pod, found.received, load(name).expected, found.result


@pytest.mark.parametrize("name", DELIVERED_AGAIN)
def test_delivered_result_gets_nothing_but_the_record(name):
    again = call(load(name), load(name).recorded("expected.delivered.json"))

    assert again.response["allowed"]
    assert [] == [operation for operation in again.patch if not cases.is_status_alone(operation)]


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.yaml")), ids=lambda file: file.stem)
def test_shipped_template_has_at_least_two_cases(file):
    shipped = [document for document in yaml.safe_load_all(file.read_text()) if document]

    using = [
        name for name in NAMES if shipped[0] in yaml.safe_load_all((load(name).folder / "templates.yaml").read_text())
    ]

    assert shipped
    assert len(using) >= 2

"""
The laws of the engine, each as a property of random pods, templates and other webhooks.

``f`` is a call with the bytes of a review, its patch applied by the library; ``n`` is what the API server stores.
"""

from __future__ import annotations

import os
import subprocess
import sys
from subprocess import PIPE

import jsonpatch
import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from injector.core import patches
from injector.core.reasons import Reason
from tests import calls, storing, strategies
from tests.laws import echo
from tests.laws.survival import RECORD, lost
from tests.laws.tallies import Tally
from tests.strategies import Situation, situations

REPEATED = Tally("L1 idempotent")
IN_COMPANY = Tally("L2 converges with others")
RECORDED = Tally("L3 content, not markers")
AUTHORED = Tally("L4 the author wins")
OVERLAID = Tally("L4 overlays are filled in")
PATCHED = Tally("L5 minimal and provable")
PURE = Tally("L6 pure")

IN_PLACE = {Reason.INJECTED, Reason.ALREADY_INJECTED}

RECORDS = (None, "", "{}", "no JSON", '{"templates": [{"name": "alpha", "revision": "0"}], "containers": ["proxy"]}')
"""Values of the annotation that others may leave behind; None: there is none."""


def f(pod, situation: Situation) -> calls.Reply:
    return calls.send(pod, situation.namespace, situation.catalog, situation.policy)


@given(situations())
def test_a_second_call_changes_nothing(situation):
    first = f(situation.pod, situation)
    REPEATED.count(situation, first)

    for stored in (first.result, storing.stored(first.result)):
        second = f(stored, situation)
        assert first.denial or not second.denial
        assert [] == second.patch


@given(situations(), strategies.meddlers())
def test_what_other_webhooks_do_between_two_calls_survives_and_gets_what_it_should_have(situation, changes):
    first = f(situation.pod, situation)
    IN_COMPANY.count(situation, first)
    between = strategies.meddled(storing.stored(first.result), changes)

    second = f(between, situation)

    assert [] == lost(between, second.result)
    assert [] == f(storing.stored(second.result), situation).patch
    assert [] == [*_unserved(situation, first), *_unserved(situation, second)]


def _unserved(situation, reply):
    """Yield what application containers lack of what templates without targets give to all of them."""
    reasons = {decision.template: decision.reason for decision in reply.verdict.decisions}
    for written in situation.written:
        if reply.denial or reasons.get(written.name) not in IN_PLACE or "targets" in written.configmap["data"]:
            continue
        for container in reply.result["spec"]["containers"]:
            if container["name"] not in situation.containers:
                have = {item["name"] for item in container.get("env") or ()}
                mounted = {item["mountPath"] for item in container.get("volumeMounts") or ()}
                yield from (written.plain("env", "name") - have) | (
                    written.plain("volumeMounts", "mountPath") - mounted
                )


@given(situations(), st.sampled_from(RECORDS))
def test_the_record_of_an_earlier_call_decides_nothing(situation, record):
    first = f(_with_record(situation.pod, None), situation)
    RECORDED.count(situation, first)

    for pod in (situation.pod, first.result):
        bare, marked = f(_with_record(pod, None), situation), f(_with_record(pod, record), situation)
        assert _decisions(bare) == _decisions(marked)
        assert patches.is_same(_with_record(bare.result, None), _with_record(marked.result, None))
        assert not bare.patch or patches.is_same(bare.result, marked.result), "and is always replaced"


def _with_record(pod, record):
    annotations = {key: text for key, text in (pod["metadata"].get("annotations") or {}).items() if key != RECORD}
    if record is not None:
        annotations[RECORD] = record
    return {**pod, "metadata": {**pod["metadata"], "annotations": annotations}}


def _decisions(reply):
    return [(decision.template, decision.reason, decision.message) for decision in reply.verdict.decisions]


@given(situations())
def test_what_the_author_wrote_stays(situation):
    reply = f(situation.pod, situation)
    AUTHORED.count(situation, reply)

    assert [] == lost(situation.pod, reply.result)


@given(situations())
def test_an_overlay_has_all_that_the_injected_container_would_have(situation):
    reply = f(situation.pod, situation)
    OVERLAID.count(situation, reply)
    pure = f(_without_containers(situation.pod, situation.containers), situation)
    assume(_decisions(pure) == _decisions(reply))

    ours = _containers(pure.result)
    for name, container in _containers(reply.result).items():
        if name in ours and name in situation.containers and reply.patch:
            said = {key for key, value in container.items() if value not in (None, "", [], {})}
            assert set() == {*ours[name]} - said - {"restartPolicy"}
            assert "auto" != container["image"]


def _without_containers(pod, names):
    kept = {
        key: [item for item in pod["spec"][key] if item["name"] not in names]
        for key in ("containers", "initContainers")
        if pod["spec"].get(key)
    }
    return {**pod, "spec": {**pod["spec"], **kept}}


def _containers(pod):
    spec = pod["spec"]
    return {item["name"]: item for key in ("containers", "initContainers") for item in spec.get(key) or ()}


@given(situations())
def test_a_patch_is_minimal_and_gives_the_pod_that_was_meant_while_the_pod_handed_in_stays(situation):
    reply = f(situation.pod, situation)
    PATCHED.count(situation, reply)

    assert {operation["op"] for operation in reply.patch} <= {"add", "replace"}
    assert [] == list(_idle(reply))
    assert not reply.patch or patches.is_same(reply.verdict.pod, reply.result)
    assert orjson.dumps(reply.received) == orjson.dumps(reply.answer.review.object), "the order of fields included"


def _idle(reply):
    """Yield the operations that change nothing, or replace more than one value."""
    pod = reply.received
    for operation in reply.patch:
        old = None if operation["path"].endswith("/-") else jsonpatch.JsonPointer(operation["path"]).resolve(pod, None)
        is_whole = isinstance(old, dict) or (isinstance(old, list) and isinstance((old or [None])[0], dict))
        if operation["op"] == "replace" and (patches.is_same(old, operation["value"]) or (old and is_whole)):
            yield operation
        pod = jsonpatch.apply_patch(pod, [operation])


@given(situations(), strategies.pods(), st.randoms(use_true_random=False))
def test_the_same_question_has_the_same_answer_byte_by_byte_in_any_process(elsewhere, situation, other, random):
    f(other, situation)
    reply = f(situation.pod, situation)
    PURE.count(situation, reply)

    shuffled = random.sample(situation.written, len(situation.written))
    catalog = strategies.catalog_of((item.configmap for item in shuffled), situation.policy)

    again = calls.send(situation.pod, situation.namespace, catalog, situation.policy)
    assert reply.answer.body == again.answer.body, "in whatever order the templates are stored"
    assert reply.answer.body == elsewhere(situation), "and whatever was asked before"


@pytest.fixture(scope="module")
def elsewhere():
    """Another process, in which sets and dictionaries of strings hash otherwise."""
    command = [sys.executable, "-m", "tests.laws.echo"]
    environment = {**os.environ, "PYTHONHASHSEED": "1789", "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, env=environment) as process:

        def ask(situation):
            process.stdin.write(echo.question(situation) + b"\n")
            process.stdin.flush()
            return process.stdout.readline().rstrip(b"\n")

        yield ask
        process.stdin.close()

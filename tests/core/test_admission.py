"""The straight line: whose fault a failure is, and that nothing unproven and nothing late leaves."""

from __future__ import annotations

import pytest

from injector.core import admission, reviews
from injector.core.errors import Expired, ReviewError, UnprovenPatch
from injector.core.model import Operation
from tests import calls
from tests.core.builders import OPTED_IN, POLICY, catalog, pod, send, template

TAKEN = {"volumes": [{"name": "logs", "hostPath": {"path": "/var/log"}}]}
FAILING = {
    "conflict": {"volumes": "- {name: logs, emptyDir: {}}\n"},
    "bad-parameter": {"parameters": "role: {type: string}\n"},
    "refused": {"labels": "a: {{ fail('not on Sundays') }}\n"},
    "render-failed": {"labels": "a: {{ pod.metadata.labels.missing }}\n"},
    "forbidden-field": {"pod": "hostNetwork: true\n"},
    "limit-exceeded": {"labels": "a: {{ range(10000000) | list | length }}\n"},
}
AUTHORS = ("conflict", "bad-parameter", "refused")


@pytest.mark.parametrize("on_error", [None, "skip", "deny"])
@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize("reason", FAILING)
def test_whose_fault_it_is_decides_between_denying_and_skipping(reason, by_name, on_error):
    settings = {"default": str(not by_name).lower(), **({"on_error": on_error} if on_error else {})}
    stored = template("tool", FAILING[reason], **settings)
    sent = pod(annotations={"pillion.dev/templates": "tool"} if by_name else {}, **TAKEN)

    reply = send(sent, stored, template("base", default="true"))

    denies = on_error == "deny" or (on_error is None and by_name and reason in AUTHORS)
    decided = {decision.template: decision.reason for decision in reply.verdict.decisions}
    assert (reason, denies) == (decided["tool"], bool(reply.denial))
    assert reason in (reply.denial or reply.warnings[0])
    assert denies or "core" == reply.result["metadata"]["labels"]["team"], "the others are injected all the same"


def test_several_denials_are_told_together():
    stored = [template(name, FAILING["refused"], default="true", on_error="deny") for name in "ab"]

    assert [
        "template 'a': not on Sundays (refused)",
        "template 'b': not on Sundays (refused)",
    ] == send(pod(), *stored).denial.split("\n")


def test_a_request_that_is_out_of_time_is_our_fault():
    with pytest.raises(Expired, match="deadline"):
        admission.answer(
            calls.body_of(pod(), "shop"), lambda _: OPTED_IN, catalog(template(default="true")), POLICY, lambda: True
        )


@pytest.mark.parametrize(
    "wrong",
    [
        Operation(op="add", path="/metadata/labels/team", value="other"),
        Operation(op="add", path="/metadata/labels/other/team", value="core"),
        Operation(op="replace", path="/spec/containers/7", value={}),
        Operation(op="remove", path="/spec/containers/0", value=None),
        Operation(op="test", path="/metadata/name", value="web"),
    ],
)
def test_a_patch_that_would_not_give_the_pod_never_leaves(wrong):
    review = reviews.decode(calls.body_of(pod(), "shop"))
    verdict = admission.admit(review, OPTED_IN, catalog(template(default="true")), POLICY, lambda: False)
    assert admission.write(review, verdict)

    with pytest.raises(UnprovenPatch):
        admission.write(review, verdict._replace(patch=(wrong,)))


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"env": [{"value": "x"}]}, "the pod's spec.containers[0].env[0] lacks 'name'"),
        ({"volumeMounts": [{"name": "x"}]}, "the pod's spec.containers[0].volumeMounts[0] lacks 'mountPath'"),
        ({"env": "x"}, "the pod's spec.containers[0].env is a string, expected a list"),
        ({"env": [5]}, "spec.containers[0].env[0] is 5, expected a mapping"),
    ],
)
def test_what_no_merge_can_go_on_with_is_named(part, sentence):
    env = {"env": "- {name: A, value: b}\n", "volumeMounts": "- {name: work, mountPath: /work}\n"}
    sent = pod(containers=[{"name": "a", **part}], volumes=[{"name": "work", "emptyDir": {}}])

    with pytest.raises(ReviewError) as caught:
        send(sent, template("tool", env, default="true"))

    assert str(caught.value).startswith(sentence)


def test_an_other_namespace_than_the_requests_is_never_asked_for():
    asked = []

    def find(name):
        asked.append(name)
        return OPTED_IN

    sent = pod()
    sent["metadata"]["namespace"] = "elsewhere"
    admission.answer(calls.body_of(sent, "shop"), find, catalog(), POLICY, lambda: False)

    assert ["shop"] == asked

"""Answers to reviews of workloads, as the API server gets them: allowed, whatever they warn of, or no answer at all."""

from __future__ import annotations

import json
import threading

import pytest

from tests.shell.reviews import UID, V1, V1BETA1, WORKLOADS, configmap, pod, review, workload

PATH = "/validate-workloads"
UNKNOWN = (
    "template 'greeters': pillion.dev/templates asks for template 'greeters', which does not exist;"
    " did you mean 'greeter'? (unknown-template)"
)


def mistaken(kind="Deployment"):
    return workload(kind, **{"pillion.dev/templates": "greeters"})


def answered(server, holder, **fields):
    return server.review(review(holder, **{"kind": holder["kind"], "name": "web", **fields}), f"{PATH}?timeout=3s")


@pytest.mark.parametrize("version", [V1, V1BETA1])
@pytest.mark.parametrize("kind", WORKLOADS)
def test_a_workload_of_any_kind_is_warned_of_and_allowed(server, kind, version):
    answer = answered(server, mistaken(kind), version=version)

    assert version == answer["apiVersion"]
    assert {
        "uid": UID,
        "allowed": True,
        "warnings": [f"pods of {kind.lower()}/web will be refused", UNKNOWN],
        "auditAnnotations": {"decision": "unknown-template", "templates": "greeters=unknown-template,greeter=injected"},
    } == answer["response"]


def test_a_workload_in_order_is_answered_without_a_word_and_without_a_patch(server):
    assert {
        "uid": UID,
        "allowed": True,
        "auditAnnotations": {"decision": "injected", "templates": "greeter=injected"},
    } == answered(server, workload())["response"]


def test_an_update_is_looked_at_like_a_creation(server):
    answer = answered(server, mistaken(), operation="UPDATE", oldObject=workload())

    assert UNKNOWN in answer["response"]["warnings"]


@pytest.mark.parametrize(
    ("holder", "fields", "reason"),
    [
        (pod(annotations={"pillion.dev/templates": "greeters"}), {}, "other-kind"),
        (configmap(data={}), {}, "other-kind"),
        ({**mistaken(), "apiVersion": "example.com/v1"}, {}, "other-kind"),
        (mistaken(), {"operation": "DELETE"}, "other-operation"),
        (mistaken(), {"operation": "CONNECT"}, "other-operation"),
        (mistaken(), {"namespace": "kube-system"}, "excluded-namespace"),
        (mistaken(), {"namespace": "pillion-system"}, "excluded-namespace"),
    ],
)
def test_what_is_not_to_be_looked_at_is_allowed_without_a_word(server, holder, fields, reason):
    assert {"uid": UID, "allowed": True, "auditAnnotations": {"decision": reason}} == answered(
        server, holder, **fields
    )["response"]


def test_a_warning_is_one_short_line_however_long_what_it_quotes(server):
    long = workload(**{"greeter.pillion.dev/greetings": "line\nbreak" * 100, "pillion.dev/templates": "x" * 5000})

    warnings = answered(server, long)["response"]["warnings"]

    assert [] == [line for line in warnings if "\n" in line or len(line) > 256]


def test_a_review_is_logged_and_counted_as_an_answer_but_not_as_a_decision_on_a_pod(start):
    server = start()

    answered(server, mistaken())

    line = server.event("review")
    assert ("Deployment", "web", "unknown-template", True) == tuple(
        line[key] for key in ("kind", "name", "reason", "allowed")
    )
    samples = server.metrics()
    assert 1 == samples[f'pillion_requests_total{{code="200",path="{PATH}"}}']
    assert [] == [name for name in samples if name.startswith("pillion_decisions_total")]


def test_workloads_and_pods_are_answered_at_the_same_time_and_do_not_mix(server):
    found = []

    def forecast():
        found.extend(answered(server, mistaken(), uid=f"workload-{number}")["response"] for number in range(20))

    thread = threading.Thread(target=forecast)
    thread.start()
    pods = [server.review(review(pod(), uid=f"pod-{number}"))["response"] for number in range(50)]
    thread.join()

    assert [(f"pod-{number}", True) for number in range(50)] == [(each["uid"], "patch" in each) for each in pods]
    assert [(f"workload-{number}", 2) for number in range(20)] == [
        (each["uid"], len(each["warnings"])) for each in found
    ]


@pytest.mark.parametrize(
    "damage",
    [
        {"metadata": "web"},
        {"metadata": {"labels": [1]}},
        {"spec": None},
        {"spec": {"template": {"spec": {"containers": "web"}}}},
        {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": [{"name": 1}]}]}}}},
        {"spec": {"template": {"metadata": {"annotations": {"pillion.dev/templates": 7}}, "spec": {}}}},
    ],
    ids=json.dumps,
)
def test_a_forged_workload_gets_a_status_and_never_a_refusal(server, damage):
    """The webhook's failurePolicy is Ignore: whatever is no answer lets the workload through."""
    answer = server.post(PATH, json.dumps(review({**mistaken(), **damage}, kind="Deployment")).encode())

    assert answer.status in {400, 503}
    assert b"Traceback" not in answer.body


def test_a_workload_whose_time_is_over_gets_no_answer(server):
    answer = server.post(f"{PATH}?timeout=1ns", json.dumps(review(mistaken(), kind="Deployment")).encode())

    assert (503, b"too many reviews are waiting\n") == (answer.status, answer.body)

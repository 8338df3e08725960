"""Answers to reviews over HTTPS, as the API server gets them."""

from __future__ import annotations

import base64
import json
import threading

import jsonpatch
import pytest

from tests.server.clients import request
from tests.shell.conftest import LABELS
from tests.shell.processes import JSON_TYPE
from tests.shell.reviews import UID, V1, V1BETA1, configmap, pod, review, template_review


def patched(answer, obj):
    response = answer["response"]
    return jsonpatch.apply_patch(obj, json.loads(base64.b64decode(response["patch"]))) if "patch" in response else obj


@pytest.mark.parametrize("version", [V1, V1BETA1])
def test_a_pod_is_injected_and_answered_in_the_version_and_with_the_uid_asked(server, version):
    answer = server.review(review(pod(), version=version))

    assert (version, "AdmissionReview") == (answer["apiVersion"], answer["kind"])
    assert (UID, True, "JSONPatch") == tuple(answer["response"][key] for key in ("uid", "allowed", "patchType"))
    assert "hello" == patched(answer, pod())["metadata"]["labels"]["greeting"]


def test_a_second_call_on_the_result_changes_nothing(server):
    first = patched(server.review(review(pod())), pod())

    second = server.review(review(first))

    assert "patch" not in second["response"]
    assert "already-injected" == second["response"]["auditAnnotations"]["decision"]


def test_a_dry_run_is_answered_as_if_it_were_none_and_logged_as_one(start):
    server = start()

    answer = server.review(review(pod(), dryRun=True))

    assert "patch" in answer["response"]
    assert server.event("review")["dry_run"] is True


def test_a_pod_that_is_still_to_be_named_is_logged_by_what_its_name_will_begin_with(start):
    server = start()

    server.review(review(pod(name=None, generateName="cart-7d9c5-"), name=None))

    line = server.event("review")
    assert "shop cart-7d9c5-*" == f"{line['namespace']} {line['name']}"


def test_the_log_line_of_a_review_has_all_that_one_asks_for_and_nothing_of_the_pod(start):
    server = start()
    secret = pod()
    secret["spec"]["containers"][0]["env"] = [{"name": "PASSWORD", "value": "hunter2"}]

    server.review(review(secret))

    line = server.event("review")
    assert {
        "uid": UID,
        "kind": "Pod",
        "operation": "CREATE",
        "namespace": "shop",
        "name": "cart",
        "templates": ["greeter"],
        "reason": "injected",
        "allowed": True,
        "dry_run": False,
        "event": "review",
        "level": "info",
    } == {key: value for key, value in line.items() if key not in {"duration_ms", "time"}}
    assert line["duration_ms"] > 0
    assert "hunter2" not in server.log


def test_a_name_with_a_line_break_stays_on_its_line(start):
    server = start()

    server.review(review(pod(name='a\n{"event":"review","reason":"forged"}')))

    assert "injected" == server.event("review")["reason"]
    assert 1 == sum("forged" in line.decode() for line in server.lines)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"operation": "UPDATE"}, "other-operation"),
        ({"operation": "DELETE", "object": None, "oldObject": pod()}, "other-operation"),
        ({"operation": "CONNECT", "object": None}, "other-operation"),
        ({"kind": "Service"}, "other-kind"),
        ({"namespace": "kube-system"}, "excluded-namespace"),
        ({"namespace": "pillion-system"}, "excluded-namespace"),
        ({"object": {"metadata": {"labels": {"pillion.dev/inject": "false"}}}}, "opted-out"),
        ({"object": {"metadata": {}}}, "not-requested"),
    ],
)
def test_what_is_not_to_be_injected_is_allowed_untouched_with_the_reason(server, change, reason):
    answer = server.review(review(change.pop("object", pod()), **change))

    assert {"uid": UID, "allowed": True, "auditAnnotations": {"decision": reason}} == answer["response"]


def test_a_pod_that_asks_for_what_does_not_exist_is_denied_with_the_near_miss(server):
    answer = server.review(review(pod(annotations={"pillion.dev/templates": "greeters"})))

    assert not answer["response"]["allowed"]
    assert "did you mean 'greeter'?" in answer["response"]["status"]["message"]
    assert 403 == answer["response"]["status"]["code"]


def test_a_pod_of_500_kilobytes_is_injected(server):
    large = pod(annotations={"note": "x" * 500_000})

    assert "hello" == patched(server.review(review(large)), large)["metadata"]["labels"]["greeting"]


def test_a_pod_of_ten_thousand_labels_is_injected(server):
    many = pod(labels={f"label-{number}": "x" for number in range(10_000)})

    assert 10_003 == len(patched(server.review(review(many)), many)["metadata"]["labels"]) + 1


def test_many_reviews_on_one_connection_get_each_their_own_answer(server):
    client = server.connect()
    answers = []
    for number in range(50):
        body = json.dumps(review(pod(name=f"cart-{number}"), uid=f"uid-{number}")).encode()
        client.send(request("/mutate?timeout=10s", body, JSON_TYPE))
        answers.append(json.loads(client.read().body)["response"]["uid"])

    assert [f"uid-{number}" for number in range(50)] == answers


def test_pods_and_templates_are_answered_at_the_same_time_and_do_not_mix(server):
    found = []

    def validate():
        found.extend(
            server.review(template_review(LABELS, uid=f"template-{number}"), "/validate") for number in range(5)
        )

    thread = threading.Thread(target=validate)
    thread.start()
    pods = [server.review(review(pod(), uid=f"pod-{number}")) for number in range(50)]
    thread.join()

    assert [f"pod-{number}" for number in range(50)] == [answer["response"]["uid"] for answer in pods]
    assert [f"template-{number}" for number in range(5)] == [answer["response"]["uid"] for answer in found]
    assert all("patch" in answer["response"] for answer in pods)
    assert all(answer["response"]["allowed"] for answer in found)


# -- templates ---------------------------------------------------------------------------------------------------------


def validated(server, obj, **fields):
    return server.review(template_review(obj, **fields), "/validate?timeout=10s")["response"]


BROKEN = {"labels": "tier: web\ngreeting: {{ greeting }}\n"}


@pytest.mark.parametrize("version", [V1, V1BETA1])
def test_a_good_template_is_accepted_in_the_version_asked(server, version):
    answer = server.review(template_review(LABELS, version=version), "/validate")

    assert (version, UID, True) == (answer["apiVersion"], answer["response"]["uid"], answer["response"]["allowed"])
    assert "template-accepted" == answer["response"]["auditAnnotations"]["decision"]


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
def test_a_broken_template_is_refused_with_its_line_and_a_caret(server, operation):
    response = validated(server, configmap(data=BROKEN), operation=operation)

    assert not response["allowed"]
    message = response["status"]["message"]
    assert "ConfigMap pillion-system/greeter, key labels, line 2, column " in message
    assert "\n  | greeting: {{ greeting }}\n  | " in message
    assert message.endswith("^")


def test_a_template_that_reads_back_what_it_writes_is_refused(server):
    env = "{% if pod.metadata.labels.tier %}\n- {name: AGAIN, value: yes}\n{% endif %}\n"

    response = validated(server, configmap(data={"labels": "tier: web\n", "env": env}))

    assert not response["allowed"]
    assert "a second call would change /spec/containers/0/env again" in response["status"]["message"]


def test_a_broken_template_of_the_release_itself_is_warned_of_so_that_an_upgrade_goes_through(server):
    helm = {"meta.helm.sh/release-name": "pillion", "meta.helm.sh/release-namespace": "pillion-system"}

    response = validated(server, configmap(data=BROKEN, annotations=helm))

    assert response["allowed"]
    assert "ConfigMap pillion-system/greeter, key labels, line 2" in response["warnings"][0]
    assert "\n" not in response["warnings"][0]


@pytest.mark.parametrize(
    "helm",
    [
        {"meta.helm.sh/release-name": "other", "meta.helm.sh/release-namespace": "pillion-system"},
        {"meta.helm.sh/release-name": "pillion", "meta.helm.sh/release-namespace": "other"},
        {"meta.helm.sh/release-name": "pillion"},
    ],
)
def test_a_broken_template_of_another_release_is_refused(server, helm):
    assert not validated(server, configmap(data=BROKEN, annotations=helm))["allowed"]


def test_a_template_outside_the_release_namespace_is_warned_of_as_it_serves_nobody(server):
    response = validated(server, configmap(data={"labels": "a: b\n"}, namespace="shop"))

    assert response["allowed"]
    assert "templates serve pods from namespace 'pillion-system' only: move it there" == response["warnings"][0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": {"pillion.dev/template": "false"}}, "no-templates"),
        ({"operation": "DELETE"}, "other-operation"),
        ({"kind": "Secret"}, "other-kind"),
    ],
)
def test_what_is_no_template_is_allowed(server, change, reason):
    obj = configmap(data={"sidecar": "{{"}, labels=change.pop("labels", {}))
    fields = {"namespace": "pillion-system", "kind": "ConfigMap", **change}

    answer = server.review(review(obj, **fields), "/validate")

    assert {"uid": UID, "allowed": True, "auditAnnotations": {"decision": reason}} == answer["response"]


def test_a_bomb_of_a_template_is_refused_and_the_server_lives(server):
    bomb = configmap(data={"labels": "a: " + "{{ (" * 2_000})

    assert not validated(server, bomb)["allowed"]
    assert server.review(review(pod()))["response"]["allowed"]

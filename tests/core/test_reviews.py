"""AdmissionReview on the wire, both versions: what is read, what is answered, and within which limits."""

from __future__ import annotations

import base64

import orjson
import pytest

from injector.core import admission, reviews
from injector.core.errors import ReviewError
from injector.core.model import Decision, Review, Verdict
from injector.core.reasons import Reason
from tests.core.builders import OPTED_IN, POLICY, catalog, pod, template

V1, V1BETA1 = "admission.k8s.io/v1", "admission.k8s.io/v1beta1"
POD = {"group": "", "version": "v1", "kind": "Pod"}
TOOL = template("tool", default="true")
BAD = template("bad", {"labels": "a: '{{ pod.metadata.labels.x }}'\n"}, default="true", on_error="deny")


def body(version=V1, **request):
    asked = {"uid": "u-1", "kind": POD, "operation": "CREATE", "namespace": "shop", "object": pod(), **request}
    asked = {key: value for key, value in asked.items() if value is not ...}
    return orjson.dumps({"apiVersion": version, "kind": "AdmissionReview", "request": asked})


def answer(sent, *stored):
    found = admission.answer(sent, lambda _: OPTED_IN, catalog(*stored), POLICY, lambda: False)
    return orjson.loads(found.body)


@pytest.mark.parametrize("version", [V1, V1BETA1])
def test_the_answer_is_of_the_version_asked_and_repeats_the_uid(version):
    found = answer(body(version, uid="9f-3"), TOOL)

    assert (version, "AdmissionReview") == (found["apiVersion"], found["kind"])
    assert ("9f-3", True, "JSONPatch") == tuple(found["response"][key] for key in ("uid", "allowed", "patchType"))
    assert {"op": "add", "path": "/metadata/labels/team", "value": "core"} in orjson.loads(
        base64.b64decode(found["response"]["patch"])
    )


def test_everything_that_admission_needs_is_read():
    found = reviews.decode(body(name="web-1", dryRun=True, userInfo={"username": "ann", "groups": ["x"]}))

    assert found == Review(
        uid="u-1", api_version=V1, namespace="shop", name="web-1", user="ann", dry_run=True, object=pod()
    )


def test_a_pod_that_is_still_to_be_named_has_no_name():
    sent = pod()
    sent["metadata"] = {"generateName": "web-"}

    assert ("", "web-") == (
        reviews.decode(body(object=sent, name=...)).name,
        reviews.decode(body(object=sent)).object["metadata"]["generateName"],
    )


def test_a_dry_run_gets_the_same_patch():
    assert answer(body(), TOOL) == answer(body(dryRun=True), TOOL)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"operation": "UPDATE"}, "other-operation"),
        ({"operation": "DELETE", "object": None}, "other-operation"),
        ({"operation": "CONNECT"}, "other-operation"),
        ({"kind": {"group": "apps", "kind": "Deployment"}}, "other-kind"),
        ({"kind": {"group": "example.com", "kind": "Pod"}}, "other-kind"),
        ({"kind": {"group": "", "kind": "ConfigMap"}, "object": {"data": 5}}, "other-kind"),
    ],
)
def test_what_is_no_new_pod_is_allowed_untouched_with_the_reason(request_, reason):
    found = answer(body(**request_), TOOL)["response"]

    assert {"uid": "u-1", "allowed": True, "auditAnnotations": {"decision": reason}} == found


def test_a_pod_that_needs_nothing_gets_no_patch():
    found = answer(body(), template("base"))["response"]

    assert {"uid": "u-1", "allowed": True, "auditAnnotations": {"decision": "no-templates"}} == found


def test_a_denial_has_a_status_with_code_reason_and_message_and_no_patch():
    found = answer(body(), TOOL, BAD)["response"]

    assert (False, 403, "Forbidden") == (found["allowed"], found["status"]["code"], found["status"]["reason"])
    assert found["status"]["message"].startswith("template 'bad': ConfigMap pillion-system/bad, key labels, line 1, ")
    assert "\n  | a: '{{ pod.metadata.labels.x }}'\n  | " in found["status"]["message"]
    assert {"decision": "render-failed", "templates": "bad=render-failed,tool=injected"} == found["auditAnnotations"]
    assert not {"patch", "patchType"} & found.keys()


@pytest.mark.parametrize("key", reviews.AUDIT_KEYS)
def test_audit_keys_are_bare_words_because_the_api_server_puts_a_name_in_front(key):
    assert key.isalpha()


REVIEW = Review(uid="u", api_version=V1)


def encoded(**verdict):
    return orjson.loads(reviews.encode(REVIEW, Verdict(reason=Reason.CONFLICT, **verdict), b""))["response"]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ((), None),
        (("a",), ["a"]),
        (("a\nb\r\n\tc",), ["a b c"]),
        (("x" * 256,), ["x" * 256]),
        (("x" * 257,), ["x" * 255 + "…"]),
        (("ü" * 300, "b"), ["ü" * 255 + "…", "b"]),
        (("x" * 256,) * 17, ["x" * 256] * 16),
        (("x" * 256,) * 15 + ("y" * 255, "z", "w"), ["x" * 256] * 15 + ["y" * 255, "z"]),
    ],
)
def test_warnings_are_one_line_each_and_within_the_limits_of_the_api_server(given, sent):
    assert sent == encoded(warnings=given).get("warnings")


def test_a_long_denial_and_long_audit_annotations_are_cut():
    decisions = tuple(Decision(reason=Reason.CONFLICT, template=f"template-{number}") for number in range(200))

    found = encoded(denial="x" * 10_000, decisions=decisions)

    assert (8192, 1024) == (len(found["status"]["message"]), len(found["auditAnnotations"]["templates"]))
    assert found["status"]["message"].endswith("x…")


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"", "the body is no JSON: "),
        (b"{", "the body is no JSON: "),
        (b"\xff", "the body is no JSON: "),
        (b"[1]", "the body is a list, expected a mapping"),
        (b"null", "the body is missing"),
        (b"{}", "expected an AdmissionReview of admission.k8s.io/v1 or admission.k8s.io/v1beta1, got None of None"),
        (body("admission.k8s.io/v2"),
         f"expected an AdmissionReview of {V1} or {V1BETA1}, got 'AdmissionReview' of 'admission.k8s.io/v2'"),
        (body(uid=...), "request.uid is missing: the answer must repeat it"),
        (body(uid=""), "request.uid is missing: the answer must repeat it"),
        (body(uid=5), "request.uid is 5, expected a string"),
        (body(object=...), "request.object is missing"),
        (body(object=None), "request.object is missing"),
        (body(object=[]), "request.object is a list, expected a mapping"),
        (body(kind="Pod"), "request.kind is a string, expected a mapping"),
        (body(namespace=5), "request.namespace is 5, expected a string"),
        (body(object={"metadata": "x"}), "metadata is a string, expected a mapping"),
        (body(object={"metadata": {"labels": {"a": 1}}}), "the pod's metadata.labels['a'] is 1, expected a string"),
        (body(object={"metadata": {"annotations": {"a": True}}}),
         "the pod's metadata.annotations['a'] is true, expected a string"),
        (body(object={"spec": {"containers": {}}}), "the pod's spec.containers is a mapping, expected a list"),
        (body(object={"spec": {"containers": [5]}}), "spec.containers[0] is 5, expected a mapping"),
        (body(object={"spec": {"containers": [{}]}}), "the pod's spec.containers[0] lacks a name"),
        (body(object={"spec": {"initContainers": [{"name": 1}]}}),
         "the pod's spec.initContainers[0] has the name 1, expected a string"),
    ],
)  # fmt: skip
def test_what_is_no_usable_review_gets_one_sentence(sent, sentence):
    with pytest.raises(ReviewError) as caught:
        reviews.decode(sent)

    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)

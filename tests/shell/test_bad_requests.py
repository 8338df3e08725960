"""Whatever arrives, one sentence and the right status go back, and nothing else is harmed."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from tests.server.clients import request
from tests.shell.conftest import LABELS, store
from tests.shell.reviews import UID, configmap, pod, review

SEND_POST = "send an AdmissionReview with POST"
NO_SUCH_PATH = "there is nothing at this path; there are /mutate, /validate, /validate-workloads"
EXPECTED = "expected an AdmissionReview of admission.k8s.io/v1 or admission.k8s.io/v1beta1, got "


WORKER = configmap(
    "worker",
    data={
        "env": "- {name: WORK, value: /work}\n",
        "volumes": "- {name: work, emptyDir: {}}\n",
        "volumeMounts": "- {name: work, mountPath: /work}\n",
    },
)
"""Merges into what containers hold: what nothing is merged into is not looked at."""


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    store(folder, LABELS)
    store(folder, WORKER)
    return folder


@dataclass(frozen=True)
class Row:
    name: str
    status: int
    sentence: str
    body: bytes
    path: str = "/mutate"
    kind: str = "application/json"


def with_review(name, sentence, **fields):
    return Row(name, 400, sentence, json.dumps(review(fields.pop("object", pod()), **fields)).encode())


def with_pod(name, sentence, obj):
    return Row(name, 400, sentence, json.dumps(review(obj)).encode())


def with_container(name, sentence, **fields):
    metadata = {"labels": {"pillion.dev/inject": "true"}, "annotations": {"pillion.dev/templates": "worker"}}
    return with_pod(name, sentence, {"metadata": metadata, "spec": {"containers": [{"name": "app", **fields}]}})


WHOLE = json.dumps(review(pod())).encode()

BODIES = (
    Row("empty", 400, "the body is no JSON: Input is a zero-length, empty document at character 0", b""),
    Row("no JSON", 400, "the body is no JSON: unexpected character, expected a JSON value at character 0", b"pod"),
    Row("truncated", 400, "the body is no JSON: unexpected end of data at character 200", WHOLE[:200]),
    Row(
        "no UTF-8",
        400,
        "the body is no JSON: str is not valid UTF-8: surrogates not allowed at character 0",
        b'{"a": "\xff"}',
    ),
    Row("a list", 400, "the body is a list, expected a mapping", b"[]"),
    Row("a number", 400, "the body is 7, expected a mapping", b"7"),
    Row("null", 400, "the body is missing", b"null"),
    Row("no review", 400, f"{EXPECTED}None of None", b"{}"),
    Row("a pod", 400, f"{EXPECTED}'Pod' of 'v1'", json.dumps(pod()).encode()),
    Row(
        "wrong version",
        400,
        f"{EXPECTED}'AdmissionReview' of 'admission.k8s.io/v2'",
        json.dumps(review(pod(), version="admission.k8s.io/v2")).encode(),
    ),
    Row("no request", 400, "request is missing", b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}'),
    Row(
        "request a list",
        400,
        "request is a list, expected a mapping",
        b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":[]}',
    ),
    with_review("no uid", "request.uid is missing: the answer must repeat it", uid=None),
    with_review("uid a number", "request.uid is 7, expected a string", uid=7),
    Row(
        "kind a string",
        400,
        "request.kind is a string, expected a mapping",
        json.dumps(
            {
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "request": {"uid": UID, "kind": "Pod", "operation": "CREATE"},
            }
        ).encode(),
    ),
    with_review("namespace a number", "request.namespace is 7, expected a string", namespace=7),
    with_review("user a list", "request.userInfo is a list, expected a mapping", userInfo=["me"]),
    with_review("no object", "request.object is missing", object=None),
)

PODS = (
    with_pod("a pod of a list", "request.object is a list, expected a mapping", []),
    with_pod("a pod of text", "request.object is a string, expected a mapping", "pod"),
    with_pod("metadata a list", "metadata is a list, expected a mapping", {"metadata": ["a"]}),
    with_pod("labels a list", "metadata.labels is a list, expected a mapping", {"metadata": {"labels": ["a"]}}),
    with_pod(
        "a label of a number", "the pod's metadata.labels['tier'] is 5, expected a string", pod(labels={"tier": 5})
    ),
    with_pod(
        "an annotation of null",
        "the pod's metadata.annotations['a'] is null, expected a string",
        pod(annotations={"a": None}),
    ),
    with_pod("spec a string", "spec is a string, expected a mapping", {"spec": "secret"}),
    with_pod(
        "containers a mapping",
        "the pod's spec.containers is a mapping, expected a list",
        {"spec": {"containers": {"name": "app"}}},
    ),
    with_pod(
        "a container of text",
        "spec.containers[1] is a string, expected a mapping",
        {"spec": {"containers": [{"name": "app"}, "app"]}},
    ),
    with_pod(
        "no container name", "the pod's spec.containers[0] lacks a name", {"spec": {"containers": [{"image": "a"}]}}
    ),
    with_pod(
        "a container name of a number",
        "the pod's spec.containers[0] has the name 80, expected a string",
        {"spec": {"containers": [{"name": 80}]}},
    ),
    with_pod("no volume name", "the pod's spec.volumes[0] lacks a name", {"spec": {"volumes": [{"emptyDir": {}}]}}),
    with_container("env a mapping", "the pod's spec.containers[0].env is a mapping, expected a list", env={"A": "1"}),
    with_container("no variable name", "the pod's spec.containers[0].env[0] lacks 'name'", env=[{"value": "secret"}]),
    with_container(
        "no mount path", "the pod's spec.containers[0].volumeMounts[0] lacks 'mountPath'", volumeMounts=[{"name": "a"}]
    ),
)

HTTP = (
    Row("no content type", 415, "the content type is '': expected application/json", WHOLE, kind=""),
    Row(
        "wrong content type",
        415,
        "the content type is 'text/plain': expected application/json",
        WHOLE,
        kind="text/plain",
    ),
    Row(
        "patch type",
        415,
        "the content type is 'application/json-patch+json': expected application/json",
        WHOLE,
        kind="application/json-patch+json",
    ),
    Row(
        "no duration",
        400,
        "the URL's timeout is 'soon': expected a duration such as '5s'",
        WHOLE,
        path="/mutate?timeout=soon",
    ),
    Row(
        "a duration below zero",
        400,
        "the URL's timeout is '-5s': expected a duration such as '5s'",
        WHOLE,
        path="/mutate?timeout=-5s",
    ),
    Row(
        "a duration of nothing",
        400,
        "the URL's timeout is '0s': expected a duration such as '5s'",
        WHOLE,
        path="/mutate?timeout=0s",
    ),
    Row("the root", 404, NO_SUCH_PATH, WHOLE, path="/"),
    Row("another path", 404, NO_SUCH_PATH, WHOLE, path="/inject"),
    Row("a slash behind", 404, NO_SUCH_PATH, WHOLE, path="/mutate/"),
    Row("a slash before", 404, NO_SUCH_PATH, WHOLE, path="//mutate"),
    Row("a slash behind the other", 404, NO_SUCH_PATH, WHOLE, path="/validate/"),
    Row("a slash before the other", 404, NO_SUCH_PATH, WHOLE, path="//validate"),
    Row("a path below", 404, NO_SUCH_PATH, WHOLE, path="/mutate/pods"),
    Row("another case", 404, NO_SUCH_PATH, WHOLE, path="/Mutate"),
    Row("a path up", 404, NO_SUCH_PATH, WHOLE, path="/validate/../mutate"),
    Row("a probe", 404, NO_SUCH_PATH, b"", path="/metrics"),
)

CONFIG_MAPS = tuple(
    Row(name, 400, sentence, json.dumps(review(obj, kind="ConfigMap")).encode(), path="/validate")
    for name, sentence, obj in (
        ("a ConfigMap of a list", "request.object is a list, expected a mapping", ["a"]),
        (
            "a ConfigMap with metadata of text",
            "the ConfigMap's metadata is a str, expected a mapping",
            {"metadata": "a"},
        ),
        (
            "a ConfigMap with labels of a list",
            "the ConfigMap's labels is a list, expected a mapping",
            {"metadata": {"labels": ["a"]}},
        ),
    )
)

WORKLOADS = tuple(
    Row(name, 400, sentence, json.dumps(review(obj, kind="Deployment")).encode(), path="/validate-workloads")
    for name, sentence, obj in (
        ("a workload of a list", "request.object is a list, expected a mapping", ["a"]),
        (
            "a Deployment without a pod template",
            "spec.template is missing: a Deployment makes its pods of spec.template",
            {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {}},
        ),
        (
            "a CronJob whose pod template is text",
            "spec.jobTemplate is a str, expected a mapping",
            {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": "a"}},
        ),
        (
            "a Job whose pod has a port of text",
            "the pod's spec.containers[0].ports[0].containerPort is a string, expected an integer",
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "spec": {"template": {"spec": {"containers": [{"name": "a", "ports": [{"containerPort": "http"}]}]}}},
            },
        ),
    )
)

ROWS = (
    *BODIES,
    *PODS,
    *HTTP,
    *CONFIG_MAPS,
    *WORKLOADS,
    *(
        Row(f"{row.name} to {path}", row.status, row.sentence, row.body, path=path)
        for row in BODIES[:14]
        for path in ("/validate", "/validate-workloads")
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_bad_request_gets_its_status_and_one_sentence(server, row):
    answer = server.post(row.path, row.body, f"Content-Type: {row.kind}")

    assert (row.status, f"{row.sentence}\n") == (answer.status, answer.body.decode())
    assert "text/plain; charset=utf-8" == answer.headers["content-type"]
    assert "location" not in answer.headers
    assert "retry-after" not in answer.headers


def test_a_body_that_is_too_large_is_refused_before_it_comes(server):
    client = server.connect()
    client.send(b"POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9437184\r\n\r\n")

    answer = client.read()

    assert (413, b"The body is larger than 8388608 bytes.\n") == (answer.status, answer.body)


@pytest.mark.parametrize("path", ["/mutate", "/validate", "/validate-workloads"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_another_method_than_post_is_refused_and_told_which_to_use(server, method, path):
    client = server.connect()
    client.send(request(path).replace(b"GET", method.encode(), 1))

    head, _, body = client_read(client, method)

    assert b"HTTP/1.1 405 " == head[:13]
    assert b"Allow: POST" in head.splitlines()
    assert body in ({b""} if method == "HEAD" else {f"{SEND_POST}\n".encode(), b"Method Not Allowed\n"})


def client_read(client, method):
    """Return head and body; that of HEAD has none, whatever its length says."""
    head = b"".join(iter(client.file.readline, b"\r\n"))
    length = next(int(line.split()[1]) for line in head.splitlines() if line.lower().startswith(b"content-length:"))
    return head, length, b"" if method == "HEAD" else client.file.read(length)


def test_a_content_type_with_parameters_is_json_nevertheless(server):
    assert 200 == server.post("/mutate", WHOLE, "Content-Type: Application/JSON; charset=utf-8").status


def test_the_log_of_bad_requests_tells_class_and_subject_but_nothing_of_the_pod(start):
    server = start()
    secret = json.dumps(review({"spec": "hunter2", "metadata": {"labels": {"k": "hunter2"}}})).encode()

    server.post("/mutate", secret)

    line = server.event("no usable review")
    assert {
        "path": "/mutate",
        "code": 400,
        "error": "ReviewError",
        "uid": UID,
        "namespace": "shop",
    }.items() <= line.items()
    assert "hunter2" not in server.log


def test_after_all_that_the_server_still_answers_and_has_told_of_no_bug(server):
    assert server.review(review(pod()))["response"]["allowed"]
    assert "Traceback" not in server.log
    assert "review failed" not in server.log

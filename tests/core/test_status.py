"""The record of an injection: what it says, that it is always written anew, and that it claims nothing untrue."""

from __future__ import annotations

import orjson
import pytest

from injector.core.model import Domain, Policy
from tests.core.builders import catalog, pod, send, template

SIDECAR = "- {name: proxy, image: proxy:1, args: [-v], resources: {limits: {cpu: 100m}}}\n"
TOOL = template("tool", {"sidecars": SIDECAR, "initContainers": "- {name: init, image: proxy:1}\n"}, default="true")
RECORD = {"templates": [{"name": "tool", "revision": TOOL.revision}], "containers": ["init", "proxy"]}


def record_of(found):
    return orjson.loads(found["metadata"]["annotations"]["pillion.dev/status"])


def test_it_names_templates_with_their_revisions_and_the_containers_that_they_brought():
    assert RECORD == record_of(send(pod(), TOOL).result)


def test_the_revision_follows_the_data_and_nothing_else():
    same = template("tool", {"labels": "team: core\n"}, order="7", description="x")
    other = template("tool", {"labels": "team: other\n"})

    assert template("tool").revision == same.revision
    assert template("tool").revision != other.revision
    assert 12 == len(other.revision)


def test_templates_stand_in_the_order_of_merging_and_containers_in_that_of_names():
    first = template("z", {"sidecars": "- {name: b, image: b}\n"}, default="true", order="1")
    second = template("a", {"sidecars": "- {name: a, image: a}\n"}, default="true", order="2")

    found = record_of(send(pod(), second, first).result)

    assert (["z", "a"], ["a", "b"]) == ([item["name"] for item in found["templates"]], found["containers"])


def test_a_template_that_brings_no_container_is_recorded_too():
    stored = template("tool", default="true")

    assert {"templates": [{"name": "tool", "revision": stored.revision}], "containers": []} == record_of(
        send(pod(), stored).result
    )


@pytest.mark.parametrize("earlier", ["", "{}", "no JSON", orjson.dumps({**RECORD, "containers": []}).decode()])
def test_another_record_is_replaced(earlier):
    sent = pod(annotations={"pillion.dev/status": earlier})

    reply = send(sent, TOOL)

    assert RECORD == record_of(reply.result)
    assert "replace" == next(item["op"] for item in reply.patch if item["path"].endswith("pillion.dev~1status"))


def test_a_pod_that_carries_everything_but_the_record_gets_the_record_alone():
    carried = send(pod(), TOOL).result
    del carried["metadata"]["annotations"]["pillion.dev/status"]

    reply = send(carried, TOOL)

    assert ("already-injected", RECORD) == (reply.verdict.reason, record_of(reply.result))
    assert ["/metadata/annotations/pillion.dev~1status"] == [item["path"] for item in reply.patch]


def test_nothing_is_recorded_where_nothing_was_injected():
    sent = pod(annotations={"pillion.dev/status": "{}"}, labels={"pillion.dev/inject": "false"})

    assert [] == send(sent, TOOL).patch


@pytest.mark.parametrize(
    "fields",
    [{"image": "mine"}, {"image": "auto", "args": ["-q"]}, {"image": "auto", "resources": {"limits": {"cpu": "2"}}}],
)
def test_an_overlay_is_never_claimed_as_the_templates_revision(fields):
    reply = send(pod(initContainers=[{"name": "proxy", "restartPolicy": "Always", **fields}]), TOOL)

    assert [{"name": "tool", "overlaid": ["proxy"]}] == record_of(reply.result)["templates"]


@pytest.mark.parametrize(
    "fields",
    [
        {"image": "auto"},
        {"image": "auto", "tty": True},
        {"image": "auto", "resources": {"limits": {"cpu": "0.1"}}},
        {"image": "auto", "terminationMessagePolicy": "File", "imagePullPolicy": "Always"},
    ],
)
def test_an_overlay_that_says_nothing_else_than_the_template_carries_its_revision(fields):
    reply = send(pod(initContainers=[{"name": "proxy", "restartPolicy": "Always", **fields}]), TOOL)

    assert RECORD == record_of(reply.result)


def test_a_copied_sidecar_of_an_older_revision_is_not_claimed_as_the_new_one():
    older = template("tool", {"sidecars": SIDECAR.replace("proxy:1", "proxy:0")}, default="true")

    reply = send(send(pod(), older).result, TOOL)

    assert [{"name": "tool", "overlaid": ["proxy"]}] == record_of(reply.result)["templates"]
    assert "proxy:0" == reply.result["spec"]["initContainers"][0]["image"]


def test_another_domain_has_a_record_of_its_own():
    policy = Policy(domain=Domain(name="example.com"))
    sent = pod(labels={"example.com/inject": "true"}, annotations={"example.com/templates": "tool"})

    annotations = send(sent, *catalog(TOOL).templates.values(), policy=policy).result["metadata"]["annotations"]

    assert RECORD == orjson.loads(annotations["example.com/status"])
    assert "pillion.dev/status" not in annotations

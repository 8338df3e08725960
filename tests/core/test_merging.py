"""Corners of the merge that no golden case has: what a pod says with an empty list, and names that are taken."""

from __future__ import annotations

import pytest

from tests.core.builders import pod, send, template

SIDECAR = """
- name: proxy
  image: proxy:1
  args: [-v]
  env: [{name: A, value: b}]
  resources: {limits: {cpu: 1}}
  lifecycle: {preStop: {exec: {command: [flush]}}}
  securityContext: {runAsUser: 1, capabilities: {drop: [ALL]}}
"""
PROXY = template("tool", {"sidecars": SIDECAR}, default="true", native="false")
WHOLE = {
    "name": "proxy",
    "image": "proxy:1",
    "args": ["-v"],
    "env": [{"name": "A", "value": "b"}],
    "resources": {"limits": {"cpu": 1}},
    "lifecycle": {"preStop": {"exec": {"command": ["flush"]}}},
    "securityContext": {"runAsUser": 1, "capabilities": {"drop": ["ALL"]}},
}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"args": []},
        {"args": None},
        {"env": []},
        {"image": ""},
        {"resources": {}},
        {"resources": {"limits": {}}},
        {"lifecycle": {"preStop": {}}},
        {"lifecycle": {"preStop": {"exec": None}}},
        {"securityContext": {"runAsUser": None, "capabilities": None}},
    ],
)
def test_what_is_null_or_empty_is_filled_in(said):
    overlay = {"name": "proxy", "image": "auto", **said}

    reply = send(pod(containers=[{"name": "web", "image": "web"}, overlay]), PROXY)

    assert WHOLE == reply.result["spec"]["containers"][1]


def test_an_ephemeral_container_of_the_same_name_is_a_conflict():
    reply = send(pod(ephemeralContainers=[{"name": "proxy", "image": "busybox"}]), PROXY)

    sentence = "template 'tool': an ephemeral container is named 'proxy' like one of the template's (conflict)"
    assert ([sentence], []) == (reply.warnings, reply.patch)


def test_what_does_not_change_is_shared_with_the_pod_as_received():
    reply = send(pod(affinity={"nodeAffinity": {}}), PROXY)

    assert reply.verdict.pod["spec"]["affinity"] is reply.answer.review.object["spec"]["affinity"]
    assert reply.verdict.pod["spec"]["containers"][0] is reply.answer.review.object["spec"]["containers"][0]

"""Corners of the merge that no golden case has: what a pod says with an empty list, and names that are taken."""

from __future__ import annotations

import pytest

from injector.core import fragments, merging
from injector.core.model import Domain
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


def test_each_template_knows_what_the_ones_before_it_brought_into_a_list():
    author = {"name": "web", "image": "web", "env": [{"name": "OWN", "value": "$(B) $(C)"}]}
    first, second, third = (
        template(f"tool-{order}", {"env": env}, default="true", order=str(order))
        for order, env in enumerate((
            "[{name: A, value: $(B)}]",
            "[{name: A, value: other}, {name: B, value: b}]",
            "[{name: B, value: b}, {name: C, value: c}]",
        ))
    )  # fmt: skip

    reply = send(pod(containers=[author]), first, second, third)

    late = "which is injected after it and stays empty"
    assert [
        "container 'web'.env[A] stays as the pod has it",
        f"container 'web': OWN refers to $(B), {late}",
        f"container 'web': A refers to $(B), {late}",
        f"container 'web': OWN refers to $(C), {late}",
    ] == reply.warnings
    assert ["OWN", "A", "B", "C"] == [variable["name"] for variable in reply.result["spec"]["containers"][0]["env"]]


def test_a_list_that_two_containers_share_is_filled_in_for_both():
    shared = [{"name": "OWN", "value": "1"}]
    containers = [{"name": name, "image": "web", "env": shared} for name in ("web", "worker")]
    draft = merging.Draft(pod(containers=containers), frozenset())

    for variable in ("A", "B"):
        stored = template(variable.lower())
        draft.merge(fragments.assemble(stored, {"env": [{"name": variable, "value": "x"}]}, Domain()), native=True)

    names = [[each["name"] for each in container["env"]] for container in draft.finish()["spec"]["containers"]]
    assert [["OWN", "A", "B"]] * 2 == names
    assert [{"name": "OWN", "value": "1"}] == shared

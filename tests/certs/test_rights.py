"""The rights on the page are enough, none is too many, and one that is missing is named."""

from __future__ import annotations

import pytest
import yaml

from tests.certs import states
from tests.docs import pages

PAGE = "docs/certificates.md"
HOOKS = {"--mutating-webhook": "pillion", "--validating-webhook": "pillion"}
ROLES = {role["metadata"]["name"] + role["kind"]: role["rules"] for role in (
    yaml.safe_load(block.text) for block in pages.blocks(PAGE, "yaml")
)}  # fmt: skip
REQUESTS = ROLES["pillion-certs-setupClusterRole"]
OTHERS = [*ROLES["pillion-certsClusterRole"], *ROLES["pillion-certsRole"]]
ONE_BY_ONE = [(verb, resource, number) for number, rule in enumerate([*REQUESTS, *OTHERS])
              for resource in rule["resources"] for verb in rule["verbs"] if resource != "events"]  # fmt: skip


def without(verb, resource, number):
    """All rules but one verb on one resource."""
    for place, rule in enumerate([*REQUESTS, *OTHERS]):
        if place != number:
            yield rule
            continue
        others = [one for one in rule["resources"] if one != resource]
        yield {**rule, "resources": others}
        yield {**rule, "resources": [resource], "verbs": [one for one in rule["verbs"] if one != verb]}


def flow(verb, resource):
    """What needs this right: a state, and a command."""
    if (verb, resource) == ("update", "secrets"):
        return states.installed, ("renew", "--now"), {"--mode": "self-signed"}
    if (verb, resource) == ("delete", "secrets"):
        return states.wrong_type, ("setup",), {"--mode": "self-signed"}
    return states.add_webhooks, ("setup",), {}


@pytest.mark.parametrize(("verb", "resource", "number"), ONE_BY_ONE, ids=[f"{one[0]} {one[1]}" for one in ONE_BY_ONE])
def test_a_right_that_is_missing_is_named_in_the_last_line(api, program, authority_file, verb, resource, number):
    state, words, flags = flow(verb, resource)
    state(api)
    api.rules = list(without(verb, resource, number))

    ended = program.run(api, *words, **{**HOOKS, "--authority": authority_file(api), **flags})

    assert 2 == ended.code, ended.said
    assert f"the right to {verb} {resource}" in ended.last
    assert [] == api.breaches


@pytest.mark.parametrize(
    ("state", "words", "flags", "rules"),
    [
        (states.add_webhooks, ("setup",), {}, [*REQUESTS, *OTHERS]),
        (states.installed, ("renew", "--now", "--rotation", "csr"), {}, [*REQUESTS, *OTHERS]),
        (states.installed, ("renew", "--now"), {}, OTHERS),
        (states.add_webhooks, ("setup",), {"--mode": "self-signed"}, OTHERS),
        (states.wrong_type, ("setup",), {"--mode": "self-signed"}, OTHERS),
    ],
    ids=["csr", "renewal by the signer", "renewal by ourselves", "self-signed", "wrong type"],
)
def test_the_rights_on_the_page_are_enough(api, program, authority_file, state, words, flags, rules):
    state(api)
    api.rules = rules

    ended = program.run(api, *words, **{**HOOKS, "--authority": authority_file(api), **flags})

    assert 0 == ended.code, ended.said
    assert "is missing" not in ended.said


@pytest.mark.parametrize("allowed", [True, False])
def test_a_fallback_is_an_event_and_without_the_right_to_it_a_warning(api, program, authority_file, allowed):
    states.add_webhooks(api)
    api.signing = "fails"
    api.rules = [rule for rule in [*REQUESTS, *OTHERS] if allowed or "events" not in rule["resources"]]

    ended = program.run(api, "setup", **{**HOOKS, "--authority": authority_file(api)})

    assert (0, allowed) == (ended.code, bool(api.all("events")))
    assert allowed is ("the right to create events" not in ended.said)

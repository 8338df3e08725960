"""The level *restricted*, of which some may be said for the whole pod; and that only what is added is judged."""

from __future__ import annotations

import pytest

from injector.core import pod_security
from injector.core.model import Fragment
from tests.core.builders import template

CONTEXT = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
WHOLE = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def restricted(context, pod=None):
    sidecar = {"name": "a", "image": "a", "securityContext": context}
    fragment = Fragment(template=template(), sidecars=(sidecar,), pod={"securityContext": pod} if pod else {})
    return list(pod_security.restricted_problems(fragment))


@pytest.mark.parametrize(
    ("context", "pod", "problems"),
    [
        ({**CONTEXT, **WHOLE}, None, []),
        (CONTEXT, WHOLE, []),
        ({**CONTEXT, "seccompProfile": {"type": "Localhost"}}, {"runAsNonRoot": True}, []),
        ({**CONTEXT, "runAsNonRoot": False}, WHOLE, ["container 'a' does not set runAsNonRoot: true"]),
        (CONTEXT, {**WHOLE, "runAsUser": 0}, ["container 'a' runs as user 0"]),
        ({**CONTEXT, "runAsUser": 1}, {**WHOLE, "runAsUser": 0}, []),
        (
            {**CONTEXT, "capabilities": {"drop": ["NET_RAW"]}},
            WHOLE,
            ["container 'a' does not drop ALL capabilities"],
        ),
        (
            {**CONTEXT, "allowPrivilegeEscalation": True},
            WHOLE,
            ["container 'a' does not set allowPrivilegeEscalation: false"],
        ),
        (
            {},
            None,
            [
                "container 'a' does not set allowPrivilegeEscalation: false",
                "container 'a' does not drop ALL capabilities",
                "container 'a' does not set runAsNonRoot: true",
                "container 'a' does not set seccompProfile: {type: RuntimeDefault}",
            ],
        ),
    ],
)
def test_a_container_may_leave_to_the_pod_what_the_pod_says(context, pod, problems):
    assert problems == restricted(context, pod)


@pytest.mark.parametrize("source", sorted(pod_security.RESTRICTED_VOLUMES))
def test_usual_volumes_are_fine(source):
    fragment = Fragment(template=template(), volumes=({"name": "v", source: {}},))

    assert [] == list(pod_security.restricted_problems(fragment))


def test_the_applications_own_containers_are_not_judged():
    fragment = Fragment(template=template(), application={"securityContext": {"runAsUser": 0}})

    assert [] == list(pod_security.restricted_problems(fragment))

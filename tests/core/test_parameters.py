"""Where the values of parameters come from, which wins, and what is said of wrong ones."""

from __future__ import annotations

import pytest

from injector.core import parameters
from injector.core.errors import BadParameter
from injector.core.model import Domain, Namespace, Policy
from tests.core.builders import pod, send, template

DECLARED = """
level: {type: string, enum: [debug, info, warn], default: info}
port: {type: integer, default: 1}
role: {}
"""
TEMPLATE = template("tool", {"parameters": DECLARED})
ROLE = {"tool.pillion.dev/role": "reader"}


def resolve(*, pod_has=None, namespace_has=None, chart=None, stored=TEMPLATE):
    policy = Policy(parameters={"tool": chart or {}})
    namespace = Namespace(name="shop", annotations=namespace_has or {})
    return parameters.resolve(stored, parameters.read(pod_has or {}, namespace, policy), policy)


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ({}, "info"),
        ({"chart": {"level": "warn"}}, "warn"),
        ({"chart": {"level": "warn"}, "namespace_has": {"tool.pillion.dev/level": "debug"}}, "debug"),
        ({"namespace_has": {"tool.pillion.dev/level": "debug"}, "pod_has": {"tool.pillion.dev/level": "warn"}}, "warn"),
        ({"chart": {"level": "warn"}, "pod_has": {"tool.pillion.dev/level": "debug"}}, "debug"),
    ],
)
def test_the_pod_wins_over_its_namespace_over_the_chart_over_the_default(given, level):
    pod_has = {**ROLE, **given.pop("pod_has", {})}

    assert {"level": level, "port": 1, "role": "reader"} == resolve(pod_has=pod_has, **given)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"pod_has": {}}, "parameter 'role' has no default: set annotation 'tool.pillion.dev/role'"),
        ({"pod_has": {"tool.pillion.dev/levle": "debug"}},
         "annotation 'tool.pillion.dev/levle' of the pod names no parameter; did you mean 'level'?"),
        ({"pod_has": {"tool.pillion.dev/x": "1"}},
         "annotation 'tool.pillion.dev/x' of the pod names no parameter; it has: level, port, role"),
        ({"pod_has": {"tool.pillion.dev/port": "many"}},
         "annotation 'tool.pillion.dev/port' of the pod: 'many' is no integer"),
        ({"namespace_has": {"tool.pillion.dev/port": "many"}},
         "annotation 'tool.pillion.dev/port' of the namespace: 'many' is no integer"),
        ({"namespace_has": {"tool.pillion.dev/level": "loud"}, "pod_has": {"tool.pillion.dev/level": "info"}},
         "annotation 'tool.pillion.dev/level' of the namespace: 'loud' is not one of ['debug', 'info', 'warn']"),
        ({"chart": {"port": "1"}}, "the chart's value of 'port': '1' is not of type 'integer'"),
        ({"chart": {"prot": 1}}, "the chart's value 'prot' is no parameter; did you mean 'port'?"),
        ({"chart": {"prot": 1}, "pod_has": {"tool.pillion.dev/port": ""}},
         ("the chart's value 'prot' is no parameter; did you mean 'port'?; "
         "annotation 'tool.pillion.dev/port' of the pod: '' is no integer")),
    ],
)  # fmt: skip
def test_all_that_is_wrong_is_said_at_once(given, problem):
    needed = {} if given.get("pod_has") == {} else ROLE

    with pytest.raises(BadParameter) as caught:
        resolve(**{**given, "pod_has": {**needed, **given.get("pod_has", {})}})

    assert problem == str(caught.value)


def test_a_template_without_parameters_says_that_it_has_none():
    with pytest.raises(BadParameter, match=r"names no parameter; it has none$"):
        resolve(stored=template("tool"), pod_has=ROLE)


def test_annotations_of_other_templates_and_domains_are_no_parameters():
    others = {"tools.pillion.dev/level": "x", "tool.example.com/level": "x", "my-tool.pillion.dev/port": "x"}

    assert "info" == resolve(pod_has={**ROLE, **others})["level"]


def test_another_domain_has_annotations_of_its_own():
    policy = Policy(domain=Domain(name="example.com"))

    found = parameters.resolve(
        template("tool", {"parameters": "level: {type: string}\n"}),
        parameters.read({"tool.example.com/level": "x", "tool.pillion.dev/level": "y"}, Namespace(name="shop"), policy),
        policy,
    )

    assert {"level": "x"} == found


def test_a_parameter_of_a_template_that_is_not_injected_is_ignored_with_a_warning():
    reply = send(pod(annotations={"other.pillion.dev/level": "x"}), template("tool", default="true"))

    assert ["annotation 'other.pillion.dev/level' is ignored: template 'other' is not injected into this pod"] == (
        reply.warnings
    )

"""Conditions: the expression of ``when``, true or false, with errors that show the expression itself."""

from __future__ import annotations

import pytest

from injector.core import rendering
from injector.core.errors import RenderError, TemplateError
from tests.rendering.templating import holds

CONDITIONS = [
    ("pod.spec.restartPolicy != 'Never'", True),
    ("pod.metadata.labels.app == 'web'", True),
    ("pod.metadata.labels.app in ['api', 'db']", False),
    ("not pod.spec.hostNetwork", True),
    ("pod.spec.nodeName", False),
    ("pod.spec.volumes", False),
    ("pod.spec.containers | length > 1", True),
    ("pod.spec.containers | map(attribute='name') | select('match', 'c')", True),
    ("namespace.labels.team == 'red' and request.operation == 'CREATE'", True),
    ("namespace.labels.nope is defined", False),
    ("template.name == 't' and request.user.startswith('al')", True),
    ("params.flag", True),
    ("params.nul", False),
    ("'' ", False),
    (" 1", True),
    ("params.level ==\n  'debug'", True),
    ("{'a': {'b': 1}}", True),
    ("'}}' == '}}'", True),
]


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS, ids=[condition for condition, _ in CONDITIONS])
def test_a_condition_is_true_or_false(condition, expected):
    assert expected is holds(condition)


BRACES = 'expected an expression without {{ }} or {% %}, such as "not pod.spec.hostNetwork"'
ERRORS = [
    ("pod.spec.x ==", "line 1, column 1: unexpected 'end of statement block'"),
    ("params.levle", "line 1, column 1: 'params.levle' is no declared parameter; did you mean 'params.level'?"),
    ("params.flag and\n  pid.spec.x", "line 2, column 3: 'pid' is undefined; did you mean 'pod'?"),
    ("params.flag is defned", "line 1, column 16: there is no test 'defned'; did you mean 'defined'?"),
    ("{{ params.flag }}", f"line 1, column 1: {BRACES}"),
    ("true %}{% include 'x' %}{% if true", f"line 1, column 8: {BRACES}"),
    ("'{{' == params.level", f"line 1, column 2: {BRACES}"),
    ("_budget", "line 1, column 1: the name '_budget' starts with _"),
]


@pytest.mark.parametrize(("condition", "message"), ERRORS, ids=[condition for condition, _ in ERRORS])
def test_a_wrong_condition_is_found_when_it_is_loaded(condition, message):
    with pytest.raises(TemplateError) as caught:
        rendering.compile_expression(condition, key="when", parameters=("flag", "level"))

    assert f"key when, {message}" == str(caught.value)


def test_a_condition_that_fails_says_where():
    with pytest.raises(RenderError) as caught:
        holds("pod.spec.containers and params.lst + 1 == 2")

    assert (
        "key when, line 1, column 36: '+' takes two numbers, got list and int; join texts with ~\n"
        "  | pod.spec.containers and params.lst + 1 == 2\n"
        "  |                                    ^"
    ) == caught.value.with_caret()

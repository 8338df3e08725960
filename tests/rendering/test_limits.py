"""A template that asks for too much ends by an error of its own, in a bounded number of steps and in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from injector.core import binding, limits, rendering
from injector.core.errors import Expired, LimitExceeded
from tests.rendering.hostile import HOSTILE, often
from tests.rendering.templating import become, scope

ROOT = Path(__file__).parents[2]
STUCK = 240
"""Seconds after which something is not slow but stuck."""

CASES = [(name, problem) for problem, templates in HOSTILE.items() for name in templates]


@pytest.fixture(scope="module")
def outcomes():
    """What became of each template, in a process of its own that has little memory."""
    command = [sys.executable, "-m", "tests.rendering.hostile"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=STUCK, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    return {name: (ending, steps) for name, ending, steps in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize(("name", "problem"), CASES, ids=[name for name, _ in CASES])
def test_a_hostile_template_ends_as_it_should(outcomes, name, problem):
    ending, _ = outcomes[name]

    assert problem in ending
    assert "NO ERROR OF OURS" not in ending


@pytest.mark.parametrize("name", [name for name, _ in CASES])
def test_a_hostile_template_takes_no_more_steps_than_it_has(outcomes, name):
    _, steps = outcomes[name]

    # The last operation is charged before it is refused; none costs more than the largest value twice.
    assert steps <= limits.STEPS + 2 * (limits.VALUE_ITEMS + limits.VALUE_CHARACTERS // 64)


def test_every_hostile_template_has_a_name_of_its_own():
    names = [name for name, _ in CASES]

    assert sorted(set(names)) == sorted(names)


def test_the_deadline_is_looked_at_while_a_template_works():
    looks = []

    def expired():
        looks.append(1)
        return len(looks) == 5

    program = rendering.compile_program(often(""), key="pod")
    with pytest.raises(Expired, match="the deadline of the request is over"):
        rendering.render(program, scope(expired=expired))
    assert 5 == len(looks)


def test_the_texts_of_one_template_share_one_budget():
    program = rendering.compile_program("{% for i in range(1000) %}{{ i }}{% endfor %}", key="pod")
    shown = scope()
    for _ in range(20):
        rendering.render(program, shown)

    with pytest.raises(LimitExceeded, match="values grow beyond 20000 items"):
        rendering.render(program, shown)
    assert 1000 == len(rendering.render(program, scope()).values)


def test_a_step_costs_the_same_on_every_run():
    program = rendering.compile_program("x: {{ params.lst | map('upper') | join('-') }}", key="pod")

    spent = set()
    for _ in range(3):
        shown = scope()
        binding.bind(rendering.render(program, shown), key="pod")
        spent.add(shown.budget.spent)

    assert 1 == len(spent)


def test_a_value_costs_its_size_at_each_use():
    spent = []
    for uses in (1, 2, 3):
        shown = scope(pod={"spec": {"containers": [{"name": "a" * 1000}] * 50}})
        text = "".join(f"k{use}: {{{{ pod.spec.containers == [] }}}}\n" for use in range(uses))
        rendering.render(rendering.compile_program(text, key="pod"), shown)
        spent.append(shown.budget.spent)

    assert spent[2] - spent[1] == spent[1] - spent[0] > 50 * 1000 // 64


def test_counting_a_list_costs_the_same_whatever_is_in_it():
    spent = set()
    for containers in ([], [{"name": "a" * 1000}] * 50):
        shown = scope(pod={"spec": {"containers": containers}})
        rendering.render(rendering.compile_program("k: {{ pod.spec.containers | length }}\n", key="pod"), shown)
        spent.add(shown.budget.spent)

    assert len(spent) == 1


def test_an_honest_template_spends_little_of_its_budget():
    containers = [{"name": f"c{number}", "env": [{"name": "A", "value": "1"}] * 20} for number in range(30)]
    program = rendering.compile_program(
        "{% for c in pod.spec.containers %}\n"
        "{% for e in c.env if e.name == 'A' %}\n"
        "- {name: {{ c.name ~ '-' ~ loop.index }}, value: {{ e.value | default('x') | quote }}}\n"
        "{% endfor %}\n"
        "{% endfor %}\n",
        key="env",
    )
    shown = scope(pod={"spec": {"containers": containers}})

    assert 600 == len(binding.bind(rendering.render(program, shown), key="env"))
    assert shown.budget.spent < limits.STEPS / 5


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("x: {{ params.lst | length }}", {"x": 2}),
        ("{% for i in range(1000) %}\n- {{ i }}\n{% endfor %}", list(range(1000))),
        ("x: {{ 2 ** 63 - 1 }}", {"x": 2**63 - 1}),
        ("x: {{ '" + "a" * 60_000 + "' }}", {"x": "a" * 60_000}),
        ("x: " + "a" * 65_000, {"x": "a" * 65_000}),
        ("[" * 32 + "]" * 32, None),
    ],
    ids=["a filter", "the longest range", "the largest number", "a long value", "a long text", "the deepest YAML"],
)
def test_what_stays_within_the_limits_works(template, result):
    assert (become(template) == result) or (result is None and isinstance(become(template), list))

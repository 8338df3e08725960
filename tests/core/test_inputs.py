"""What a template reads is found in its syntax; pods that agree on it get the same fragment, all others their own."""

from __future__ import annotations

from typing import Any

import pytest

from injector.core import assembly, inputs, rendering, templates
from injector.core.inputs import EACH
from injector.core.model import Fragment, Policy

POLICY = Policy()

READS = {
    "{{ pod.metadata.labels.app }}": [("pod", "metadata", "labels", "app")],
    "{{ pod.metadata.labels['a/b'] }}": [("pod", "metadata", "labels", "a/b")],
    "{% if not pod.spec.hostNetwork %}x{% endif %}": [("pod", "spec", "hostNetwork")],
    "{{ pod.spec.containers[0].name }}": [("pod", "spec", "containers")],
    "{{ pod.metadata.labels.get('app') }}": [("pod", "metadata", "labels")],
    "{% for k, v in pod.metadata.labels.items() %}{{ k }}{% endfor %}": [("pod", "metadata", "labels")],
    "{{ pod.metadata.labels[params.key] }}": [("params", "key"), ("pod", "metadata", "labels")],
    "{% set p = pod %}{{ p.kind }}": [("pod",)],
    "{{ pod.metadata.name | default(namespace.name) }}": [("namespace", "name"), ("pod", "metadata", "name")],
    "{% macro m(pod) %}{{ pod.x }}{% endmacro %}{{ m(params.a) }}": [("params", "a"), ("pod", "x")],
    "plain: text": [],
}


@pytest.mark.parametrize(("source", "paths"), READS.items(), ids=READS)
def test_a_text_reads_the_paths_that_it_spells(source: str, paths: list[inputs.Path]) -> None:
    program = rendering.compile_program(source, key="pod", parameters=("a", "key"))

    assert program.inputs == set(paths)


CONTAINERS = ("pod", "spec", "containers")
LOOPS = {
    "{{ c.name }}{{ c.x.y }}": [(EACH,), (EACH, "name"), (EACH, "x", "y")],
    "x": [(EACH,)],
    "{{ loop.index }}{{ loop.last }}": [(EACH,)],
    "{{ c }}": [(EACH,), ()],
    "{{ c[params.key] }}": [(EACH,), ()],
    "{{ c.get('name') }}": [(EACH,), ()],
    "{% set d = c %}{{ d.name }}": [(EACH,), ()],
    "{{ loop.previtem.name }}": [()],
    "{{ loop['previtem'].name }}": [()],
    "{% set l = loop %}{{ l.nextitem.name }}": [()],
    "{% for p in c.ports %}{{ p.name }}{{ c.y }}{% endfor %}": [
        (EACH,), (EACH, "y"), (EACH, "ports", EACH), (EACH, "ports", EACH, "name"),
    ],
    "{% for c in c.ports %}{{ c.name }}{% else %}{{ c.y }}{% endfor %}": [
        (EACH,), (EACH, "y"), (EACH, "ports", EACH), (EACH, "ports", EACH, "name"),
    ],
    "{% for c in c.ports %}{{ loop.previtem }}{% endfor %}": [()],
    "{% for a, b in c.ports %}{{ a }}{% endfor %}": [(EACH,), (EACH, "ports")],
    "{% for p in c.ports if p.name %}x{% endfor %}": [(EACH,), (EACH, "ports", EACH), (EACH, "ports", EACH, "name")],
    "{{ c.ports | length }}{{ c.env | count }}": [(EACH,), (EACH, "ports", EACH), (EACH, "env", EACH)],
    "{{ c.ports | length | string }}": [(EACH,), (EACH, "ports", EACH)],
    "{{ c.ports | first | length }}": [(EACH,), (EACH, "ports")],
}  # fmt: skip
"""What the body of a loop over the containers reads below them."""


@pytest.mark.parametrize(("body", "below"), LOOPS.items(), ids=LOOPS)
def test_a_loop_reads_the_number_of_items_and_what_its_body_reads_of_each(body: str, below: list[inputs.Path]) -> None:
    source = f"{{% for c in pod.spec.containers %}}{body}{{% endfor %}}"

    program = rendering.compile_program(source, key="pod", parameters=("key",))

    assert program.inputs - {("params", "key")} == {(*CONTAINERS, *path) for path in below}


DIFFERENT = [{}, {"a": None}, {"a": 1}, {"a": True}, {"a": "1"}, {"a": 1.0}, {"a": {}}, {"a": []}, {"a": {"b": 1}}]


def test_what_is_there_null_absent_or_of_another_type_is_told_apart() -> None:
    plan = inputs.plan([("pod", "a", "b")])

    read = {inputs.read(plan, {"pod": pod}) for pod in [*DIFFERENT, {"a": {"b": None}}, {"a": {"b": 0}}]}

    assert len(read) == len(DIFFERENT) + 2


LISTS = [
    {}, {"a": None}, {"a": []}, {"a": [{}]}, {"a": [{}, {}]}, {"a": [None]}, {"a": [{"b": None}]}, {"a": [{"b": []}]},
    {"a": [{"b": [{"c": 1}]}]}, {"a": [{"b": [{"c": True}]}]}, {"a": [{"b": {"c": 1}}]}, {"a": {"b": 1}}, {"a": {}},
    {"a": "b"}, {"a": [[]]}, {"a": [{"b": [{"c": 1}, {}]}]}, {"a": [{"b": [{}, {"c": 1}]}]}, {"a": [{}, {"b": []}]},
]  # fmt: skip


def test_lists_that_differ_in_what_is_read_of_their_items_are_told_apart() -> None:
    plan = inputs.plan([("pod", "a", EACH), ("pod", "a", EACH, "b", EACH), ("pod", "a", EACH, "b", EACH, "c")])

    read = {inputs.read(plan, {"pod": pod}) for pod in LISTS}

    assert len(read) == len(LISTS)


PLANS: list[tuple[list[inputs.Path], inputs.Reading]] = [
    ([], ()),
    ([("pod",), ("pod", "x"), ("pod", EACH)], (("pod", None),)),
    ([("pod", "x"), ("pod", "y")], (("pod", (("x", None), ("y", None))),)),
    ([("pod", EACH)], (("pod", inputs.Items(())),)),
    ([("pod", EACH), ("pod", "x")], (("pod", None),)),
    ([("pod", EACH), ("pod", EACH, EACH)], (("pod", inputs.Items(inputs.Items(()))),)),
    ([("pod", EACH, EACH, "x")], (("pod", inputs.Items(inputs.Items((("x", None),)))),)),
]


@pytest.mark.parametrize(("paths", "reading"), PLANS)
def test_each_part_is_read_once_and_as_a_whole_where_any_path_needs_it(
    paths: list[inputs.Path], reading: inputs.Reading
) -> None:
    assert inputs.plan(paths) == reading


def test_items_may_differ_in_what_no_path_reads() -> None:
    plan = inputs.plan([("pod", "a", EACH), ("pod", "a", EACH, "b")])

    read = {inputs.read(plan, {"pod": {"a": [{"b": 1, "c": other}]}}) for other in (1, None, {"x": []})}

    assert len(read) == 1


def fragment(pod: dict[str, Any], **data: str) -> Fragment:
    """Return what a template makes of a pod."""
    template = template_of(**data)
    found = assembly.assemble(template, shown(pod), POLICY, lambda: False)
    assert found is not None
    return found


def template_of(**data: str) -> Any:
    """Return a template with this data, the same object for the same data."""
    key = tuple(data.items())
    if key not in TEMPLATES:
        configmap = {"metadata": {"name": "t", "namespace": "pillion-system"}, "data": data}
        TEMPLATES[key] = templates.parse(configmap, POLICY)
    return TEMPLATES[key]


TEMPLATES: dict[Any, Any] = {}


def shown(pod: dict[str, Any]) -> dict[str, Any]:
    """Return what a template is shown of a pod."""
    return {"params": {}, "pod": pod, "namespace": {"name": "n"}, "request": {}, "template": {}}


def test_pods_that_agree_on_what_is_read_share_a_fragment() -> None:
    data = {"labels": "app: {{ pod.metadata.labels.app }}"}

    one = fragment({"metadata": {"labels": {"app": "web"}, "uid": "1"}}, **data)
    other = fragment({"metadata": {"labels": {"app": "web"}, "uid": "2"}}, **data)

    assert one is other


def test_pods_that_differ_in_type_only_never_share_a_fragment() -> None:
    data = {"annotations": "kind: {{ pod.spec.x is string }}-{{ pod.spec.x is boolean }}-{{ pod.spec.x is integer }}"}

    texts = [fragment({"spec": {"x": value}}, **data).annotations["kind"] for value in ("1", True, 1, 1.5)]

    assert texts == ["true-false-false", "false-true-false", "false-false-true", "false-false-false"]


def test_pods_that_agree_on_what_a_loop_reads_share_a_fragment() -> None:
    names = "{% for c in pod.spec.containers %}{{ c.name }},{% endfor %}{{ pod.spec.containers | length }}"
    data = {"annotations": f"names: {names}"}

    one, alike, other, more = (
        fragment({"spec": {"containers": containers}}, **data)
        for containers in (
            [{"name": "a", "image": "1"}],
            [{"name": "a", "image": "2"}],
            [{"name": "b"}],
            [{"name": "a"}, {"name": "b"}],
        )
    )

    assert one is alike
    assert [found.annotations["names"] for found in (one, other, more)] == ["a,1", "b,1", "a,b,2"]


def test_many_different_pods_get_each_their_own() -> None:
    data = {"labels": "app: {{ pod.metadata.labels.app }}"}

    labels = [fragment({"metadata": {"labels": {"app": f"a{n}"}}}, **data).labels["app"] for n in range(600)]

    assert labels == [f"a{n}" for n in range(600)]


def test_a_condition_that_is_false_is_remembered_as_such() -> None:
    configmap = {
        "metadata": {"name": "t", "namespace": "x", "annotations": {"pillion.dev/when": "pod.spec.wanted"}},
        "data": {"labels": "a: b"},
    }
    template = templates.parse(configmap, POLICY)

    found = [
        assembly.assemble(template, shown({"spec": {"wanted": wanted}}), POLICY, lambda: False)
        for wanted in (False, True, False)
    ]

    assert [fragment is None for fragment in found] == [True, False, True]

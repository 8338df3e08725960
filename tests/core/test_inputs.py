"""What a template reads is found in its syntax; pods that agree on it get the same fragment, all others their own."""

from __future__ import annotations

from typing import Any

import pytest

from injector.core import assembly, inputs, rendering, templates
from injector.core.model import Fragment, Policy

POLICY = Policy()

READS = {
    "{{ pod.metadata.labels.app }}": [("pod", "metadata", "labels", "app")],
    "{{ pod.metadata.labels['a/b'] }}": [("pod", "metadata", "labels", "a/b")],
    "{% if not pod.spec.hostNetwork %}x{% endif %}": [("pod", "spec", "hostNetwork")],
    "{% for c in pod.spec.containers %}{{ c.name }}{% endfor %}": [("pod", "spec", "containers")],
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

    assert sorted(program.inputs) == paths


DIFFERENT = [{}, {"a": None}, {"a": 1}, {"a": True}, {"a": "1"}, {"a": 1.0}, {"a": {}}, {"a": []}, {"a": {"b": 1}}]


def test_what_is_there_null_absent_or_of_another_type_is_told_apart() -> None:
    read = {inputs.read([("pod", "a", "b")], {"pod": pod}) for pod in [*DIFFERENT, {"a": {"b": None}}, {"a": {"b": 0}}]}

    assert len(read) == len(DIFFERENT) + 2


def fragment(pod: dict[str, Any], **data: str) -> Fragment:
    """Return what a template makes of a pod."""
    template = template_of(**data)
    found = assembly.assemble(template, scope(pod), POLICY)
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


def scope(pod: dict[str, Any]) -> rendering.Scope:
    """Return what a template is shown of a pod."""
    return rendering.build_scope(
        params={}, pod=pod, namespace={"name": "n"}, request={}, template={}, expired=lambda: False
    )


def test_pods_that_agree_on_what_is_read_share_a_fragment() -> None:
    data = {"labels": "app: {{ pod.metadata.labels.app }}"}

    one = fragment({"metadata": {"labels": {"app": "web"}, "uid": "1"}}, **data)
    other = fragment({"metadata": {"labels": {"app": "web"}, "uid": "2"}}, **data)

    assert one is other


def test_pods_that_differ_in_type_only_never_share_a_fragment() -> None:
    data = {"annotations": "kind: {{ pod.spec.x is string }}-{{ pod.spec.x is boolean }}-{{ pod.spec.x is integer }}"}

    texts = [fragment({"spec": {"x": value}}, **data).annotations["kind"] for value in ("1", True, 1, 1.5)]

    assert texts == ["true-false-false", "false-true-false", "false-false-true", "false-false-false"]


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
        assembly.assemble(template, scope({"spec": {"wanted": wanted}}), POLICY) for wanted in (False, True, False)
    ]

    assert [fragment is None for fragment in found] == [True, False, True]

"""JSON Patch: what is made, what is refused, and that the proof is strict."""

from __future__ import annotations

import jsonpatch
import pytest

from injector.core import patches
from injector.core.errors import UnprovenPatch
from injector.core.model import Operation


def operations(before, after):
    return [(item["op"], item["path"], item["value"]) for item in patches.as_json(patches.diff(before, after))]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({}, {"a": 1}, [("add", "/a", 1)]),
        ({"a": 1}, {"a": 2}, [("replace", "/a", 2)]),
        ({"a": 1}, {"a": None}, [("replace", "/a", None)]),
        ({"a": None}, {"a": {}}, [("replace", "/a", {})]),
        ({"a": []}, {"a": {}}, [("replace", "/a", {})]),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, [("add", "/a/c", 2)]),
        ({"x": {}}, {"x": {"a/b": 1}}, [("add", "/x/a~1b", 1)]),
        ({"x": {}}, {"x": {"a~b": 1}}, [("add", "/x/a~0b", 1)]),
        ({"x": {}}, {"x": {"~1": 1}}, [("add", "/x/~01", 1)]),
        ({"": 1}, {"": 2}, [("replace", "/", 2)]),
        ({"a~/": {"b": 1}}, {"a~/": {"b": 2}}, [("replace", "/a~0~1/b", 2)]),
        ({"l": [1]}, {"l": [1, 2]}, [("add", "/l/-", 2)]),
        ({"l": [1]}, {"l": [1, 2, 3]}, [("add", "/l/-", 2), ("add", "/l/-", 3)]),
        ({"l": []}, {"l": [1]}, [("add", "/l/-", 1)]),
        ({"l": [1]}, {"l": [2]}, [("replace", "/l/0", 2)]),
    ],
)
def test_what_changed_is_added_or_replaced(before, after, expected):
    assert expected == operations(before, after)
    assert after == jsonpatch.apply_patch(before, patches.as_json(patches.diff(before, after)))


def named(*names):
    return [{"name": name} for name in names]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("b", "a b", [("add", "/0", {"name": "a"})]),
        ("b", "a b c", [("add", "/0", {"name": "a"}), ("add", "/-", {"name": "c"})]),
        ("b d", "a b c d", [("add", "/0", {"name": "a"}), ("add", "/2", {"name": "c"})]),
        ("c", "a b c", [("add", "/0", {"name": "a"}), ("add", "/1", {"name": "b"})]),
    ],
)
def test_containers_are_added_in_their_places(before, after, expected):
    assert expected == operations(named(*before.split()), named(*after.split()))


def test_a_container_is_changed_in_place_though_others_come_before_it():
    before, after = named("web"), [{"name": "proxy"}, {"name": "web", "env": []}]

    assert [("add", "/0", {"name": "proxy"}), ("add", "/1/env", [])] == operations(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, True), (True, 1), (1, 1.0), (0, False), (0.0, 0), ("1", 1), ({}, []), (None, False)],
)
def test_values_of_two_types_are_never_the_same(before, after):
    assert [("replace", "/a", after)] == operations({"a": before}, {"a": after})
    assert not patches.is_same({"a": [before]}, {"a": [after]})


def test_the_order_of_fields_is_no_difference():
    assert patches.is_same({"a": 1, "b": [{"c": 1, "d": 2}]}, {"b": [{"d": 2, "c": 1}], "a": 1})


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ({"a": 1}, {}, "a field of the pod"),
        ({"a": 1}, {"b": 1}, "a field of the pod"),
        ({"spec": {"a": 1, "b": 1}}, {"spec": {"a": 1, "c": 2, "d": 3}}, "a field of /spec"),
        ({"l": [1, 2]}, {"l": [1]}, "an item of /l"),
        ({"l": named("a", "b")}, {"l": named("b")}, "an item of /l"),
    ],
)
def test_nothing_is_ever_removed(before, after, what):
    with pytest.raises(UnprovenPatch) as caught:
        patches.diff(before, after)

    assert f"{what} would be removed" == str(caught.value)


CANNOT = "the patch cannot be applied to the pod as received"
DIFFERS = "the patch applied to the pod as received does not give the pod that was meant"


@pytest.mark.parametrize(
    ("patch", "sentence"),
    [
        ([], DIFFERS),
        ([{"op": "add", "path": "/b", "value": 3}], DIFFERS),
        ([{"op": "add", "path": "/b", "value": 2.0}], DIFFERS),
        ([{"op": "add", "path": "/b", "value": 2}, {"op": "replace", "path": "/a", "value": True}], DIFFERS),
        ([{"op": "replace", "path": "/b", "value": 2}], CANNOT),
        ([{"op": "add", "path": "/x/b", "value": 2}], CANNOT),
        ([{"op": "add", "path": "b", "value": 2}], CANNOT),
    ],
)
def test_the_proof_refuses_a_patch_that_does_not_give_exactly_the_pod(patch, sentence):
    with pytest.raises(UnprovenPatch) as caught:
        patches.prove({"a": 1}, [Operation(**operation) for operation in patch], {"a": 1, "b": 2})

    assert sentence == str(caught.value)


def test_the_proof_accepts_the_patch_that_does():
    patches.prove({"a": 1}, [Operation("add", "/b", 2)], {"b": 2, "a": 1})

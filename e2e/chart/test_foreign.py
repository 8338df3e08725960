"""Objects of other projects' kinds have the shape that those publish."""

from __future__ import annotations

import json

import jsonschema
import pytest

from e2e.chart import foreign

SHAPES = json.loads(foreign.FILE.read_text())


@pytest.fixture(scope="module")
def used():
    return list(foreign.used())


def test_every_object_of_a_foreign_kind_has_its_published_shape(used):
    for each in used:
        jsonschema.validate(each["spec"], SHAPES[f"{each['apiVersion']} {each['kind']}"])


def test_every_shape_is_of_a_kind_that_is_rendered(used):
    assert set(SHAPES) == {f"{each['apiVersion']} {each['kind']}" for each in used}


def test_a_field_that_nobody_publishes_is_noticed(used):
    for each in used:
        with pytest.raises(jsonschema.ValidationError, match="portt"):
            jsonschema.validate({**each["spec"], "portt": 1}, SHAPES[f"{each['apiVersion']} {each['kind']}"])

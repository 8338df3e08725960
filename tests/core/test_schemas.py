"""Parameters as a template declares them, and the texts of annotations read by the declared type."""

from __future__ import annotations

import pytest

from injector.core import schemas
from injector.core.errors import BadParameter, TemplateError


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "12", 12),
        ("integer", " -12 ", -12),
        ("integer", "+1", 1),
        ("number", "1", 1),
        ("number", "1.5", 1.5),
        ("number", "1e3", 1000.0),
        ("boolean", "true", True),
        ("boolean", " false ", False),
        ("string", "", ""),
        ("string", "007", "007"),
        ("string", "true", "true"),
        ("string", " a\nb ", " a\nb "),
        ("string", "{{ params }}", "{{ params }}"),
        ("null", "", None),
        ("null", "null", None),
        ("array", "[1, a]", [1, "a"]),
        ("array", "- a\n- b", ["a", "b"]),
        ("object", "{a: 1}", {"a": 1}),
        ("object", '{"a": [true]}', {"a": [True]}),
        (["integer", "null"], "", None),
        (["string", "integer"], "12", 12),
        (["string", "integer"], "x", "x"),
        (None, "12", 12),
        (None, "{a: [1]}", {"a": [1]}),
    ],
)
def test_a_text_is_read_by_the_declared_type(kind, text, value):
    found = schemas.read(schemas.declare("p", {"type": kind} if kind else {}), text)

    assert (type(value), value) == (type(found), found)


@pytest.mark.parametrize(
    ("schema", "text", "sentence"),
    [
        ({"type": "integer"}, "x", "'x' is no integer"),
        ({"type": "integer"}, "1.0", "'1.0' is no integer"),
        ({"type": "integer"}, "", "'' is no integer"),
        ({"type": "integer"}, "1_0", "'1_0' is no integer"),
        ({"type": "integer"}, "9" * 19, f"'{'9' * 19}' is no integer"),
        ({"type": "number"}, "nan", "'nan' is no number"),
        ({"type": "number"}, "1e400", "'1e400' is no number"),
        ({"type": "boolean"}, "True", "'True' is no boolean"),
        ({"type": "boolean"}, "yes", "'yes' is no boolean"),
        ({"type": "null"}, "x", "'x' is no null"),
        ({"type": "array"}, "a", "'a' is no array"),
        ({"type": "array"}, "[", "'[' is no array"),
        ({"type": "array"}, "[&a 1, *a]", "'[&a 1, *a]' is no array"),
        ({"type": "object"}, "[1]", "'[1]' is no object"),
        ({"type": ["integer", "boolean"]}, "x", "'x' is no integer or boolean"),
        ({"type": "string"}, "a\x00b", "'a\\x00b' has a control character"),
        ({"type": "string", "enum": ["debug", "info"]}, "inf", "'inf' is not one of ['debug', 'info']"),
        ({"type": "string", "pattern": "^a+$"}, "b", "'b' does not match '^a+$'"),
        ({"type": "string", "minLength": 3}, "ab", "'ab' is too short"),
        ({"type": "integer", "maximum": 3}, "5", "5 is greater than the maximum of 3"),
        ({"type": "array", "items": {"type": "integer"}}, "[1, a]", "[1]: 'a' is not of type 'integer'"),
        ({"type": "object", "required": ["a"]}, "{b: 1}", "'a' is a required property"),
        ({"properties": {"a": {"type": "string"}}}, "{a: {b: 1}}", "a: {'b': 1} is not of type 'string'"),
        (
            {"type": "string", "minLength": 9, "pattern": "^b"},
            "a",
            "'a' is too short; 'a' does not match '^b'",
        ),
    ],
)
def test_a_text_that_does_not_fit_gets_one_sentence(schema, text, sentence):
    with pytest.raises(BadParameter) as caught:
        schemas.read(schemas.declare("p", schema), text)

    assert sentence == str(caught.value)


def test_a_pattern_meets_four_thousand_characters_at_most_and_takes_linear_time():
    parameter = schemas.declare("p", {"type": "string", "pattern": "^(a+)+$"})

    assert "a" * 4096 == schemas.read(parameter, "a" * 4096)
    assert "does not match" in schemas.problem_of(parameter, "a" * 4095 + "b")
    assert "is longer than 4096 characters" in schemas.problem_of(parameter, "a" * 4097)


def test_a_long_value_is_not_repeated_in_full():
    assert len(schemas.problem_of(schemas.declare("p", {"type": "integer"}), "a" * 10_000)) <= 200


NO_REFERENCE = "is not available: nothing is fetched, write the schema out"


@pytest.mark.parametrize(
    ("name", "schema", "problem"),
    [
        ("p-x", {}, "parameter 'p-x' is no identifier: use letters, digits and _"),
        ("1", {}, "parameter '1' is no identifier: use letters, digits and _"),
        ("ü", {}, "parameter 'ü' is no identifier: use letters, digits and _"),
        ("p", "string", "parameter 'p': expected a JSON Schema such as {type: string}, got 'string'"),
        ("p", True, "parameter 'p': expected a JSON Schema such as {type: string}, got True"),
        ("p", [], "parameter 'p': expected a JSON Schema such as {type: string}, got []"),
        ("p", {"items": 5}, "parameter 'p': expected a JSON Schema such as {type: string}, got 5"),
        ("p", {"$ref": "#/a"}, f"parameter 'p': $ref {NO_REFERENCE}"),
        ("p", {"$dynamicRef": "a"}, f"parameter 'p': $dynamicRef {NO_REFERENCE}"),
        ("p", {"items": {"$ref": "https://example.com"}}, f"parameter 'p': $ref {NO_REFERENCE}"),
        ("p", {"not": {"anyOf": [{}, {"$ref": "a"}]}}, f"parameter 'p': $ref {NO_REFERENCE}"),
        ("p", {"properties": {"a": {"if": {"$ref": "a"}}}}, f"parameter 'p': $ref {NO_REFERENCE}"),
        ("p", {"patternProperties": {}},
         "parameter 'p': patternProperties is not available: use propertyNames with a pattern"),
        ("p", {"minimun": 1}, "parameter 'p': 'minimun' is no keyword of a schema here; did you mean 'minimum'?"),
        ("p", {"$defs": {}}, "parameter 'p': '$defs' is no keyword of a schema here"),
        ("p", {"type": "int"}, "parameter 'p': 'int' is no type; did you mean 'integer'?"),
        ("p", {"type": ["string", "date"]}, ("parameter 'p': 'date' is no type; "
         "there are array, boolean, integer, null, number, object, string")),
        ("p", {"minimum": "a"}, "parameter 'p': schema.minimum is wrong: 'a' is not of type 'number'"),
        ("p", {"pattern": 3}, "parameter 'p': schema.pattern is wrong: 3 is not of type 'string'"),
        ("p", {"pattern": "(a"}, "parameter 'p': pattern '(a' is no regular expression of RE2: missing ): (a"),
        ("p", {"items": {"pattern": "(?=a)"}},
         "parameter 'p': pattern '(?=a)' is no regular expression of RE2: invalid perl operator: (?="),
        ("p", {"type": "string", "default": 3},
         "parameter 'p': the default does not fit its own schema: 3 is not of type 'string'"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_refused_when_the_template_is_loaded(name, schema, problem):
    with pytest.raises(TemplateError) as caught:
        schemas.declare(name, schema)

    assert problem == str(caught.value)


def test_an_impossible_pattern_is_not_reported_to_the_standard_error_as_well(capfd):
    with pytest.raises(TemplateError):
        schemas.declare("p", {"pattern": "(a"})

    assert ("", "") == capfd.readouterr()


@pytest.mark.parametrize(
    ("schema", "has_default", "default"),
    [
        (None, False, None),
        ({}, False, None),
        ({"default": None}, True, None),
        ({"type": "integer", "default": 0}, True, 0),
        ({"type": "object", "default": {"a": 1}}, True, {"a": 1}),
    ],
)
def test_a_default_of_null_is_a_default(schema, has_default, default):
    found = schemas.declare("p", schema)

    assert (has_default, default) == (found.has_default, found.default)

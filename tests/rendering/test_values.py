"""A value stays what it is: no text can add a field, close a quote or change a type, wherever it is printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from injector.core.errors import LimitExceeded, PillionError, RenderError, TemplateError
from tests.rendering.templating import become, strictly

STYLES = {
    "plain": ("- k: {{ params.p }}\n", lambda value: [{"k": value}]),
    "double quotes": ('- k: "{{ params.p }}"\n', lambda value: [{"k": value}]),
    "single quotes": ("- k: '{{ params.p }}'\n", lambda value: [{"k": value}]),
    "inside a word": ("- k: pre{{ params.p }}post\n", lambda value: [{"k": f"pre{value}post"}]),
    "brackets": ("- k: [{{ params.p }}, 1]\n", lambda value: [{"k": [value, 1]}]),
    "braces": ("- k: {a: {{ params.p }}}\n", lambda value: [{"k": {"a": value}}]),
    "a block": ("- k: |\n    a {{ params.p }} b\n", lambda value: [{"k": f"a {value} b\n"}]),
    "a folded block": ("- k: >-\n    a {{ params.p }} b\n", lambda value: [{"k": f"a {value} b"}]),
    "a key": ("- {{ params.p }}: k\n", lambda value: [{value: "k"}]),
    "a comment": ("- k: 1 # {{ params.p }}\n", lambda _: [{"k": 1}]),
    "captured text": ("{% set t %}{{ params.p }}{% endset %}\n- k: {{ t }}\n", lambda value: [{"k": value}]),
}
TEXTS = [
    "x", "", "evil:1\n  securityContext: {privileged: true}", "'", '"', "\\", "\n", "\n- k: 2", "]", "}", ", b: 1",
    "# c", "&a", "*a", "!!python/x", "%TAG", "---", "...", "\x00", "\x07", "\u2028", "\x85", "\ufeff", "😀", "- x",
    "? y", "a: b", "|", ">", "{{7*7}}", "{% x %}", "\t", "yes", "0x1", "~", "null", "1e3", "1.10", "22:22", "<<: *x",
    "\ue000", "\ue000v0\ue001", "\ue000v0\ue001\ue002", "\ue0037\ue004", "\\ue000", " lead", "trail ", "a\n\nb\n",
    "\r\n",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
@pytest.mark.parametrize("style", STYLES)
def test_a_text_is_the_same_text_in_the_same_place(style, text):
    template, expected = STYLES[style]

    assert strictly(expected(text)) == strictly(become(template, params={"p": text}))


@given(style=st.sampled_from(sorted(STYLES)), text=st.text())
def test_any_text_is_the_same_text_in_the_same_place(style, text):
    template, expected = STYLES[style]

    assert strictly(expected(text)) == strictly(become(template, params={"p": text}))


@given(before=st.text("a:-[]{}'\"#|>&*!% \n\t,?", max_size=6), text=st.text(), other=st.text())
def test_the_structure_around_a_value_does_not_depend_on_it(before, text, other):
    template = f"{before}{{{{ params.p }}}}\n"

    assert shape(template, text) == shape(template, other)


def shape(template, text):
    """What a template becomes with every text that holds the value reduced to a mark."""
    try:
        return reduced(become(template, params={"p": f"«{text}»"}), f"«{text}»")
    except PillionError as error:
        return type(error)


def reduced(tree, text):
    match tree:
        case dict():
            return {reduced(key, text): reduced(item, text) for key, item in tree.items()}
        case list():
            return [reduced(item, text) for item in tree]
        case str():
            return tree.replace(text, "?").replace("?", "…")
        case _:
            return tree


SCALARS = [0, -1, 8080, 2**63 - 1, -(2**63), 0.5, 1e300, True, False]


@pytest.mark.parametrize("value", SCALARS, ids=str)
@pytest.mark.parametrize("style", ["plain", "brackets", "braces", "captured text"])
def test_a_scalar_alone_keeps_its_type(style, value):
    template, expected = STYLES[style]

    assert strictly(expected(value)) == strictly(become(template, params={"p": value}))


@pytest.mark.parametrize("value", SCALARS, ids=str)
@pytest.mark.parametrize(
    "style", ["double quotes", "single quotes", "inside a word", "a block", "a folded block", "a key"]
)
def test_a_scalar_in_text_is_its_text(style, value):
    template, expected = STYLES[style]
    text = str(value).lower() if isinstance(value, bool) else str(value)

    assert strictly(expected(text)) == strictly(become(template, params={"p": value}))


TREES = [{"a": 1, "b": [True, None]}, {}, [1, {"x": "y"}], []]


@pytest.mark.parametrize("value", [*TREES, None], ids=str)
@pytest.mark.parametrize("style", ["plain", "brackets", "braces", "captured text"])
def test_a_tree_alone_stays_a_tree(style, value):
    template, expected = STYLES[style]

    assert strictly(expected(value)) == strictly(become(template, params={"p": value}))


@pytest.mark.parametrize("value", [*TREES, None], ids=str)
@pytest.mark.parametrize("style", ["double quotes", "single quotes", "inside a word", "a block", "a folded block"])
def test_a_tree_or_null_inside_text_is_refused_with_a_hint(style, value):
    template, _ = STYLES[style]
    what, hint = {dict: ("a mapping", "to_json"), list: ("a list", "to_json")}.get(type(value), ("null", "default"))

    with pytest.raises(RenderError, match=rf"^key pod, line \d, column \d+: {what} stands inside a text: .*{hint}"):
        become(template, params={"p": value})


@pytest.mark.parametrize("value", [*TREES, None], ids=str)
def test_a_tree_or_null_is_no_key(value):
    with pytest.raises(RenderError, match=r"a key must be a text, got (a mapping|a list|null)"):
        become("{{ params.p }}: x\n", params={"p": value})


NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(value=VALUES)
def test_any_value_alone_is_the_same_value(value):
    assert strictly({"k": value}) == strictly(become("k: {{ params.p }}\n", params={"p": value}))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (2**64, "18446744073709551616 is no number that Kubernetes can hold"),
        (-(2**63) - 1, "-9223372036854775809 is no number that Kubernetes can hold"),
        (float("inf"), "inf is no number that Kubernetes can hold"),
        (float("nan"), "nan is no number that Kubernetes can hold"),
        ("\ud800", "'\\ud800' is half a character: no text can hold it"),
        ({"a": ["x\udfff"]}, "'\\udfff' is half a character: no text can hold it"),
        ({"\ud800": 1}, "'\\ud800' is half a character: no text can hold it"),
    ],
    ids=ascii,
)
def test_what_json_cannot_hold_is_refused(value, problem):
    with pytest.raises(RenderError) as caught:
        become("k: {{ params.p }}\n", params={"p": value})

    assert problem == caught.value.problem


def test_a_value_is_never_nested_deeper_than_yaml_may_be():
    deep = 1
    for _ in range(33):
        deep = [deep]

    assert {"k": deep[0]} == become("k: {{ params.p }}\n", params={"p": deep[0]})
    with pytest.raises(LimitExceeded, match="a value is nested more than 32 deep"):
        become("k: {{ params.p }}\n", params={"p": deep})


MARKS = ["\ue000", "\ue001", "\ue002", "\ue003", "\ue004", "\ud800"]


@pytest.mark.parametrize("mark", MARKS, ids=ascii)
@pytest.mark.parametrize("template", ["x: {}\n", "{{# {} #}}", "{{{{ '{}' }}}}", "{{% set x = '{}' %}}", "# {}\n"])
def test_a_source_with_one_of_our_marks_is_refused(template, mark):
    with pytest.raises(TemplateError, match="is reserved for bound values"):
        become(template.replace("{}", mark).replace("{{", "{").replace("}}", "}"))


ESCAPES = ["\\ue000", "\\uE001", "\\U0000e002", "\\U0000E003", "\\ue004"]


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize(
    "template",
    [
        'x: "{}v0\\ue001"\ny: {{ params.port }}\n',
        "x: {{ '{}' }}\n",
        "x: {{ params.lst | join('{}') }}\n",
        "x: {{ {'{}': 1} }}\n",
        "x: {{ 'a' is in ['{}'] }}\n",
        "x: \"{{ '\\\\' }}{}v0{{ '\\\\' }}ue001\"\n",
    ],
)
def test_one_of_our_marks_as_an_escape_is_refused(template, escape):
    with pytest.raises(TemplateError, match="reserved for bound values"):
        become(template.replace("{}", escape))


@pytest.mark.parametrize(
    "name", ["_own", "_weigh", "_walk(0)", "_capture", "_spend(-1000000)", "_concat", "_method('x')"]
)
def test_the_filters_of_the_guard_cannot_be_named(name):
    with pytest.raises(TemplateError, match=r"the name '_\w+' starts with _"):
        become(f"x: {{{{ params.n2 | {name} }}}}\n")


def test_a_mark_that_comes_in_as_a_value_is_inert():
    forged = "\ue000v0\ue001"

    assert {"a": "secret", "b": forged, "c": f"x{forged}", "d": forged.upper()} == become(
        'a: {{ params.s }}\nb: {{ params.p }}\nc: "x{{ params.p }}"\nd: {{ params.p | upper }}\n',
        params={"s": "secret", "p": forged},
    )


def test_values_are_never_shared_with_what_they_came_from():
    limits = {"cpu": "1"}

    result = become("a: {{ params.r }}\nb: {{ params.r }}\n", params={"r": limits})

    assert result["a"] == result["b"] == limits
    assert result["a"] is not limits

"""Manifests are read as kubectl reads them, and written so that they read back the same."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from injector.shell import texts
from injector.shell.errors import ManifestError


def values(text, source="x.yaml"):
    content = text if isinstance(text, bytes) else text.encode()
    return [root.value for root in texts.load(content, source)]


AS_KUBECTL_READS = {
    "yes": True,
    "Off": False,
    "y": True,
    "~": None,
    "null": None,
    "017": 15,
    "0x1F": 31,
    "1_000": 1000,
    "1e3": 1000,
    "1.10": 1.1,
    "22:22": "22:22",
    "2020-01-01": "2020-01-01",
    "2020-01-01T00:00:00Z": "2020-01-01T00:00:00Z",
    "=": "=",
    "'yes'": "yes",
    '"017"': "017",
    "!!str 017": "017",
    "!!float 3": 3.0,
    "!!int 3": 3,
    "!!binary aGVsbG8=": "hello",
    "18446744073709551615": 18446744073709551615,
    "18446744073709551616": 18446744073709551616.0,
}


@pytest.mark.parametrize(("literal", "value"), AS_KUBECTL_READS.items())
def test_a_scalar_means_what_it_means_to_kubectl(literal, value):
    (found,) = values(f"a: {literal}")

    assert {"a": value} == found
    assert type(value) is type(found["a"])


DOCUMENTS = {
    "several documents": ("a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
    "empty documents are left out": ("---\n---\na: 1\n---\n# nothing\n---\n", [{"a": 1}]),
    "nothing at all": ("", []),
    "a byte order mark": ("\ufeffa: 1", [{"a": 1}]),
    "Windows line ends": ("a: 1\r\nb: 2\r\n", [{"a": 1, "b": 2}]),
    "anchors": ("a: &x {b: 1}\nc: *x", [{"a": {"b": 1}, "c": {"b": 1}}]),
    "an anchored key": ("&k a: 1\nb: *k", [{"a": 1, "b": "a"}]),
    "an alias as a key": ("a: &k b\n*k : 1", [{"a": "b", "b": 1}]),
    "an anchor set again": ("a: &x 1\nb: *x\nc: &x 2\nd: *x", [{"a": 1, "b": 1, "c": 2, "d": 2}]),
    "merge keys": ("a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}", [{"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}}]),
    "merges of many": ("a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}", [
        {"a": {"b": 1}, "c": {"b": 2, "d": 3}, "e": {"b": 1, "d": 3}}]),
    "a quoted merge key is a key": ("'<<': {a: 1}", [{"<<": {"a": 1}}]),
    "keys become strings": ("1: a\n1.5: b\ntrue: c", [{"1": "a", "1.5": "b", "true": "c"}]),
    "JSON": ('{"a": [1, 2.5, null, "\\ud83d\\ude00"]}', [{"a": [1, 2.5, None, "😀"]}]),
    "JSON with tabs": ('{\n\t"a": 1\n}', [{"a": 1}]),
    "JSON, one after the other": ('{"a": 1}\n{"b": 2}', [{"a": 1}, {"b": 2}]),
    "JSON documents between YAML's lines": ('{"a": 1}\n---\n{"b": 2}', [{"a": 1}, {"b": 2}]),
    "a flow mapping is not JSON": ("{a: b}", [{"a": "b"}]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_documents_are_read(text, expected):
    assert expected == values(text)


def test_each_document_knows_the_line_where_it_begins():
    roots = texts.load(b"# a comment\n\na: 1\n---\n\nb: 2\n", "x.yaml")

    assert [3, 6] == [root.line for root in roots]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGE_BOMB = "a: &a {x0: 1, x1: 1, x2: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 30)}], k{name}: *{before}}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

BAD = [
    ("a: 1\nb: 2\na: 3", "line 3, column 1: the key 'a' stands here a second time, the first is in line 1"),
    ("y: 1\ntrue: 2", "line 2, column 1: the key 'true' stands here a second time, the first is in line 1"),
    ("a: b: c", "line 1, column 5: mapping values are not allowed in this context"),
    ("a: [1, 2", "line 2, column 1: while parsing a flow sequence, did not find expected ',' or ']'"),
    ("a: 'x", "line 1, column 6: while scanning a quoted scalar, found unexpected end of stream"),
    ("a:\n  b: 1\n c: 2", "line 3, column 2: while parsing a block mapping, did not find expected key"),
    ("a:\n\tb: 1", "line 2, column 1: a tab cannot indent YAML; use spaces"),
    ("a: @x", "line 1, column 4: nothing in YAML begins with '@'; put it in quotes"),
    ("a: %x", "line 1, column 4: nothing in YAML begins with '%'; put it in quotes"),
    ("a: {{ x }}", "line 1, column 5: a key must be a plain word or a string"),
    ("? [a]\n: b", "line 1, column 3: a key must be a plain word or a string"),
    ("~: b", "line 1, column 1: a key must be a plain word or a string"),
    ("a: *b", "line 1, column 4: the alias '*b' has no anchor before it"),
    ("a: &b 1\n---\na: *b", "line 3, column 4: the alias '*b' has no anchor before it"),
    ("a: &b [*b]", "line 1, column 8: the alias '*b' stands inside its own anchor"),
    ("<<: 1", "line 1, column 5: '<<' merges a mapping or a list of mappings, and this is neither"),
    ("a: !Ref b", "line 1, column 4: the tag '!Ref' means nothing to Kubernetes; remove it"),
    ("a: !!set {b}", "line 1, column 4: the tag '!!set' means nothing to Kubernetes; remove it"),
    ("a: !!int b", "line 1, column 4: 'b' is no int, which its tag '!!int' asks for"),
    ("a: !!binary '*'", "line 1, column 4: what stands after '!!binary' is no base64 of a text"),
    ("a: .inf", "line 1, column 4: .inf is no number that JSON can hold; write it in quotes if it is a text"),
    ("[" * 50_000, "line 1, column 101: it is nested more than 100 deep"),
    ("- " * 50_000, "line 1, column 201: it is nested more than 100 deep"),
    (BOMB, "line 7, column 20: the aliases of this document stand for more than 10 MiB"),
    (MERGE_BOMB, "line 5, column 93: the aliases of this document stand for more than 10 MiB"),
    (b"\x89PNG\r\n", "line 1, column 1: the byte 0x89 is no UTF-8; this is a binary file or another encoding"),
    (b"a: 1\nb: \xe9", "line 2, column 4: the byte 0xe9 is no UTF-8; this is a binary file or another encoding"),
    ("a: 1".encode("utf-16"), "line 1, column 1: the byte 0xff is no UTF-8; this is a binary file or another encoding"),
    ("a: \0", "line 1, column 4: the character '\\x00' may not stand in YAML or JSON; this may be a binary file"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), BAD, ids=[repr(text[:24]) for text, _ in BAD])
def test_a_text_that_is_no_yaml_gives_one_sentence_with_its_place(text, sentence):
    with pytest.raises(ManifestError) as caught:
        values(text)

    assert f"file 'x.yaml', {sentence}" == str(caught.value)


BAD_JSON = [
    ('{"a": 1', "line 1, column 8: this is no JSON: Expecting ',' delimiter"),
    ('{"a": 1}\nb', "line 2, column 1: this is no JSON: Expecting value"),
    ('{"a": 1, "a": 2}', "line 1, column 1: the key 'a' stands twice in one object"),
    ('{"a": NaN}', "line 1, column 1: NaN is no JSON"),
    ('{"a": 1e999}', "line 1, column 1: the number 1e999 is too large"),
    ('{"a": "\\ud83d"}', "line 1, column 1: it has an escape for half a character, such as '\\ud83d' alone"),
    ('{"a": ' * 200 + "1" + "}" * 200, "line 1, column 1: it is nested more than 100 deep"),
    ("[" * 100_000, "line 1, column 1: it is nested more than 100 deep"),
]


@pytest.mark.parametrize(("text", "sentence"), BAD_JSON, ids=[text[:24] for text, _ in BAD_JSON])
def test_a_text_that_is_no_json_gives_one_sentence_with_its_place(text, sentence):
    with pytest.raises(ManifestError) as caught:
        values(text, "x.json")

    assert f"file 'x.json', {sentence}" == str(caught.value)


def test_a_text_beyond_the_limit_is_refused():
    with pytest.raises(ManifestError) as caught:
        values(b" " * (texts.SIZE + 1))

    assert "file 'x.yaml': it is larger than 10 MiB" == str(caught.value)


def test_the_error_shows_the_line_with_a_caret():
    with pytest.raises(ManifestError) as caught:
        values("a: 1\nb: \tx: y\n")

    assert (
        "file 'x.yaml', line 2, column 6: mapping values are not allowed in this context\n  | b:  x: y\n  |      ^"
    ) == caught.value.with_caret()


WRITTEN = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
  annotations:
    number: "8080"
    exponent: "1e3"
    octal: "017"
    switch: "on"
    time: '22:22'
    version: "1.10"
    nothing: ""
    expression: '{{ params.image }}'
data:
  b: |
    {% if x %}
      deep
    {% endif %}
  a: |-
    two
    lines
"""


def test_what_is_written_keeps_order_quotes_what_must_be_and_uses_blocks():
    assert WRITTEN == texts.dump(values(WRITTEN))


def test_objects_are_written_as_documents_without_aliases():
    shared = {"b": 1}

    assert "a:\n  b: 1\nc:\n  b: 1\n---\nd: 2\n" == texts.dump([{"a": shared, "c": shared}, {"d": 2}])


SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text(
    max_size=12,
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")) | st.sampled_from("\n\t:#-'\"{}"),
)
LOOKALIKES = st.text("0123456789_.:+-eExXoObB", max_size=8)
WORDS = st.sampled_from(
    ["yes", "no", "on", "y", "~", "null", "", "<<", "=", "- a", "a: b", "# c", ".inf", "---", "..."]
)
JSON = st.recursive(
    SCALARS | TEXTS | LOOKALIKES | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | LOOKALIKES | WORDS, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(TEXTS | LOOKALIKES | WORDS, JSON, min_size=1, max_size=2))
def test_what_is_written_reads_back_the_same_in_the_same_order(value):
    (found,) = values(texts.dump([value]))

    assert value == found
    assert list(value) == list(found)


@given(st.lists(st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=3), max_size=3))
def test_what_is_written_is_yaml_to_others_as_well(objects):
    assert objects == list(yaml.safe_load_all(texts.dump(objects)))

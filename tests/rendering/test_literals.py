"""Plain literals mean what they mean to kubectl, which reads YAML by sigs.k8s.io/yaml on go-yaml v2."""

from __future__ import annotations

import pytest

from injector.core import scalars
from tests.rendering.templating import become, strictly

LITERALS = [
    *((word, True) for word in "y Y yes Yes YES true True TRUE on On ON".split()),
    *((word, False) for word in "n N no No NO false False FALSE off Off OFF".split()),
    *((word, None) for word in ("", "~", "null", "Null", "NULL")),
    *((word, word) for word in "yEs tRue oN nULL none None nil".split()),
    ("0", 0),
    ("-0", 0),
    ("00", 0),
    ("7", 7),
    ("+7", 7),
    ("-7", -7),
    ("010", 8),
    ("-010", -8),
    ("08", 8),
    ("0o17", 15),
    ("0O17", 15),
    ("0o8", "0o8"),
    ("0x1F", 31),
    ("-0x1f", -31),
    ("0b101", 5),
    ("-0b11", -3),
    ("0b2", "0b2"),
    ("1_000", 1000),
    ("0x_ff", 255),
    ("1_000.5", 1000.5),
    ("_1", "_1"),
    ("1.5", 1.5),
    ("1.", 1),
    (".5", 0.5),
    ("-.5", -0.5),
    ("1e3", 1000),
    ("1E3", 1000),
    ("1.5e-3", 0.0015),
    ("1e400", "1e400"),
    (".", "."),
    ("+", "+"),
    ("1.10", 1.1),
    ("1.2.3", "1.2.3"),
    ("10m", "10m"),
    ("1Gi", "1Gi"),
    ("9223372036854775807", 9223372036854775807),
    ("18446744073709551615", 18446744073709551615),
    ("18446744073709551616", 1.8446744073709552e19),
    ("-9223372036854775808", -9223372036854775808),
    ("-9223372036854775809", -9223372036854775808),
    ("0x10000000000000000", "0x10000000000000000"),
    ("9" * 100, 1e100),
    ("8" * 5000, "8" * 5000),
    ("128.0", 128),
    ("-0.0", 0),
    ("22:22", "22:22"),
    ("190:20:30", "190:20:30"),
    ("2024-01-01", "2024-01-01"),
    ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
    ("=", "="),
    (".inf", ".inf"),
    ("-.inf", "-.inf"),
    (".nan", ".nan"),
    ("0x", "0x"),
    ("0b", "0b"),
    ("1e", "1e"),
    ("12e03", 12000),
    ("text", "text"),
]


@pytest.mark.parametrize(("literal", "value"), LITERALS, ids=[repr(literal)[:40] for literal, _ in LITERALS])
def test_a_plain_literal_means_what_it_means_to_kubectl(literal, value):
    assert strictly(value) == strictly(scalars.resolve(literal))


@pytest.mark.parametrize(("literal", "value"), LITERALS, ids=[repr(literal)[:40] for literal, _ in LITERALS])
def test_a_literal_in_a_template_means_the_same_as_in_a_manifest(literal, value):
    assert strictly({"a": value, "b": [value], "c": literal}) == strictly(
        become(f"a: {literal}\nb:\n- {literal}\nc: '{literal}'\n")
    )


@pytest.mark.parametrize("literal", [literal for literal, _ in LITERALS], ids=lambda literal: repr(literal)[:40])
def test_a_text_that_looks_like_a_literal_stays_text_in_yaml_that_we_write(literal):
    assert strictly({"a": {"b": literal}}) == strictly(
        become("a: {{ params.x | to_yaml | from_yaml }}", params={"x": {"b": literal}})
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (8080, "8080"),
        (0.5, "0.5"),
        (128.0, "128.0"),
        (1e100, "1e+100"),
        ("yes", "yes"),
    ],
)
def test_a_value_in_text_is_written_as_yaml_writes_it(value, text):
    assert {"a": f"x{text}"} == become("a: x{{ params.x }}", params={"x": value})

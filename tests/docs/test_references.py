"""The reference is whole: what the code knows stands on a page, and nothing else does."""

from __future__ import annotations

import re

import pytest

from injector.core import (
    environments,
    guards,
    limits,
    list_filters,
    names,
    policy,
    rendering,
    schemas,
    selection,
    templates,
)
from injector.core.field_table import TYPES
from injector.core.model import Domain, Namespace, Policy, Review
from injector.core.reasons import SENTENCES, Reason
from tests.docs import pages

TEMPLATES, INJECTION = "docs/templates.md", "docs/injection.md"
DOMAIN = Domain()
ENVIRONMENT = rendering.compile_program("", key="labels").template.environment


def first_words(rows):
    return [word for row in rows for word in pages.words(row[0])]


def listed(text, before, after):
    """The words in back quotes between two phrases."""
    return pages.words(text.partition(before)[2].partition(after)[0])


def public(names):
    return {name for name in names if not name.startswith("_")}


def test_every_annotation_of_a_template_is_explained():
    rows = pages.table(TEMPLATES, "annotation", "value", "default", "meaning")

    assert sorted(templates.ANNOTATIONS) == sorted(first_words(rows))


def test_every_data_key_is_explained():
    assert list(templates.DATA_KEYS) == first_words(pages.table(TEMPLATES, "key", "renders to", "goes to"))


def test_everything_that_a_template_sees_is_explained():
    assert list(names.FIELDS) == first_words(pages.table(TEMPLATES, "name", "what it is"))


def test_every_filter_is_explained():
    rows = pages.table(TEMPLATES, "filter", "gives", "example")

    assert sorted(public(ENVIRONMENT.filters)) == sorted(first_words(rows))


def test_filters_and_tests_inside_of_map_and_select_are_listed():
    text = pages.section(TEMPLATES, "Filters")

    assert list(list_filters._MAPPED) == listed(text, "`map` takes", ". `select` and its kin take")
    assert list(list_filters._TESTS) == listed(text, "and its kin take", ".")


def test_every_test_is_listed():
    named = listed(pages.section(TEMPLATES, "Tests"), "and so on:", "take an RE2 pattern")

    assert sorted(public(ENVIRONMENT.tests)) == sorted(named)


def test_every_function_is_explained():
    assert list(ENVIRONMENT.globals) == first_words(pages.table(TEMPLATES, "function", "gives"))


@pytest.mark.parametrize(
    ("before", "after", "known"),
    [
        ("Strings have the methods", "Mappings have", environments.STRING_METHODS),
        ("Mappings have", "In a loop", guards.MAPPING_METHODS),
        ("`loop` has", "\n\n", environments.LOOP_ATTRIBUTES),
    ],
)
def test_every_method_is_listed(before, after, known):
    assert sorted(known) == sorted(listed(pages.section(TEMPLATES, "What a template sees"), before, after))


def test_every_limit_is_told():
    known = [limit for name, limit in vars(limits).items() if name.isupper()]

    assert schemas.PATTERN_LIMIT == limits.MATCHED
    assert [f"{limit:,}" for limit in known] == [row[0] for row in pages.table(TEMPLATES, "limit", "of")]


@pytest.mark.parametrize(
    ("before", "after", "known"),
    [
        ("Fields that `pod` may set:", ".", policy.CLUSTER_POD_FIELDS),
        ("* fields of the pod:", ";", policy.PRIVILEGED_POD_FIELDS),
    ],
    ids=["by any template", "by privileged ones"],
)
def test_every_field_of_a_pod_that_may_be_set_is_listed(before, after, known):
    assert sorted(known) == listed(pages.section(TEMPLATES, "What is refused"), before, after)


def test_every_reason_is_explained_with_its_own_sentence():
    rows = pages.table(INJECTION, "reason", "meaning", "what to do")

    assert [[f"`{reason}`", sentence] for reason, sentence in SENTENCES.items()] == [row[:2] for row in rows]


def test_every_label_and_annotation_is_told():
    text = pages.section(INJECTION, "With what")
    keys = (DOMAIN.injection, DOMAIN.inject, DOMAIN.templates, DOMAIN.status, DOMAIN.template_label)

    told = {word for row in pages.table(INJECTION, "on", "key", "") for word in pages.words(row[1])}

    assert {*keys, DOMAIN.parameter_suffix} == told
    assert DOMAIN.templates in text


def test_the_keys_by_which_lists_merge_are_those_of_the_field_table():
    lists = [field for name in ("PodSpec", "Container") for field in TYPES[name].values() if field.kind == "list"]

    told = {tuple(pages.words(rule)) for _, rule in pages.table(INJECTION, "part", "rule") if rule.startswith("by `")}

    assert {field.keys for field in lists if field.keys} == told


@pytest.mark.parametrize("namespace", [{}, {DOMAIN.injection: "enabled"}, {DOMAIN.injection: "other"}], ids=str)
@pytest.mark.parametrize("pod", [{}, {DOMAIN.inject: "true"}, {DOMAIN.inject: "false"}, {DOMAIN.inject: "x"}], ids=str)
def test_the_truth_table_is_what_happens(namespace, pod):
    review = Review(uid="1", api_version="", object={"metadata": {"labels": pod}, "spec": {}})

    excluded = selection.exclude(review, Namespace(name="shop", labels=namespace), Policy())

    assert truth(namespace.get(DOMAIN.injection), pod.get(DOMAIN.inject)) == (excluded and str(excluded))


def truth(namespace, pod):
    """The first row that fits, as a reader would go through the table."""
    for row in pages.table(
        INJECTION, "namespace label `pillion.dev/injection`", "pod label `pillion.dev/inject`", "injected"
    ):
        if fits(row[0], namespace) and fits(row[1], pod):
            return pages.words(row[2])[0] if row[2] != "yes" else None
    raise AssertionError("no row fits")


def fits(cell, value):
    if cell == "any" or (value is None and cell.startswith("absent")):
        return True
    return cell.endswith("other") if value is not None and cell.startswith("absent") else cell.strip('`"') == value


@pytest.mark.parametrize("page", pages.PAGES)
def test_a_reason_that_a_page_names_after_a_no_exists(page):
    named = re.findall(r"no: `([a-z-]+)`", pages.read(page))

    assert set() == set(named) - set(Reason)

"""Every example on the pages is true: templates load and lint, values come out as the page says."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from injector.core import documents, linting, schemas, templates
from injector.core.errors import TemplateError
from injector.core.model import Policy
from tests.docs import examples, pages, sessions
from tests.docs.pages import PAGES

PAGE = "docs/templates.md"
POLICY = Policy()
YAML = [block for page in PAGES for block in pages.blocks(page, "yaml")]


def is_template(item):
    return isinstance(item, dict) and POLICY.domain.template_label in (item.get("metadata") or {}).get("labels", {})


TEMPLATES = [(block, item) for block in YAML if is_template(item := examples.parse(block.text))]
FAULTY = {
    step.command.split()[-1]
    for page in PAGES
    for step in sessions.all_steps(page)
    if step.command.startswith("pillion lint ") and re.search(": (error|warning): ", step.promised)
}
"""Files that a page shows for what lint says of them."""

SOUND = {str(block): item for block, item in TEMPLATES if block.file not in FAULTY}
ROWS = pages.table(PAGE, "you write", "you get")
FILTERS = [
    re.fullmatch(r"`(.+)` → `(.+)`", row[2]).groups()
    for row in pages.table(PAGE, "filter", "gives", "example")
    if row[2].startswith("`")
]
PAIRS = [pair for pair in pairwise(pages.blocks(PAGE, "jinja", "yaml")) if pair[0].language == "jinja"]


@pytest.mark.parametrize("block", YAML, ids=str)
def test_yaml_on_a_page_is_yaml_as_the_engine_reads_it(block):
    assert examples.parse(block.text)


@pytest.mark.parametrize("configmap", SOUND.values(), ids=SOUND)
def test_a_template_on_a_page_can_be_used_and_has_no_lint(configmap):
    assert () == linting.lint(templates.parse(configmap, POLICY), POLICY)


@pytest.mark.parametrize(("written", "promised"), ROWS, ids=[row[0] for row in ROWS])
def test_what_one_writes_gives_what_one_gets(written, promised):
    text = written.strip("`")

    if promised.startswith("error: "):
        with pytest.raises(TemplateError) as caught:
            examples.render(text)
        assert promised.removeprefix("error: ") == caught.value.problem
    else:
        assert examples.parse(promised.strip("`")) == examples.render(text)


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=[str(before) for before, _ in PAIRS])
def test_a_text_gives_the_yaml_below_it(before, after):
    assert "yaml" == after.language
    assert examples.parse(after.text) == examples.render(before.text)


@pytest.mark.parametrize(("expression", "value"), FILTERS, ids=[expression for expression, _ in FILTERS])
def test_a_filter_gives_what_its_example_says(expression, value):
    assert examples.parse(value) == examples.evaluate(expression)


def test_the_parameters_that_the_page_declares_can_be_declared():
    (block,) = [block for block in pages.blocks(PAGE, "yaml") if "pattern:" in block.text]

    declared = documents.parse_plain(block.text, key="parameters")

    assert list(declared) == [schemas.declare(name, schema).name for name, schema in declared.items()]

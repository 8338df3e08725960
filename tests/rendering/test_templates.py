"""The rules of templates as tables of texts and what they become: one file of ``cases`` for each rule."""

from __future__ import annotations

import pytest

from injector.core.errors import PillionError
from tests.rendering.templating import become, cases, strictly

ALL = [pytest.param(case, id=f"{file}: {name}") for file, name, case in cases()]


def outcome(case):
    """What a case's text becomes, or the message with which it fails: in full if the case tells it in full."""
    try:
        return become(
            case["template"],
            key=case.get("key", "pod"),
            delimiters=tuple(case.get("delimiters", "{{ }}").split()),
        )
    except PillionError as error:
        return f"FAILS {error.with_caret() if 'shows' in case else error.problem}"


@pytest.mark.parametrize("case", ALL)
def test_a_template_becomes_what_its_case_says(case):
    expected = (
        f"FAILS {case.get('shows', case.get('fails', ''))}".rstrip("\n") if "gives" not in case else case["gives"]
    )

    assert strictly(expected) == strictly(outcome(case))


def test_every_case_has_a_sentence_of_its_own():
    sentences = [f"{file}: {name}" for file, name, _ in cases()]

    assert sorted(set(sentences)) == sorted(sentences)

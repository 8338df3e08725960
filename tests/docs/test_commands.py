"""Every command on the pages works, and gives what the page shows."""

from __future__ import annotations

import re

import click
import pytest

from injector.cli.main import pillion
from tests.docs import pages, sessions
from tests.docs.pages import PAGES, ROOT

STEPS = [(page, number, step) for page in PAGES for number, step in enumerate(sessions.steps(page))]
IDS = [f"{step.place} {step.command.splitlines()[0]}" for _, _, step in STEPS]
FINDINGS = (0, 1)  # 1: there are differences or findings, which is what a page wants to show

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split()
CHECKED = re.findall(r"^phase make (\w+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)


@pytest.mark.parametrize(("page", "number", "step"), STEPS, ids=IDS)
def test_a_command_of_a_page_works_and_says_what_the_page_shows(page, number, step):
    result = sessions.run(page)[number]

    assert result.code in FINDINGS, result.output
    assert sessions.is_as_promised(step.promised, result.output), result.output


def test_make_commands_that_readers_are_told_to_type_are_run_by_every_build():
    typed = {step.command for page in PAGES for step in sessions.all_steps(page) if step.command.startswith("make")}

    assert {"make demo", "make test"} <= typed
    assert set() == typed - {f"make {target}" for target in CHECKED}


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_that_a_page_names_exist(page):
    named = {
        word for words in re.findall(r"`(?:[A-Z_]+=\S+ )?make ([a-z -]+)`", pages.read(page)) for word in words.split()
    }

    assert set() == named - set(TARGETS)


NAMED = sorted({
    words for page in PAGES for words in re.findall(r"`pillion ([^`]+)`", pages.read(page).replace("\n", " "))
})  # fmt: skip


@pytest.mark.parametrize("words", NAMED)
def test_a_command_that_is_named_in_passing_exists_with_its_options(words):
    command = pillion
    for word in words.split():
        if isinstance(command, click.Group):
            command = command.get_command(click.Context(command), word)
            assert command, f"there is no command {word!r}"
    options = {name for parameter in command.params for name in parameter.opts}

    assert set() == {word for word in words.split() if word.startswith("-") and len(word) > 1} - options


@pytest.mark.parametrize(
    ("promised", "output", "expected"),
    [
        ("", "whatever", True),
        ("one\ntwo", "one\ntwo\n", True),
        ("one", "one\ntwo\n", False),
        ("one\n…", "one\ntwo\nthree\n", True),
        ("one\n…\nthree", "one\ntwo\nthree\n", True),
        ("…\nthree", "one\ntwo\nthree\n", True),
        ("one\n…\nfour", "one\ntwo\nthree\n", False),
        ("rev …)", "rev 12ab)\n", True),
        ("rev …)", "rev 12\nab)\n", False),
        ("a.c", "abc\n", False),
    ],
)
def test_dots_stand_for_what_a_page_leaves_out_and_nothing_else_does(promised, output, expected):
    assert expected is sessions.is_as_promised(promised, output)


def test_commands_are_read_with_their_continued_lines_and_their_output(monkeypatch):
    page = "```console\n$ cat <<E\n> hello\n> E\nhello\n$ true\n```\n"
    monkeypatch.setattr(pages, "read", lambda _: page)

    steps = sessions.all_steps("page")

    assert [("cat <<E\nhello\nE", "hello"), ("true", "")] == [(step.command, step.promised) for step in steps]

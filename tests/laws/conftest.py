"""What makes the laws quick, and at the end: were they put to the test? The statistics."""

from __future__ import annotations

import pytest

from injector.core import rendering, templates
from tests.laws import tallies


@pytest.fixture(autouse=True, scope="module")
def compiled_once():
    """Keep what a text compiles to, which depends on nothing else: most examples differ in how they combine texts."""
    kept = {}

    def compile_once(source, *, key, delimiters=("{{", "}}"), parameters=None):
        names = (source, key, delimiters, parameters and tuple(parameters))
        if names not in kept:
            kept[names] = compile_program(source, key=key, delimiters=delimiters, parameters=parameters)
        return kept[names]

    def declare_once(text):
        if text not in kept:
            kept[text] = declare(text)
        return kept[text]

    compile_program, declare = rendering.compile_program, templates._parameters
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "compile_program", compile_once)
        patch.setattr(templates, "_parameters", declare_once)
        yield


@pytest.fixture(autouse=True, scope="module")
def worthwhile(request):
    yield
    for tally in vars(request.module).values():
        if isinstance(tally, tallies.Tally) and tally.counts["examples"]:
            assert {} == tally.lacking(), f"{tally.law} was hardly put to the test"


def pytest_terminal_summary(terminalreporter):
    for tally in tallies.ALL:
        if tally.counts["examples"]:
            terminalreporter.write_line(str(tally))

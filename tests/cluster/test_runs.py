"""What ``python -m e2e`` does around its tests: in which order, after which accident, and what its last word is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from e2e import __main__ as e2e
from e2e.cluster.failures import Failure
from e2e.cluster.settings import Settings

SUMMARY = "== 2 passed in 1.00s =="


class Diary:
    """A provider that makes nothing and notes what it is asked for; one thing may fail."""

    def __init__(self, failing=""):
        self.failing = failing
        self.asked = []

    def __getattr__(self, verb):
        def note(*_):
            self.asked.append(verb)
            if verb == self.failing:
                raise Failure(f"{verb} does not work.")
            return {"programs": [Path("/programs")]}.get(verb, Path("/file"))

        return note


def run(provider, tmp_path, *, keeps=False):
    return e2e._run(provider, Settings(tmp_path), ["--version"], keeps=keeps)


def test_what_an_earlier_run_has_left_goes_before_and_the_cluster_after(tmp_path):
    diary = Diary()

    assert 0 == run(diary, tmp_path)[0]
    assert ["prepare", "build", "programs", "down", "up", "load", "programs", "kubeconfig", "down"] == diary.asked


def test_a_cluster_that_is_kept_is_taken_over_and_left(tmp_path):
    diary = Diary()
    run(diary, tmp_path, keeps=True)

    assert ["prepare", "build", "programs", "up", "load", "programs", "kubeconfig"] == diary.asked


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        ("prepare", ["prepare"]),
        ("build", ["prepare", "build"]),
        ("up", ["prepare", "build", "programs", "down", "up", "down"]),
        ("load", ["prepare", "build", "programs", "down", "up", "load", "down"]),
    ],
)
def test_a_cluster_is_removed_whatever_fails_once_there_may_be_one(tmp_path, failing, expected):
    diary = Diary(failing)

    with pytest.raises(Failure, match=f"{failing} does not work"):
        run(diary, tmp_path)

    assert expected == diary.asked


def test_output_is_let_through_and_its_last_line_kept_for_the_end(capsys):
    program = f"import sys; print('one'); print({SUMMARY!r}); sys.exit(3)"

    assert (3, SUMMARY) == e2e._show([sys.executable, "-c", program], {})
    assert f"one\n{SUMMARY}\n" == capsys.readouterr().out

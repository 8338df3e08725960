"""What ``templates new`` writes is a template that a stranger can start from."""

from __future__ import annotations

import pytest


@pytest.fixture
def elsewhere(pillion, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return pillion


def test_a_new_template_has_nothing_that_lint_could_say_against_it(elsewhere):
    elsewhere("templates", "new", "my-sidecar")

    run = elsewhere("lint", "my-sidecar.yaml", "--strict")

    assert (0, "1 template in 1 file: all is well\n") == (run.code, run.out)


def test_the_next_commands_are_named_and_work(elsewhere):
    said = elsewhere("templates", "new", "my-sidecar").err.splitlines()
    pod = elsewhere("templates", "show", "my-sidecar", "-t", "my-sidecar.yaml", "-o", "pod").out

    run = elsewhere("diff", "-t", "my-sidecar.yaml", "-f", "-", stdin=pod)

    assert said == [
        "my-sidecar.yaml is written. Change it, then:",
        "  pillion lint my-sidecar.yaml",
        "  pillion templates show my-sidecar -t my-sidecar.yaml -o pod | pillion diff -t my-sidecar.yaml -f -",
    ]
    assert (1, True) == (run.code, "+  - name: my-sidecar" in run.out)
    assert "pod/example: injected my-sidecar" in run.err


def test_a_mistake_in_it_is_shown_with_a_caret(elsewhere, tmp_path):
    elsewhere("templates", "new", "my-sidecar")
    path = tmp_path / "my-sidecar.yaml"
    path.write_text(path.read_text().replace("params.image", "params.imgae"))

    run = elsewhere("lint", "my-sidecar.yaml")

    assert (1, "  |             ^") == (run.code, run.out.splitlines()[2])
    assert "'params.imgae' is no declared parameter; did you mean 'params.image'?" in run.out


def test_nothing_is_overwritten(elsewhere, tmp_path):
    path = tmp_path / "my-sidecar.yaml"
    path.write_text("mine")

    run = elsewhere("templates", "new", "my-sidecar")

    assert (2, "mine") == (run.code, path.read_text())
    assert "pillion: my-sidecar.yaml exists already: choose another name, or remove it\n" == run.err


@pytest.mark.parametrize("name", ["hello", "log-shipper", "namespace-node-selector"])
def test_shipped_templates_are_used_where_there_are_no_others(elsewhere, name):
    assert name in elsewhere("templates", "list").out

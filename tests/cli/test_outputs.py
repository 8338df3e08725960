"""
What users see, word for word: one file a call under ``golden``.

``REFRESH_GOLDEN=1 pytest tests/cli`` writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"

CALLS = {
    "inject-a-deployment": "inject -f manifests/web.yaml -t templates",
    "inject-every-kind": "inject -f manifests/kinds.yaml -t templates",
    "inject-with-a-namespace-that-opts-in": "inject -f manifests/namespace.yaml -f manifests/list.json -t templates",
    "inject-as-json": "inject -f manifests/list.json -t templates -o json",
    "inject-as-patch": "inject -f manifests/web.yaml -t templates -o patch",
    "inject-as-diff": "inject -f manifests/web.yaml -t templates -o diff",
    "inject-before-native-sidecars": "inject -f manifests/web.yaml -t templates --kube-version 1.28 -o diff",
    "inject-with-a-value-of-the-chart": "inject -f manifests/web.yaml -t templates --set passenger.level=debug -o diff",
    "inject-where-a-pod-is-denied": "inject -f manifests/ticketless.yaml -t templates",
    "inject-with-a-broken-template": "inject -f manifests/web.yaml -t broken",
    "inject-what-is-left-alone": "inject -f manifests/out.yaml -t templates -o diff",
    "inject-with-misplaced-labels": "inject -f manifests/misplaced.yaml -t templates -o diff",
    "diff-of-a-folder": "diff -f manifests -t templates",
    "diff-in-colour": "diff -f manifests/web.yaml -t templates --color always",
    "explain-an-injected-pod": "explain -f manifests/namespace.yaml -f manifests/web.yaml -t templates",
    "explain-misplaced-labels": "explain -f manifests/misplaced.yaml -t templates",
    "explain-a-denied-pod": "explain -f manifests/ticketless.yaml -t templates",
    "explain-what-is-left-alone": "explain -f manifests/out.yaml -t templates",
    "lint-good-templates": "lint templates",
    "lint-broken-templates": "lint broken templates",
    "lint-strictly": "lint broken/fares.yaml --strict",
    "list-templates": "templates list -t templates",
    "show-a-template": "templates show ticket -t templates",
    "show-a-pod-that-asks-for-it": "templates show ticket -t templates -o pod",
    "help": "--help",
    "help-on-inject": "inject --help",
}


@pytest.mark.parametrize("name", CALLS)
def test_users_see_what_is_written_down(pillion, name):
    run = pillion(*shlex.split(CALLS[name]))

    seen = f"$ pillion {CALLS[name]}\n{run.out}--- stderr\n{run.err}--- exit {run.code}\n"
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("REFRESH_GOLDEN"):
        file.write_text(seen)
    assert file.read_text() == seen


def test_every_golden_file_belongs_to_a_call():
    assert sorted(CALLS) == sorted(file.stem for file in GOLDEN.iterdir())

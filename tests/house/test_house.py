"""The promises of the repository itself: what is pinned, what is explained, what make says."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from e2e.cluster import kind

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
PROJECT = tomllib.loads(PYPROJECT)
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yaml").read_text())
PINS = {path.stem: path.read_text() for path in sorted((ROOT / "requirements").glob("*.txt"))}
DEPENDENCIES = {
    *PROJECT["project"]["dependencies"],
    *PROJECT["build-system"]["requires"],
    *(item for group in PROJECT["dependency-groups"].values() for item in group if isinstance(item, str)),
}


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def pins_of(text: str) -> dict[str, str]:
    """Each pinned requirement with the lines that belong to it."""
    entries = re.findall(r"^([\w.-]+)==([^\n]*(?:\n    [^\n]*)*)", text, re.MULTILINE)
    return {name: f"{name}=={rest}" for name, rest in entries}


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make as if it were not this make that runs the tests."""
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=path, capture_output=True, text=True, check=False)


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize("file", PINS)
def test_every_pin_is_exact_and_has_the_hashes_of_its_files(file):
    pins = pins_of(PINS[file])

    assert pins
    assert [] == [name for name, text in pins.items() if "--hash=sha256:" not in text]


@pytest.mark.parametrize("file", PINS)
def test_requirements_hold_nothing_but_pins_so_that_any_mirror_serves(file):
    lines = re.sub(r"^[\w.-]+==.*\n(?:    .*\n)+", "", PINS[file], flags=re.MULTILINE).splitlines()

    assert [] == [line for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("file", ["runtime", "build"])
def test_tests_run_on_the_versions_that_users_get(file):
    tested = pins_of(PINS["dev"])

    versions = {name: pin.split()[0] for name, pin in pins_of(PINS[file]).items()}

    assert versions == {name: tested[name].split()[0] for name in versions}


def test_every_dependency_is_pinned():
    pinned = {name for text in PINS.values() for name in pins_of(text)}

    assert set() == {name_of(item) for item in DEPENDENCIES} - pinned


def test_every_dependency_says_why_it_is_there():
    named = [line for line in PYPROJECT.splitlines() if any(f'"{item}"' in line for item in DEPENDENCIES)]

    assert named
    assert [] == [line for line in named if not re.search(r"[],]\s+# \S", line)]


def test_make_help_lists_every_target():
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    listed = re.findall(r"^make (\S+)  +\S", make("help").stdout, re.MULTILINE)

    assert sorted(targets[1].split()) == sorted(listed)


NO_VENV = f"""
case "$*" in
    *ensurepip*) echo "Traceback: No module named ensurepip" >&2; exit 1 ;;
    *) exec {sys.executable} "$@" ;;
esac
"""
TOO_OLD = """
case "$1" in
    --version) echo Python 3.9.18 ;;
    *) exit 1 ;;
esac
"""


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        (NO_VENV, "{python} has no venv module: install it (on Debian and Ubuntu: apt install python3-venv)"),
        (TOO_OLD, "Pillion needs Python 3.11 to 3.14, but {python} is Python 3.9.18: install one, or name it"),
        ("exit 127", "Pillion needs Python 3.11 to 3.14, but there is no {python}: install one, or name it"),
    ],
    ids=["venv is missing", "too old", "absent"],
)
def test_a_python_that_will_not_do_gets_one_sentence(tmp_path, python, sentence):
    wrapper = script(tmp_path / "python", python)

    run = make("venv", f"PYTHON={wrapper}", f"VENV={tmp_path}/venv")

    said = [line for line in run.stderr.splitlines() if not line.startswith("make: ***")]
    assert (2, "", 1) == (run.returncode, run.stdout, len(said))
    assert said[0].startswith(sentence.format(python=wrapper))


def test_make_looks_further_when_python3_is_too_old(tmp_path):
    script(tmp_path / "python3", TOO_OLD)
    script(tmp_path / "python3.14", TOO_OLD)
    script(tmp_path / "python3.13", f'exec {sys.executable} "$@"')

    run = subprocess.run(
        [ROOT / ".ci" / "find-python"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )

    assert "python3.13\n" == run.stdout


def test_nothing_is_left_for_later():
    later = re.compile(rb"\b(?:T[O]DO|F[I]XME)\b")
    made = {"build", "dist"}  # by others' compilers and packers, from what is read here and what is not ours
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - made | {".ci", ".github"}
    folders = [ROOT / name for name in sorted(names)]
    files = [*(path for folder in folders for path in folder.rglob("*")), *folders]

    assert [] == [str(path) for path in files if path.is_file() and later.search(path.read_bytes())]


def phases(script: str) -> list[str]:
    """The targets of make that a script runs."""
    return [word for words in re.findall(r"\bmake ((?: ?[a-z0-9-]+)+)", script) for word in words.split()]


def test_the_workflow_checks_the_same_as_the_script_on_every_python_that_is_promised():
    job = WORKFLOW["jobs"]["check"]
    promised = [item.split(" :: ")[2] for item in PROJECT["project"]["classifiers"] if "Python :: 3." in item]
    script = [
        line for line in (ROOT / ".ci/run").read_text().splitlines() if line.startswith(("phase make", "exec make"))
    ]

    assert promised == job["strategy"]["matrix"]["python-version"]
    assert set(phases("\n".join(script))) - {"venv", "e2e"} == set(phases(job["steps"][-1]["run"]))
    assert "exec make e2e" == script[-1].partition("  #")[0]


def test_the_workflow_tries_every_kubernetes_that_kind_has_a_node_of():
    job = WORKFLOW["jobs"]["e2e"]

    assert list(kind.NODE_IMAGES) == job["strategy"]["matrix"]["kubernetes"]
    assert ["make e2e CLUSTER=kind"] == [step["run"] for step in job["steps"] if "run" in step]


def test_only_the_image_of_a_tagged_version_is_pushed_and_every_image_says_what_is_in_it_and_where_it_is_from():
    build = WORKFLOW["jobs"]["image"]["steps"][-1]["with"]

    assert {"contents": "read"} == WORKFLOW["permissions"]
    assert "${{ github.ref_type == 'tag' }}" == build["push"]
    assert (True, "mode=max") == (build["sbom"], build["provenance"])


def test_actions_are_pinned_by_commit():
    uses = re.findall(r"uses: (\S+)", (ROOT / ".github/workflows/ci.yaml").read_text())

    assert uses
    assert [] == [action for action in uses if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)]

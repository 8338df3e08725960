"""
What the chart's page has newcomers type, and the notes of helm after it: word for word, in one shell.

The release under test is installed by the page's own command. The commands of the README need no cluster:
``tests/docs`` types them.
"""

from __future__ import annotations

import subprocess

import pytest
import yaml

from e2e.chart import clusters
from e2e.live.quick_starts import AFTERWARDS, COMMANDS


@pytest.fixture(scope="module")
def typed(release):
    """Type what comes after the installation; what became of it, by command."""
    yield {command: _type(command) for command in AFTERWARDS}
    clusters.kubectl("delete", "namespace", "demo", "--wait=false")


def _type(command):
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", AFTERWARDS)
def test_a_command_of_the_page_does_what_it_should(typed, command):
    assert 0 == typed[command].returncode, typed[command].stderr


def test_the_test_of_the_page_says_that_it_succeeded(typed):
    [said] = [done.stdout for command, done in typed.items() if command.startswith("helm test ")]

    assert "Phase:          Succeeded" in said


def test_the_pod_of_the_page_is_shown_with_what_was_added(typed):
    [shown] = [yaml.safe_load(done.stdout) for command, done in typed.items() if command.endswith("-o yaml")]

    assert "OK" == shown["metadata"]["labels"]["hello-added"]
    assert "/etc/hello" in {each["mountPath"] for each in shown["spec"]["containers"][0]["volumeMounts"]}


def test_the_notes_of_helm_have_the_same_commands(release):
    noted = [line.strip() for line in release.notes.splitlines() if line.startswith("  kubectl ")]
    test = " ".join(next(line for line in release.notes.splitlines() if "helm test" in line).partition("helm ")[1:])

    assert [command for command in COMMANDS if command.startswith("kubectl ")] == noted
    assert test.replace("helm  ", "helm ").replace(" -n ", " --namespace ") in COMMANDS

"""Only the very process that was started is ended: never another with its number."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from e2e.cluster import processes
from e2e.cluster.failures import Failure
from e2e.cluster.processes import Process

STAT = "4711 ({}) S 1 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1234 5 6 7"


@pytest.fixture
def sleeper():
    child = subprocess.Popen(["sleep", "600"])
    yield child
    child.kill()
    child.wait()


@pytest.mark.parametrize("name", ["sleep", "two words", "a) S 1 (b", ")))"])
def test_the_start_is_read_behind_any_name(name):
    assert Process(4711, 98765, "boot") == processes.identify(4711, STAT.format(name), "boot\n")


def test_a_process_is_ended_and_then_gone(sleeper):
    process = processes.find(sleeper.pid)

    processes.end(process)

    assert sleeper.wait() == -15
    assert not processes.runs(process)


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}])
def test_another_process_with_the_same_number_is_left_alone(sleeper, change):
    stranger = dataclasses.replace(processes.find(sleeper.pid), **change)

    processes.end(stranger)

    assert sleeper.poll() is None


def test_a_process_that_is_gone_needs_no_end(sleeper):
    process = processes.find(sleeper.pid)
    sleeper.kill()
    sleeper.wait()

    processes.end(process)

    assert processes.find(sleeper.pid) is None


def test_a_process_that_nobody_has_buried_yet_is_gone(sleeper):
    process = processes.find(sleeper.pid)

    processes.end(process)

    assert not processes.runs(process)


def test_one_that_does_not_listen_is_killed(tmp_path):
    ready = tmp_path / "ready"
    child = subprocess.Popen(["sh", "-c", f"trap '' TERM; mkfifo {ready}; echo >{ready}; while :; do sleep 1; done"])
    while not ready.exists():
        assert child.poll() is None
    ready.read_text()

    processes.end(processes.find(child.pid), patience=0.1)

    assert child.wait() == -9


def test_a_process_is_remembered_across_commands(tmp_path, sleeper):
    process = processes.find(sleeper.pid)

    processes.record(process, tmp_path / "sleeper")

    assert process == processes.recall(tmp_path / "sleeper")


@pytest.mark.parametrize("text", ["", '{"number": 1', "[]", "{}", '{"number": 1}'])
def test_a_record_that_a_crash_cut_off_tells_of_none(tmp_path, text):
    (tmp_path / "cut").write_text(text)

    assert processes.recall(tmp_path / "cut") is None
    assert processes.recall(tmp_path / "absent") is None


def test_what_a_forking_command_starts_is_found_and_ended(tmp_path):
    child = processes.start_forked(["sh", "-c", "sleep 600; echo over"], tmp_path / "log")

    assert processes.runs(child)
    processes.end(child)
    assert not processes.runs(child)


def test_a_forking_command_that_ends_at_once_is_a_failure_that_names_its_log(tmp_path):
    with pytest.raises(Failure, match=r"sh ended at once: .*/log says why"):
        processes.start_forked(["sh", "-c", "echo broken >&2"], tmp_path / "log")

    assert (tmp_path / "log").read_text() == "broken\n"


def test_a_lock_that_the_command_runs_under_does_not_outlive_it_in_what_it_starts(tmp_path):
    lock = tmp_path / "lock"
    command = "import pathlib, sys; from e2e.cluster import processes;"
    command += " print(processes.start_forked(['sh', '-c', 'sleep 600; echo over'], pathlib.Path(sys.argv[1])).number)"
    started = subprocess.run(
        ["flock", lock, sys.executable, "-c", command, tmp_path / "log"], capture_output=True, text=True, check=True
    )
    try:
        assert 0 == subprocess.run(["flock", "--nonblock", lock, "true"], check=False).returncode
    finally:
        processes.end(processes.find(int(started.stdout)))

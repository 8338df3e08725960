"""The load on real servers, each for a moment, and what is said of one that cannot run."""

from __future__ import annotations

import sys
from contextlib import contextmanager

import pytest

from bench import answers, cases, contenders, loads, processes, servers, subjects, tutorials
from bench.builds import Absent
from bench.contenders import FLASK, HANDOVERS, PILLION, TUTORIAL, Contender
from bench.processes import NotStartedError, Start
from bench.servers import AIMS, CLOSED_COLUMNS, Effort
from bench.subjects import NULL

CORES = frozenset({min(processes.os.sched_getaffinity(0))})


@contextmanager
def nowhere(_site):
    raise Absent("there is no such program on this machine")
    yield


ELSEWHERE = Contender("elsewhere", nowhere, "none")


def test_all_servers_answer_under_load_and_are_compared():
    effort = Effort(
        rounds=1,
        seconds=0.2,
        warm_up=0.1,
        reviews=20,
        connections=(2,),
        rates=(20.0, 40.0),
        rivals=(TUTORIAL, ELSEWHERE),
    )
    closed, latency, mix, unpinned, unpinned_latency = servers.measure(effort)
    for table in (closed, mix, unpinned):
        assert [NULL, PILLION.name, TUTORIAL.name] == [row[0] for row in table.rows]
        assert CLOSED_COLUMNS == table.columns
        assert 1.0 == table.rows[0][3]
        assert all(row[2] > 0 and row[-1] == 0 for row in table.rows)
        assert all(row[-2] > 500 for row in table.rows)  # bytes of an answer
    assert {20: 4, 40: 8} == {row[1]: row[5] for row in latency.rows}
    assert {40: 8} == {row[1]: row[5] for row in unpinned_latency.rows}
    assert "Left out: elsewhere, because there is no such program on this machine." in closed.notes
    assert any(note.startswith("Pillion : null handler = ") and "(aim: at least 0.5)" in note for note in closed.notes)


def test_the_aims_are_of_servers_that_there_are():
    assert {NULL} == AIMS.keys() - {rival.name for rival in contenders.RIVALS}


@pytest.fixture
def small():
    return cases.USUAL.make(3)


@pytest.mark.parametrize("rival", [HANDOVERS, FLASK], ids=lambda rival: rival.name)
def test_a_rival_makes_the_same_pods_and_stays_up_under_load(rival, small):
    with subjects.running(CORES, (rival,)) as running, running.under_load(small, 2) as pressed:
        rate = pressed[rival.name].press(0.3)
    assert rate > 0
    assert 0 == pressed[rival.name].errors


@pytest.fixture
def tutorial(tmp_path):
    certificate, key = subjects.write_certificate(tmp_path)
    site = contenders.Site(folder=tmp_path, certificate=certificate, key=key, cores=CORES)
    with TUTORIAL.start(site) as server:
        yield server, certificate


def test_an_answer_without_what_it_must_hold_is_counted_as_an_error(tutorial, small):
    server, certificate = tutorial
    with loads.connected(server.ports.main, certificate, small, connections=1, marker=b"elsewhere") as client:
        tally = client.press(0.1)
    assert len(tally.latencies) == tally.errors > 0


def test_an_answer_with_another_status_is_counted_and_told(tutorial, small):
    server, certificate = tutorial
    broken = small[0].replace(b'"object"', b'"subject"')
    with loads.connected(server.ports.main, certificate, [broken], connections=1) as client:
        tally = client.pace(50.0, 0.1)
        with pytest.raises(ConnectionError, match="expected status 200, got b'500'"):
            client.ask(broken)
    assert 5 == tally.errors


def test_the_wrong_pod_stops_the_measurement(tutorial, small):
    server, certificate = tutorial
    other = cases.Case("owners", "usual").make(1)[0]
    with pytest.raises(answers.WrongAnswer):
        subjects._verify(TUTORIAL, server, certificate, [(small[0], tutorials.answer(other))])


def test_a_server_that_does_not_start_is_told_with_its_last_words(tmp_path):
    command = (sys.executable, "-c", "print('no certificate')")
    with (
        pytest.raises(NotStartedError, match="it said 'no certificate'"),
        processes.announced(Start(command=command, log=tmp_path / "log", cores=CORES)),
    ):
        pass

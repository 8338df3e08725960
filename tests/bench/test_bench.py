"""The benchmarks measure what they say: every answer is the right one, and no figure is a test."""

from __future__ import annotations

import orjson
import pytest

from bench import answers, engines, growth, machines, nulls, pipelines, profiles, reviews, tutorials
from bench.__main__ import _markdown
from bench.answers import WrongAnswer
from bench.growth import Extent
from bench.measures import Figure, Table, interleave, percentile
from bench.reviews import Shape

BOTH = frozenset({"agent", "agent-init"})


@pytest.fixture(scope="module")
def engine():
    return engines.build(engines.parse(engines.read_template()))


def test_the_reviews_have_the_size_that_all_peers_are_measured_with():
    assert 12_800 <= len(reviews.make(0, Shape())) <= 13_000


def test_two_runs_see_the_same_reviews():
    assert reviews.make_many(5) == reviews.make_many(5)


def test_no_two_reviews_are_alike_in_name_uid_hash_and_a_variable():
    requests = [orjson.loads(body)["request"] for body in reviews.make_many(50)]
    pods = [request["object"] for request in requests]
    assert 50 == len({request["uid"] for request in requests})
    assert 50 == len({pod["metadata"]["name"] for pod in pods})
    assert 50 == len({pod["metadata"]["labels"]["pod-template-hash"] for pod in pods})
    assert 50 == len({pod["spec"]["containers"][0]["env"][0]["value"] for pod in pods})


@pytest.mark.parametrize(
    ("shape", "low", "high"),
    [
        (Shape(containers=1, variables=0), 4_500, 5_500),
        (Shape(variables=2060), 480_000, 520_000),
        (Shape(containers=50), 140_000, 180_000),
    ],
)
def test_a_shape_says_how_large_a_review_is(shape, low, high):
    assert low <= len(reviews.make(1, shape)) <= high


def test_the_engine_and_the_tutorial_make_the_same_pods(engine):
    for body in reviews.make_many(5):
        answers.check_same(body, engine(body), tutorials.answer(body))


def test_a_different_pod_is_noticed(engine):
    body, other = reviews.make_many(2)
    with pytest.raises(WrongAnswer, match="expected a patch for review"):
        answers.check_same(body, engine(other), tutorials.answer(body))
    with pytest.raises(WrongAnswer, match=r"expected the containers \['elsewhere'\]"):
        answers.check_containers(body, engine(body), frozenset({"elsewhere"}))


def test_a_pod_gets_the_copies_that_it_asks_for_and_no_others():
    answer = engines.build(*engines.make_copies(3))
    body = reviews.make(0, Shape(templates=("agent-1", "agent-3")))
    pod = answers.inject(body, answer(body))
    names = {container["name"] for container in pod["spec"]["initContainers"]}
    assert {"agent-1", "agent-1-init", "agent-3", "agent-3-init"} == names


def test_each_round_visits_every_subject_in_turn():
    visits = []
    figures = interleave({name: lambda name=name: visits.append(name) or len(visits) for name in "ab"}, rounds=2)
    assert ["a", "b", "a", "b"] == visits
    assert Figure((1, 3)) == figures["a"]


def test_a_ratio_is_taken_round_by_round():
    assert Figure((2.0, 4.0)) == Figure((2.0, 8.0)) / Figure((1.0, 2.0))


def test_the_99th_percentile_is_the_worst_but_one_percent():
    assert 99 == percentile(range(100), 0.99)
    assert 50 == percentile(range(100), 0.5)


def test_a_table_is_printed_as_aligned_markdown():
    table = Table("t", "title", ("what", "n"), (("short", 1), ("much longer", 1000)))
    assert "| much longer | 1,000 |" in _markdown(table)
    assert {"title": "title", "rows": [{"what": "short", "n": 1}, {"what": "much longer", "n": 1000}], "notes": []} == (
        table.as_json()
    )


def test_the_pipelines_are_compared_on_verified_answers():
    table = pipelines.measure(rounds=1, count=8)
    assert [1.0] == [row[3] for row in table.rows if row[0].startswith("tutorial")]
    assert 3 == len(table.rows)


def test_growth_covers_all_four_quantities():
    extent = Extent(rounds=1, reviews=2, variables=(0, 20), containers=(1, 2), chosen=(1, 3), stored=(1, 5))
    rows = growth.measure(extent).rows
    assert ["pod, kB", "containers", "templates chosen", "templates stored, not chosen"] == [
        row[0] for row in rows[::2]
    ]
    assert [1.0] * 4 == [row[4] for row in rows[::2]]


def test_the_null_handler_answers_the_size_that_it_is_told():
    started = []
    environ = {"wsgi.input": _Input(), "CONTENT_LENGTH": "7"}
    body = nulls.build(10)(environ, lambda status, headers: started.append((status, dict(headers))))
    assert b" " * 10 == b"".join(body)
    assert [("200 OK", {"Content-Type": "application/json", "Content-Length": "10"})] == started
    assert 7 == environ["wsgi.input"].read_bytes


def test_a_profile_names_the_functions_of_the_engine(capsys):
    profiles.show("cumulative", 20, count=3)
    assert "admission.py" in capsys.readouterr().out


def test_the_machine_is_described_beside_the_figures():
    assert {"python", "processor", "cores", "orjson"} <= machines.describe().keys()


class _Input:
    read_bytes = 0

    def read(self, size):
        self.read_bytes += size
        return b" " * size

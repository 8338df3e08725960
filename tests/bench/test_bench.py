"""The benchmarks measure what they say: every answer is the right one, and no figure is a test."""

from __future__ import annotations

import http.client
import ssl
import subprocess
import sys
from base64 import b64decode, b64encode

import orjson
import pytest

from bench import (
    answers,
    apis,
    builds,
    cases,
    engines,
    growth,
    handovers,
    idles,
    machines,
    nulls,
    pipelines,
    profiles,
    reviews,
    soaks,
    tutorials,
)
from bench.answers import WrongAnswer
from bench.growth import Extent
from bench.measures import Figure, Table, exponent, interleave, percentile
from bench.reviews import Shape
from bench.soaks import Sample
from injector.cli.throwaways import write_certificate
from injector.shell import certificates, servers
from injector.shell.certificates import Files
from injector.shell.limits import Limits

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


def test_every_template_and_every_shape_is_a_case_of_its_own():
    made = [case.make(1)[0] for case in cases.everything()]
    sizes = sorted({round(len(body), -3) for body in made})
    assert 20 == len(set(made))
    assert [5_000, 13_000, 44_000, 105_000] == sizes


def test_reviews_take_turns_in_a_mix():
    bodies = cases.mix(2, ("small",))
    assert 10 == len(set(bodies))
    assert [tutorials.choose(orjson.loads(body)["request"]["object"]) for body in bodies] == [*cases.TEMPLATES] * 2


def test_a_review_with_another_token_is_the_review_of_another_number():
    body = reviews.make(7, Shape())
    assert reviews.make(8, Shape()) == reviews.token(8).encode().join(reviews.cut(body))


def test_a_review_that_is_measured_again_is_another():
    bodies = reviews.make_many(3)
    seen = [*bodies, *reviews.renew(bodies), *reviews.renew(bodies)]
    assert 9 == len(set(seen))
    assert {len(body) for body in bodies} == {len(body) for body in seen}


def test_all_designs_start_from_the_same_values_and_have_the_same_templates():
    usual = builds.PEERS / "usual/templates"
    assert (tutorials.FOLDER / "values.yaml").read_text() == (usual / "values.yaml").read_text()
    assert {*cases.TEMPLATES} == {path.stem for path in usual.glob("*.tmpl")}
    assert {*cases.TEMPLATES} == {path.name.partition(".")[0] for path in tutorials.FOLDER.glob("*.j2")}


def test_pods_are_alike_that_differ_in_what_is_empty_only(engine):
    body = reviews.make(0, Shape())
    typed = orjson.loads(tutorials.answer(body))
    patch = [
        *orjson.loads(b64decode(typed["response"]["patch"])),
        {"op": "add", "path": "/spec/hostAliases", "value": []},
    ]
    typed["response"]["patch"] = b64encode(orjson.dumps(patch)).decode()
    answers.check_alike(body, orjson.dumps(typed), engine(body))


def test_designs_may_leave_the_token_to_the_api_server_but_not_mount_it_otherwise(engine):
    body = reviews.make(0, Shape())
    ours, text = orjson.loads(engine(body)), b64decode(orjson.loads(tutorials.answer(body))["response"]["patch"])
    patch = orjson.loads(b64decode(ours["response"]["patch"]))
    [starters] = [operation for operation in patch if operation["path"] == "/spec/initContainers"]
    mounts = [container["volumeMounts"][-1] for container in starters["value"]]

    assert [answers.TOKEN_PATH] * 2 == [mount["mountPath"] for mount in mounts]
    assert answers.TOKEN_PATH.encode() not in text
    answers.check_same(body, engine(body), tutorials.answer(body))

    mounts[0]["readOnly"] = False
    ours["response"]["patch"] = b64encode(orjson.dumps(patch)).decode()
    with pytest.raises(WrongAnswer, match="make different pods"):
        answers.check_same(body, orjson.dumps(ours), tutorials.answer(body))


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
    assert "| much longer | 1,000 |" in table.as_markdown()
    rows = [{"what": "short", "n": 1}, {"what": "much longer", "n": 1000}]
    assert {"title": "title", "rows": rows, "notes": [], "series": {}} == table.as_json()


def test_the_pipelines_are_compared_on_verified_answers():
    usual, every = pipelines.measure(pipelines.Effort(rounds=1, reviews=8))
    assert [1.0] == [row[3] for row in usual.rows if row[0].startswith("tutorial")]
    assert 3 == len(usual.rows)
    assert [(case.name, case.template) for case in cases.everything()] == [row[:2] for row in every.rows]


def test_growth_covers_all_four_quantities():
    extent = Extent(rounds=1, reviews=2, variables=(0, 20), containers=(1, 2), chosen=(1, 3), stored=(1, 5))
    (table,) = growth.measure(extent)
    rows = table.rows
    assert ["pod, kB", "containers", "templates chosen", "templates stored, not chosen"] == [
        row[0] for row in rows[::2]
    ]
    assert [1.0] * 4 == [row[4] for row in rows[::2]]
    assert [2] * 4 == [len(points) for points in table.series.values()]


@pytest.mark.parametrize(("larger", "dearer", "power"), [(2, 2, 1.0), (2, 4, 2.0), (5, 1, 0.0)])
def test_cost_that_grows_as_much_as_the_size_is_linear(larger, dearer, power):
    assert power == exponent(larger, dearer)


def test_idle_connections_stay_open_beside_the_busy_ones():
    (table,) = idles.measure(idles.Effort(rounds=1, seconds=0.2, idle=(1, 30)))
    assert [(1, 0), (30, 0)] == [(row[0], row[-1]) for row in table.rows]


def test_a_soak_counts_its_reviews_and_samples_memory():
    table = soaks.measure(200, seconds=0.1)
    assert table.rows[-1][0] >= 200
    assert len(table.rows) > soaks.SAMPLES
    assert "0 errors" in table.notes[1]


def test_memory_that_grows_is_seen_by_its_trend_not_by_its_noise():
    noisy = [Sample(n, n / 10, 50 + n / 100 + (n % 3)) for n in range(0, 1001, 10)]
    assert 0.14 < soaks.find_trend(noisy).growth < 0.18
    flat = [Sample(n, n / 10, 30 if n < 100 else 50 + (n % 3)) for n in range(0, 1001, 10)]
    assert abs(soaks.find_trend(flat).growth) < 0.01


def test_an_empty_api_server_has_nothing_and_watches_in_silence(tmp_path):
    certificate, key = write_certificate(tmp_path)
    context = ssl.create_default_context(cafile=str(certificate))
    path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
    with apis.running(certificate, key) as port:
        calls = [http.client.HTTPSConnection("localhost", port, context=context, timeout=10) for _ in range(2)]
        calls[0].request("GET", path)
        assert [] == orjson.loads(calls[0].getresponse().read())["items"]
        calls[1].request("GET", f"{path}?watch=1")
        assert 200 == calls[1].getresponse().status
        for call in calls:
            call.close()


def test_a_peer_that_cannot_be_compiled_is_absent_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(builds.Absent, match=r"^there is no Go on this machine \(https://go.dev/dl\)$"):
        builds.usual()
    script = tmp_path / "go"
    script.write_text("#!/bin/sh\necho first; echo 'no such module' >&2; exit 1\n")
    script.chmod(0o755)
    with pytest.raises(builds.Absent, match=r"^go failed: no such module$"):
        builds.vault()


def test_the_null_handler_answers_the_size_that_it_is_told():
    started = []
    environ = {"wsgi.input": _Input(), "CONTENT_LENGTH": "7"}
    body = nulls.build(10)(environ, lambda status, headers: started.append((status, dict(headers))))
    assert b" " * 10 == b"".join(body)
    assert [("200 OK", {"Content-Type": "application/json", "Content-Length": "10"})] == started
    assert 7 == environ["wsgi.input"].read_bytes


def test_with_hand_over_no_path_is_answered_in_the_event_loop(monkeypatch, tmp_path):
    monkeypatch.setattr(servers, "build_https", servers.build_https)  # for the end of the test
    certificate, key = write_certificate(tmp_path)
    context = certificates.load(Files(certificate=certificate, key=key)).context
    handovers.hand_over()
    server = servers.build_https(
        nulls.build(1), context, Limits(), host="localhost", port=0, inline_paths=frozenset({"/mutate"})
    )
    with servers.running(server):
        assert frozenset() == server._listener.task_dispatcher.inline_paths


@pytest.mark.parametrize("part", ["nowhere", "Servers"])
def test_an_unknown_part_is_refused_with_the_parts_that_there_are(part):
    run = subprocess.run(
        [sys.executable, "-m", "bench", part], cwd=builds.ROOT, capture_output=True, text=True, check=False
    )
    assert 2 == run.returncode
    assert (
        f"there is no part '{part}'; there are pipelines, growth, idles, footprints, servers and profile" in run.stderr
    )


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

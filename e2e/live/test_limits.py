"""A template as large as a ConfigMap can be, a thousand templates, and thousands of ConfigMaps that are none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.live import config_maps, footprints, pods, proxies, quarantines, servers
from e2e.live.conftest import ENABLED, wait
from e2e.live.footprints import MIB

CREATORS = 8
TEMPLATES = 1_000
OTHERS = 5_000
OTHER_SIZE = 4_096
"""Bytes of each: all of them are five times what a server may grow by."""
GROWTH = 4 * MIB
PATH = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
_MANY = {f"many-{number:04}" for number in range(TEMPLATES)}
FILLING = "e2e-filling"
"""A label by which all that was made is found again."""


def config_map(name, data):
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {FILLING: "true"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def template(name, text):
    return config_maps.template(name, {"env": text}, labels={FILLING: "true"})


@pytest.fixture
def fill(shipped, proxy):
    """Create many ConfigMaps, by several creators at once; all are deleted afterwards."""

    def create(made: list) -> None:
        parts = [made[number::CREATORS] for number in range(CREATORS)]
        with ThreadPoolExecutor(CREATORS) as executor:
            refused = [
                refusal for found in executor.map(lambda part: list(_create(proxy, part)), parts) for refusal in found
            ]
        assert [] == refused

    yield create
    caller = proxies.Caller(proxy)
    assert 200 == caller.send("DELETE", f"{PATH}?labelSelector={FILLING}").status
    caller.close()
    clusters.await_true(
        "no server has any left",
        lambda: not any(_MANY & servers.revisions(each).keys() for each in servers.names()),
        60,
    )


def _create(port: int, made: list) -> Iterator[str]:
    caller = proxies.Caller(port)
    for each in made:
        answer = caller.send("POST", PATH, each)
        if not answer.created:
            yield answer.message
    caller.close()


LARGEST = template("largest", "# far too long\n" * (MIB // 15 - 10))
"""Within what the API server takes, which is 1 MiB."""


def test_a_template_of_a_mebibyte_is_refused_when_it_is_applied(shipped):
    done = clusters.apply([LARGEST])

    assert 1 == done.returncode
    assert f"ConfigMap {NAMESPACE}/largest, key env: the text has more than 65536 bytes" in done.stderr


def test_a_template_of_a_mebibyte_that_nobody_checked_is_not_served_and_not_in_the_way(shipped, preview, fill):
    before = {server: footprints.resident(server) for server in servers.names()}
    with quarantines.unchecked():
        clusters.await_true("it is not checked", lambda: clusters.apply([LARGEST]).returncode == 0)
    quarantines.await_problem("largest", "none")

    assert ["log-reader", "app"] == pods.containers(preview())
    assert [] == [server for server in before if footprints.resident(server) - before[server] > 5 * GROWTH]
    clusters.delete([LARGEST])
    quarantines.await_problem("largest", None)


def test_a_thousand_templates_are_in_force_and_each_is_found(fill, figures, caller):
    before = _residents()
    names = sorted(_MANY)
    started = time.monotonic()
    with quarantines.unchecked():
        fill([template(name, f"- {{name: MANY, value: {name}}}\n") for name in names])
    _await_all(names)
    figures[f"seconds until {TEMPLATES:,} templates are in force"] = f"{time.monotonic() - started:.0f}"
    figures[f"MiB of a server before and with {TEMPLATES:,} templates"] = (
        f"{before / MIB:.0f}, {_residents() / MIB:.0f}"
    )

    started = time.monotonic()
    _replace_server()
    figures[f"seconds until another server is ready with {TEMPLATES:,} templates"] = f"{time.monotonic() - started:.0f}"
    _await_all(names)
    for name in (names[0], names[-1], names[500]):
        answer = caller.create_pod(pods.pod("web", ENABLED, annotations={"pillion.dev/templates": name}))
        assert {"MANY": name} == pods.variables(answer.object)


def test_config_maps_that_are_no_templates_weigh_nothing(fill, figures, preview):
    before = _residents()
    fill([config_map(f"other-{number:04}", {"text": "x" * OTHER_SIZE}) for number in range(OTHERS)])
    preview()
    grown = _residents() - before

    figures[f"MiB that {OTHERS:,} other ConfigMaps add to a server"] = f"{grown / MIB:.1f}"
    assert grown < GROWTH


def _replace_server():
    """Delete a server, and wait until the one in its place is ready."""
    before = servers.names()
    deleted = clusters.kubectl("-n", NAMESPACE, "delete", "pod", before[0], "--wait=false")
    assert deleted.returncode == 0, deleted.stderr
    clusters.await_true("another server", lambda: len(servers.names()) == len(before))
    [new] = set(servers.names()) - set(before)
    wait(f"pod/{new}", "condition=Ready", NAMESPACE, 180)


def _await_all(names):
    clusters.await_true(
        "all in force", lambda: all(set(names) <= servers.revisions(each).keys() for each in servers.names()), 120
    )


def _residents():
    """Return the memory of the server that has most."""
    return max(footprints.resident(server) for server in servers.names())

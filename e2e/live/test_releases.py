"""A second release beside the first, under a domain of its own: upgraded, rolled back, repaired, removed."""

from __future__ import annotations

import json

import pytest

from e2e.chart import clusters
from e2e.live import pods
from e2e.live.conftest import PLAIN
from e2e.live.installations import VALUES, Installation

NAME, SPACE, DOMAIN = "spare", "spare-system", "spare.example.com"
SHIFTING = ("events", "componentstatuses", "nodes", "podmetrics")
GREETER = {"data": {"env": [{"name": "GREETING", "value": "hello {{ pod.metadata.name }}"}]}}


@pytest.fixture(scope="module")
def spare(namespaces):
    """Install the second release with a template from its values; tell what was there before."""
    before = _inventory()
    values = {**VALUES, "domain": DOMAIN, "templates": {"greeter": {"annotations": {"default": True}, **GREETER}}}
    release = Installation(NAME, SPACE, values)
    release.install()
    yield release, before
    release.run("uninstall", "--ignore-not-found", "--wait")
    clusters.kubectl("delete", "namespace", SPACE, "--ignore-not-found", "--wait=false")


def test_a_template_from_the_values_is_at_work_under_a_domain_of_its_own(spare):
    assert _greeted()


def test_an_upgrade_that_changes_nothing_changes_nothing(spare):
    release, _ = spare
    before = _objects()
    release.upgrade()

    assert before == _objects()


def test_a_rollback_goes_back_and_keeps_the_authority(spare):
    release, _ = spare
    before = _bundles()
    release.upgrade("--set", "webhook.timeoutSeconds=7")
    assert 7 == _webhooks()[0]["timeoutSeconds"]
    release.run("rollback", "1", "--wait")

    assert (5, before) == (_webhooks()[0]["timeoutSeconds"], _bundles())
    assert _greeted()


def test_an_upgrade_that_replaces_everything_is_repaired(spare):
    release, _ = spare
    before = _bundles()
    release.upgrade("--force-replace", "--server-side=false")

    assert before == _bundles()
    assert _greeted()


def test_a_removed_release_leaves_nothing(spare):
    release, before = spare
    assert any(NAME in name for _, _, name in _inventory())
    release.run("uninstall", "--wait")
    clusters.kubectl("delete", "namespace", SPACE)

    ours = {each for each in _inventory() - before if NAME in each[1] or NAME in each[2]}
    assert set() == ours


def _greeted():
    pod = pods.pod(pods.name("web"), PLAIN, labels={f"{DOMAIN}/inject": "true"})
    done = clusters.create(pod, "--dry-run=server")
    return "GREETING" in pods.variables(json.loads(done.stdout))


def _webhooks():
    text = clusters.kubectl("get", "mutatingwebhookconfiguration", f"{NAME}-pillion", "-o", "json").stdout
    return json.loads(text)["webhooks"]


def _bundles():
    return [each["clientConfig"].get("caBundle") for each in _webhooks()]


def _list(*flags):
    kinds = clusters.kubectl("api-resources", "--verbs=list", "-o", "name").stdout.split()
    kinds = [kind for kind in kinds if not kind.startswith(SHIFTING)]
    listed = clusters.kubectl("get", ",".join(kinds), "-A", "-o", "json", "--ignore-not-found", *flags)
    return json.loads(listed.stdout or '{"items": []}')["items"]


def _inventory():
    """Return kind, namespace and name of everything in the cluster."""
    return {(each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in _list()}


def _objects():
    """Return all objects of the release with what makes a change of theirs seen; status is none."""
    found = (each for each in _list("-l", f"app.kubernetes.io/instance={NAME}"))
    metadata = ((each["kind"], each["metadata"]) for each in found)
    return {
        (kind, each["name"]): each.get("generation") or (each["uid"], each["resourceVersion"])
        for kind, each in metadata
    }

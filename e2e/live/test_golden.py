"""
Every golden case of the engine, replayed through the installed webhook: as its author writes it, by a real API server.

The cases share names, so each has its templates for itself: one server, no shipped templates, and ``Fail``, so that an
error of ours would be seen. What the API server adds is told apart by the rules of ``tests/golden/deliveries.py``.
"""

from __future__ import annotations

import json
import time

import pytest
import yaml

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.chart.conftest import account
from e2e.live import servers
from tests.golden import deliveries
from tests.golden.cases import NAMES, load, without_status

ALONE = {
    "replicas": 1,
    "shippedTemplates": [],
    "templateValidation": {"enabled": False},
    "webhook": {"hostNetwork": True, "failurePolicy": "Fail"},
}


def policy(name):
    """Return what the chart sets for a case."""
    given = load(name).rules.get("policy") or {}
    values = {"privilegedTemplates": given.get("privileged_templates", []), "parameters": given.get("parameters", {})}
    return {**values, "kubernetesVersion": "" if given.get("native_sidecars", True) else "1.28"}


def order(name):
    return json.dumps(policy(name), sort_keys=True), name


INVALID = {
    "labels-and-annotations-fill-in-and-the-author-wins": "an annotation with a tilde",
    "unknown-fields-and-ephemeral-containers-of-the-pod-survive": "ephemeral containers in a new pod",
}
"""What an API server refuses whatever we do, after it has called us."""
ADMITTED = sorted((name for name in NAMES if load(name).recorded("delivered.json") and name not in INVALID), key=order)
"""The API server refuses the others before it calls anybody. Those of one policy come together."""
GIVEN = ("kube-system", "kube-public", "kube-node-lease", NAMESPACE)
"""Namespaces that are there already and stay."""


class Stage:
    """What stands in the cluster for the case at hand; every step does only what is not done already."""

    def __init__(self, release, others) -> None:
        self._release = release
        self._others = others
        clusters.delete(others)
        self._policy = None
        self._ready = {}
        self.templates = []

    def set_policy(self, wanted) -> None:
        if wanted == self._policy:
            return
        self._release.upgrade("--no-hooks", values={**ALONE, **wanted})
        clusters.await_true("one server", lambda: len(servers.names()) == 1, 60)
        self._policy = wanted

    def set_namespace(self, case) -> None:
        name = case.namespace.name
        metadata = {"labels": dict(case.namespace.labels), "annotations": dict(case.namespace.annotations)}
        wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **metadata}}
        if self._ready.get(name) != wanted and name not in GIVEN:
            self._apply([wanted])
            self._ready[name] = wanted

    def set_account(self, case) -> None:
        spec, space = case.pod["spec"], case.namespace.name
        names = {"default", spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"}
        accounts = [account(space) | {"metadata": {"name": name, "namespace": space}} for name in sorted(names)]
        specs = [each["spec"] for each in (case.pod, case.expected or case.pod)]
        wanted = [*accounts, *(_priority_class(each) for each in specs if _has_class(each))]
        if any(self._ready.get(json.dumps(each)) is None for each in wanted):
            self._apply(wanted)
            self._ready |= {json.dumps(each): each for each in wanted}

    def set_templates(self, wanted) -> None:
        clusters.delete(self.templates)
        servers.await_names(set())  # or the last good one of the same name would live on in place of a broken one
        self.templates = wanted
        self._apply(wanted)
        servers.await_names({each["metadata"]["name"] for each in wanted if each["metadata"]["namespace"] == NAMESPACE})

    def clear(self) -> None:
        clusters.delete(self.templates)
        clusters.delete([each for name, each in self._ready.items() if each["kind"] in {"Namespace", "PriorityClass"}])
        self._release.upgrade()  # with its hooks: the webhook for templates is new, and trusts nobody yet
        self._apply(self._others)
        servers.await_templates(self._others)

    @staticmethod
    def _apply(things) -> None:
        if things:
            applied = clusters.apply(things)
            assert applied.returncode == 0, applied.stderr


@pytest.fixture(scope="module")
def stage(release, shipped):
    found = Stage(release, list(shipped.values()))
    yield found
    found.clear()


@pytest.mark.parametrize("name", ADMITTED)
def test_the_installed_webhook_does_as_the_golden_case_says(stage, caller, name):
    case = load(name)
    stage.set_policy(policy(name))
    stage.set_namespace(case)
    stage.set_account(case)
    stage.set_templates([each for each in yaml.safe_load_all((case.folder / "templates.yaml").read_text()) if each])

    deadline = time.monotonic() + 5  # for news of the namespace, which nobody can be asked for
    while faults := list(_faults(case, caller.create_pod(_placed(case)))):
        assert time.monotonic() < deadline, "\n".join(faults)
        time.sleep(0.2)


def _faults(case, answer):
    """Yield what is not as it should be."""
    if denied := case.rules.get("denied"):
        if answer.created or denied not in answer.message:
            yield f"expected a denial with {denied!r}, got {answer.status}: {answer.message[:500]}"
        return
    if not answer.created:
        yield f"{answer.status}: {answer.message}"
        return
    yield from _differences(case, answer.object)
    yield from (
        f"there is no warning of {wanted!r} in {answer.warnings}"
        for wanted in case.rules.get("warnings", ())
        if not any(wanted in warning for warning in answer.warnings)
    )


def _differences(case, stored):
    """Yield what is missing, too much or in a wrong place, less what the API server does to the expected pod itself."""
    authored, expected, result = map(without_status, (case.pod, case.expected, stored))
    received, kept = (case.recorded(file) for file in ("delivered.json", "expected.delivered.json"))
    missing = deliveries.additions(result, expected) - deliveries.additions(kept, expected)
    known = deliveries.additions(authored, expected) | deliveries.leaves(kept)
    surplus = {leaf for leaf in deliveries.additions(received, result) - known if not _is_random(leaf)}
    misplaced = set(deliveries.misplaced(result, expected)) - set(deliveries.misplaced(kept, expected))
    yield from (f"missing: {leaf}" for leaf in sorted(missing))
    yield from (f"too much: {leaf}" for leaf in sorted(surplus))
    yield from (f"misplaced: {leaf}" for leaf in sorted(misplaced))


def _is_random(leaf):
    """Whether a leaf is what is different each time: identity, dates, owners, the token's volume."""
    path, text = leaf
    vanishing = (f"/metadata/{key}" for key in ("uid", "creationTimestamp", "managedFields", "generation"))
    return path.startswith((*vanishing, "/metadata/name", "/status")) or deliveries.TOKEN_VOLUME in path + text


def _placed(case):
    return {**case.pod, "metadata": {**case.pod["metadata"], "namespace": case.namespace.name}}


def _has_class(spec):
    return not spec.get("priorityClassName", "system-").startswith("system-")


def _priority_class(spec):
    head = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    policy = {"preemptionPolicy": spec["preemptionPolicy"]} if spec.get("preemptionPolicy") else {}
    return {**head, **policy, "metadata": {"name": spec["priorityClassName"]}, "value": spec.get("priority") or 1000}

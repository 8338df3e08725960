"""Whatever the chart renders, a real API server accepts, field by field."""

from __future__ import annotations

import pytest

from e2e.chart import charts, clusters
from e2e.chart.conftest import RESTRICTED
from e2e.chart.switches import CASES, EVERYTHING


@pytest.fixture(scope="module")
def accounts(namespaces):
    """What a dry run does not make, but looks for: namespaces of tests and the accounts of their pods."""
    for release in ("pillion", "passengers"):
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{release}-test"}}
        account = {"name": f"{release}-test", "namespace": charts.NAMESPACE}
        done = clusters.apply([space, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}])
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("case", CASES)
def test_every_manifest_is_accepted_with_no_field_unknown_and_no_warning(accounts, case):
    things = charts.objects(charts.render(CASES[case], "--kube-version", "1.36.3"))
    done = clusters.apply(things, "--dry-run=server", "--validate=strict")

    warnings = [
        line for line in done.stderr.splitlines() if "failed to find any PEM data" not in line and "skew" not in line
    ]
    assert (0, []) == (done.returncode, warnings)
    assert len(things) == len(done.stdout.splitlines())


def test_pods_pass_the_restricted_level_of_a_real_pod_security_admission(namespaces):
    values = {key: value for key, value in EVERYTHING.items() if not key.startswith("extra") and key != "hostNetwork"}
    texts = charts.objects(charts.render(values))
    pods = [_as_pod(each) for each in texts if each["kind"] in {"Deployment", "Job", "Pod"}]

    assert [""] * 4 == [clusters.create(pod, "--dry-run=server").stderr for pod in pods]


def _as_pod(thing):
    template = thing if thing["kind"] == "Pod" else thing["spec"]["template"]
    metadata = {"name": thing["metadata"]["name"], "namespace": RESTRICTED, "labels": template["metadata"]["labels"]}
    spec = {**template["spec"], "serviceAccountName": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

"""Every kind that makes pods makes them with their passengers."""

from __future__ import annotations

import json

import pytest

from e2e.chart import clusters
from e2e.live import pods
from e2e.live.conftest import ENABLED, read_log, wait

LASTING = {"Deployment": "condition=Available", "StatefulSet": "jsonpath={.status.readyReplicas}=1"} | {
    "DaemonSet": "jsonpath={.status.numberReady}=1"
}


@pytest.mark.parametrize("kind", LASTING)
def test_the_pods_of_a_workload_run_with_their_sidecar_at_work(start, kind):
    name = pods.name(kind.lower())
    start(pods.workload(kind, name, ENABLED))
    wait(f"{kind.lower()}/{name}", LASTING[kind])

    [pod] = _pods(f"app={name}")
    assert ["log-reader", "app"] == pods.containers(pod)
    clusters.await_true(
        "the sidecar reads what the application writes",
        lambda: "read hello from" in read_log(pod["metadata"]["name"], "log-reader"),
    )


def test_a_job_completes_though_its_sidecar_would_run_for_ever(start):
    name = pods.name("job")
    start(pods.workload("Job", name, ENABLED))
    wait(f"job/{name}", "condition=Complete")

    [pod] = _pods(f"app={name}")
    assert "Succeeded" == pod["status"]["phase"]
    assert "read hello from" in read_log(pod["metadata"]["name"], "log-reader")


def test_a_cron_job_makes_jobs_that_complete(start):
    name = pods.name("cron")
    start(pods.workload("CronJob", name, ENABLED))
    made = clusters.kubectl("-n", ENABLED, "create", "job", f"{name}-now", f"--from=cronjob/{name}")
    assert made.returncode == 0, made.stderr
    wait(f"job/{name}-now", "condition=Complete")

    [pod] = _pods(f"app={name}")
    assert ["log-reader", "app"] == pods.containers(pod)


def _pods(selector):
    return json.loads(clusters.kubectl("-n", ENABLED, "get", "pods", "-l", selector, "-o", "json").stdout)["items"]

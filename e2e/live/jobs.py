"""The Jobs of the certificates: those that helm starts, and renewals that are started by hand."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from e2e.chart import clusters
from e2e.chart.charts import Object
from e2e.live import nodes, pods
from e2e.live.obstacles import Obstacle
from e2e.live.spares import Spare

PATIENCE = 180


@dataclass(frozen=True)
class Job:
    """A Job of a release, and its pods."""

    release: Spare
    name: str

    def pods(self) -> list[Object]:
        """Return its pods, the oldest first."""
        found = self.release.read("pods", "-l", f"batch.kubernetes.io/job-name={self.name}")["items"]
        return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def log(self) -> str:
        """Return what its newest pod has said so far, without the times."""
        found = self.pods()
        text = self._log(found[-1]["metadata"]["name"]) if found else ""
        return re.sub(r"^\S+Z \[\w+ *\] | +$", "", text, flags=re.MULTILINE)

    def codes(self) -> list[int]:
        """Return the exit codes of its pods that have ended."""
        states = [status["state"] for pod in self.pods() for status in pod["status"].get("containerStatuses", ())]
        return [state["terminated"]["exitCode"] for state in states if "terminated" in state]

    def await_end(self) -> list[int]:
        """Wait until it is done or given up; return the exit codes of its pods."""

        def ended() -> bool:
            conditions = self.release.read("job", self.name)["status"].get("conditions", ())
            return any(each["type"] in {"Complete", "Failed"} and each["status"] == "True" for each in conditions)

        clusters.await_true(f"the end of {self.name}", ended, PATIENCE)
        return self.codes()

    def await_stop(self, obstacle: Obstacle) -> None:
        """Wait until it stands at an obstacle."""
        clusters.await_true(f"{self.name} stands at {obstacle.call}", lambda: self._stands(obstacle), PATIENCE)

    def kill(self) -> None:
        """Kill its newest pod's process, without any notice, and wait until that is known."""
        name = self.pods()[-1]["metadata"]["name"]
        nodes.signal("KILL", self.release.namespace, name)
        clusters.await_true(f"{name} was killed", lambda: 137 in self.codes())

    def _stands(self, obstacle: Obstacle) -> bool:
        return bool(re.search(rf"{re.escape(obstacle.call)} .*is tried again", self.log()))

    def _log(self, pod: str) -> str:
        return clusters.kubectl("-n", self.release.namespace, "logs", pod).stdout


def renew(release: Spare, *flags: str, retries: int = 3) -> Job:
    """Start a renewal by hand, with further flags; the Service's name leads to its address also without DNS."""
    name = pods.name("renewal")
    source = f"--from=cronjob/{release.full_name}-certs-renew"
    made = clusters.kubectl("-n", release.namespace, "create", "job", name, source, "--dry-run=client", "-o", "json")
    assert made.returncode == 0, made.stderr
    job = json.loads(made.stdout)
    job["spec"]["backoffLimit"] = retries
    spec = job["spec"]["template"]["spec"]
    spec["containers"][0]["args"] += flags
    address = release.read("service", release.full_name)["spec"]["clusterIP"]
    spec["hostAliases"] = [{"ip": address, "hostnames": [f"{release.full_name}.{release.namespace}.svc"]}]
    created = clusters.create(job)
    assert created.returncode == 0, created.stderr
    return Job(release, name)

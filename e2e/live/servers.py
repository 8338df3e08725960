"""What the running servers know, from their own metrics: through the API server, as nothing else leads to a pod."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE, Object
from injector.core import templates
from injector.core.model import Policy

SERVERS = "app.kubernetes.io/instance=pillion,app.kubernetes.io/component=server"
PROPAGATION = 20
"""Seconds that news may take on a host that is busy; how long it does take is measured elsewhere."""


def names(selector: str = SERVERS, namespace: str = NAMESPACE) -> list[str]:
    """List the pods of all servers that are not on their way out."""
    listed = clusters.kubectl("-n", namespace, "get", "pods", "-l", selector, "-o", "json")
    pods = json.loads(listed.stdout)["items"]
    return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def metrics(server: str, namespace: str = NAMESPACE) -> str:
    """Read the metrics of a server."""
    path = f"/api/v1/namespaces/{namespace}/pods/{server}:8080/proxy/metrics"
    return clusters.kubectl("get", "--raw", path).stdout


def count(text: str, metric: str, **labels: str) -> float:
    """Add up a counter of some metrics over all labels but these."""
    found = re.findall(rf"^{metric}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
    wanted = {f'{key}="{value}"' for key, value in labels.items()}
    return sum(float(number) for names, number in found if wanted <= set(names.split(",")))


def revisions(server: str) -> dict[str, str]:
    """Return the templates that are in force, with their revisions."""
    found = re.findall(r"^pillion_template_info\{(.*)\} 1", metrics(server), re.MULTILINE)
    labels = (dict(re.findall(r'(\w+)="(.*?)"', each)) for each in found)
    return {each["template"]: each["revision"] for each in labels}


def revision(configmap: Object) -> str:
    """Compute the revision that a template is going to have."""
    return templates.parse(configmap, Policy()).revision


def await_templates(configmaps: Iterable[Object], seconds: float = PROPAGATION) -> None:
    """Wait until every server has exactly these revisions of these templates in force."""
    wanted = {each["metadata"]["name"]: revision(each) for each in configmaps}
    clusters.await_true(
        f"{', '.join(wanted)} in force",
        lambda: all(wanted.items() <= revisions(server).items() for server in names()),
        seconds,
    )


def await_absence(template: str) -> None:
    """Wait until no server has a template."""
    clusters.await_true(
        f"{template} gone", lambda: not any(template in revisions(server) for server in names()), PROPAGATION
    )


def await_names(wanted: set[str]) -> None:
    """Wait until every server knows of these templates and no others, those that it cannot load included."""
    gauge = re.compile(r'^pillion_template_(?:info|problems)\{.*?template="(.*?)".*\} 1', re.MULTILINE)
    clusters.await_true(
        f"{wanted or 'nothing'} known",
        lambda: all(wanted == set(gauge.findall(metrics(server))) for server in names()),
        PROPAGATION,
    )

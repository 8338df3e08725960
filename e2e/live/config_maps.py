"""Templates as ConfigMaps in the release's namespace."""

from __future__ import annotations

from collections.abc import Mapping

from e2e.chart.charts import NAMESPACE, Object


def template(
    name: str, data: Mapping[str, str], labels: Mapping[str, str] | None = None, **fields: Mapping[str, str]
) -> Object:
    """Make a template with these data, further labels, and further *fields* of its metadata."""
    marked = {"pillion.dev/template": "true", **(labels or {})}
    metadata = {"name": name, "namespace": NAMESPACE, "labels": marked, **fields}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}

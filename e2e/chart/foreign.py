"""
The shape of the kinds of other projects, as far as the chart uses them: types, required fields, enums, patterns.

    cat CRD.yaml... | python -m e2e.chart.foreign      # cert-manager's and the Prometheus operator's own files

writes ``foreign.json`` anew. A field that the chart begins to use is an error until this was done.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from e2e.chart import charts
from e2e.chart.charts import Object
from e2e.chart.switches import FOREIGN

FILE = Path(__file__).with_name("foreign.json")
_FACTS = ("type", "required", "enum", "pattern", "x-kubernetes-int-or-string")


def used() -> Iterator[Object]:
    """Yield all objects of foreign kinds that the chart renders."""
    for values in FOREIGN.values():
        for each in charts.objects(charts.render(values)):
            if each["apiVersion"].split("/")[0] in {"cert-manager.io", "monitoring.coreos.com"}:
                yield each


def prune(schema: Object, values: Iterable[Any]) -> Object:
    """Return what of a schema is about *values*; what has no fixed names stays as it is."""
    kept = {fact: schema[fact] for fact in _FACTS if fact in schema}
    values = list(values)
    if "properties" in schema:
        names = {name for value in values for name in value} & set(schema["properties"])
        kept["additionalProperties"] = False
        kept["properties"] = {
            name: prune(schema["properties"][name], [value[name] for value in values if name in value])
            for name in sorted(names)
        }
    elif "items" in schema:
        kept["items"] = prune(schema["items"], [item for value in values for item in value])
    elif isinstance(schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = prune(schema["additionalProperties"], [])
    return kept


def write(text: str) -> None:
    """Write the shapes that definitions in YAML give."""
    shapes = {}
    for definition in charts.objects(text):
        spec = definition["spec"]
        for version in spec["versions"]:
            key = f"{spec['group']}/{version['name']} {spec['names']['kind']}"
            specs = [each["spec"] for each in used() if f"{each['apiVersion']} {each['kind']}" == key]
            if specs:
                shapes[key] = prune(version["schema"]["openAPIV3Schema"]["properties"]["spec"], specs)
    FILE.write_text(json.dumps(shapes, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(sys.stdin.read())

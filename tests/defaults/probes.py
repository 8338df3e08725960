"""
Pods made from the field table that show what the API server does with every field of a pod.

``bare`` has every struct that a pod can have and no scalar in it: what comes back was filled in. ``zeros`` has every
scalar with its zero value: what does not come back is omitted when empty. Neither is valid, but webhooks are called
before validation. Written to their folders by ``python3 -m tests.defaults.probes``, recorded by
``scripts/record_pods.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from injector.core.field_table import TYPES, Field

HERE = Path(__file__).parent
ZEROS: dict[str, Any] = {
    "string": "",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "quantity": "0",
    "int-or-string": 0,
    "map": {},
    "list": [],
}
UNSENT = {"ephemeralContainers", "preemptionPolicy", "runtimeClassName"}
"""Fields of the spec that make the API server refuse the pod before it calls webhooks, when they are empty."""

Scalar = Callable[[Field], dict[str, Any]]


def bare() -> dict[str, Any]:
    return _pod(lambda _: {})


def zeros() -> dict[str, Any]:
    return _pod(lambda field: {"": ZEROS[field.kind]} if field.kind in ZEROS else {})


def _pod(scalar: Scalar) -> dict[str, Any]:
    metadata = {"name": "probe", "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": _struct("PodSpec", scalar)}


def _struct(type_name: str, scalar: Scalar) -> dict[str, Any]:
    return {
        name: value
        for name, field in TYPES[type_name].items()
        if name not in UNSENT
        for value in _values(field, scalar)
    }


def _values(field: Field, scalar: Scalar) -> Iterator[Any]:
    match field.kind:
        case "object":
            yield _struct(field.of, scalar)
        case "list" if field.of in TYPES:
            yield [_struct(field.of, scalar)]
        case _:
            yield from scalar(field).values()


def main() -> None:
    for name, pod in (("bare", bare()), ("zeros", zeros())):
        target = HERE / name / "pod.yaml"
        target.parent.mkdir(exist_ok=True)
        target.write_text(yaml.safe_dump(pod, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The real engine, from bytes to bytes, with a catalog of as many templates as one likes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from bench.reviews import NAMESPACE
from injector.core import admission, templates
from injector.core.model import Namespace, Policy, Template
from injector.core.selection import Catalog

_NAMESPACE = Namespace(name=NAMESPACE)
_POLICY = Policy()


TEMPLATES = Path(__file__).parent / "templates"


def read_template(name: str = "agent") -> dict[str, Any]:
    """Return a ConfigMap that all designs are measured with."""
    found: dict[str, Any] = yaml.safe_load((TEMPLATES / f"{name}.yaml").read_text())
    return found


def parse(configmap: dict[str, Any]) -> Template:
    """Return the ConfigMap as the engine's template."""
    return templates.parse(configmap, _POLICY)


def make_copies(count: int) -> tuple[Template, ...]:
    """Return the template so often, ``agent-1`` and so on: on request by name, with names of their own in them."""
    return tuple(parse(_renamed(number)) for number in range(1, count + 1))


def build(*chosen: Template) -> Callable[[bytes], bytes]:
    """Return an engine with these templates: the function from a review's bytes to its answer's."""
    catalog = Catalog({template.reference: template for template in chosen})

    def answer(body: bytes) -> bytes:
        return admission.answer(body, lambda _: _NAMESPACE, catalog, _POLICY, lambda: False).body

    return answer


def _renamed(number: int) -> dict[str, Any]:
    """Return the ConfigMap as ``agent-N``: with a container, volumes, variables, paths and labels of its own."""
    configmap = copy.deepcopy(read_template())
    configmap["metadata"]["name"] = f"agent-{number}"
    del configmap["metadata"]["annotations"]["pillion.dev/default"]
    data = configmap["data"]
    for key in data.keys() - {"parameters"}:
        data[key] = (
            data[key]
            .replace("name: agent", f"name: agent-{number}")
            .replace("/run/agent", f"/run/agent-{number}")
            .replace("/etc/agent", f"/etc/agent-{number}")
            .replace("AGENT_S", f"AGENT_{number}_S")
            .replace("agent.example.com/", f"agent-{number}.example.com/")
            .replace("port: agent-metrics", f"port: agent-{number}-metrics")
        )
    data["parameters"] = data["parameters"].replace("port: {", "port: {").replace("9901", str(9901 + number))
    return configmap

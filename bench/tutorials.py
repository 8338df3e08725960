"""
The design that tutorials teach: json, a Jinja2 template, PyYAML, a deep copy and a computed patch.

It is given every fair advantage: the template is compiled once, YAML is parsed by libyaml, no proof, no checks.
"""

from __future__ import annotations

import copy
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import jinja2
import jsonpatch
import yaml

_TEMPLATE = jinja2.Template((Path(__file__).parent / "templates/tutorial.yaml.j2").read_text())
_DEFAULTS: dict[str, Any] = {
    "image": "registry.example.com/agent",
    "tag": "2.14.0",
    "level": "info",
    "port": 9901,
    "memory": "128Mi",
    "extra": {"AGENT_BUFFER": "64k", "AGENT_FLUSH": "5s", "AGENT_REGION": "eu-1", "AGENT_SAMPLING": "0.1"},
}
_PREFIX = "agent.pillion.dev/"


def answer(body: bytes) -> bytes:
    """Answer one AdmissionReview."""
    review = json.loads(body)
    request = review["request"]
    pod = request["object"]
    patch = jsonpatch.make_patch(pod, _inject(pod, request["namespace"]))
    response = {
        "uid": request["uid"],
        "allowed": True,
        "patchType": "JSONPatch",
        "patch": b64encode(json.dumps(patch.patch).encode()).decode(),
    }
    return json.dumps({"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response}).encode()


def _inject(pod: dict[str, Any], namespace: str) -> dict[str, Any]:
    text = _TEMPLATE.render(pod=pod, namespace=namespace, values={**_DEFAULTS, **_parameters(pod)})
    fragment = yaml.load(text, Loader=yaml.CSafeLoader)
    injected = copy.deepcopy(pod)
    spec, ours = injected["spec"], fragment["spec"]
    spec["initContainers"] = ours["sidecars"] + spec.get("initContainers", []) + ours["initContainers"]
    spec["volumes"] = spec.get("volumes", []) + ours["volumes"]
    for container in spec["containers"]:
        for key, items in fragment["container"].items():
            container[key] = container.get(key, []) + items
    for key, texts in fragment["metadata"].items():
        injected["metadata"][key] = {**injected["metadata"].get(key, {}), **texts}
    return injected


def _parameters(pod: dict[str, Any]) -> dict[str, str]:
    annotations = pod["metadata"].get("annotations", {})
    return {key.removeprefix(_PREFIX): text for key, text in annotations.items() if key.startswith(_PREFIX)}

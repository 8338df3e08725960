"""Pods that no API server would let through: a forged review gets one sentence, never a failure of ours."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from injector.core import admission, templates
from injector.core.errors import ReviewError
from injector.core.model import Namespace, Policy
from injector.core.selection import Catalog

TEMPLATE = templates.parse(
    {
        "metadata": {
            "name": "all",
            "namespace": "pillion-system",
            "annotations": {"pillion.dev/default": "true", "pillion.dev/on-error": "deny"},
        },
        "data": {
            "sidecars": "- {name: agent, image: agent:1, resources: {limits: {cpu: 1}}}",
            "env": "- {name: A, value: a}",
            "container": "resources: {limits: {cpu: 1}}\nlivenessProbe: {exec: {command: [x]}}",
            "pod": "tolerations: [{key: a, operator: Exists}]\nnodeSelector: {a: b}\nsecurityContext: {runAsUser: 1}",
        },
    },
    Policy(),
)

FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "an operating system that is text": ({"os": "linux"}, "the pod's spec.os is a string, expected a mapping"),
    "resources that are a number": (
        {"containers": [{"name": "app", "resources": 5}]},
        "the pod's spec.containers[0].resources is an integer, expected a mapping",
    ),
    "a probe that is a list": (
        {"containers": [{"name": "app", "livenessProbe": [1]}]},
        "the pod's spec.containers[0].livenessProbe is a list, expected a mapping",
    ),
    "a node selector that is text": (
        {"containers": [{"name": "app"}], "nodeSelector": "disk=ssd"},
        "the pod's spec.nodeSelector is a string, expected a mapping",
    ),
    "tolerations that are a mapping": (
        {"containers": [{"name": "app"}], "tolerations": {"key": "a"}},
        "the pod's spec.tolerations is a mapping, expected a list",
    ),
    "a variable named by a list": (
        {"containers": [{"name": "app", "env": [{"name": ["A"]}]}]},
        "the pod's spec.containers[0].env[0].name is a list, expected a string",
    ),
}


@pytest.mark.parametrize(("spec", "sentence"), FORGED.values(), ids=FORGED)
def test_a_pod_of_impossible_types_is_a_bad_request(spec: dict[str, Any], sentence: str) -> None:
    request = {
        "uid": "1",
        "operation": "CREATE",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "namespace": "shop",
        "object": {"metadata": {"labels": {"pillion.dev/inject": "true"}}, "spec": spec},
    }
    body = orjson.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})

    with pytest.raises(ReviewError) as caught:
        admission.answer(body, lambda name: Namespace(name=name), Catalog({"all": TEMPLATE}), Policy(), lambda: False)

    assert str(caught.value) == sentence

"""A pod from a file may hold anything anywhere: it is injected, or refused with a sentence."""

from __future__ import annotations

import pytest

from injector.cli import callers, inputs
from injector.core import conformity, previews, workloads
from injector.core.errors import PillionError
from injector.core.model import Namespace

POD = callers.deliver(
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "labels": {"pillion.dev/inject": "true", "hello": "true"},
            "annotations": {"pillion.dev/templates": "log-shipper, otel-agent, ca-certificates"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web"}],
        },
        "spec": {
            "os": {"name": "linux"},
            "nodeSelector": {"tier": "web"},
            "initContainers": [
                {
                    "name": "otel-agent",
                    "image": "auto",
                    "resources": {"limits": {"cpu": "1"}},
                    "securityContext": {"runAsUser": 1},
                }
            ],
            "containers": [
                {
                    "name": "web",
                    "image": "example.com/web",
                    "env": [{"name": "A", "value": "b"}],
                    "ports": [{"containerPort": 80}],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                },
                {"name": "log-shipper", "image": "auto", "args": ["a"], "livenessProbe": {"httpGet": {"port": 80}}},
            ],
            "volumes": [{"name": "data", "emptyDir": {}}, {"name": "logs", "emptyDir": {}}],
        },
    }
)
ODD = (5, 1.5, True, None, "x", [], {}, [5], [None], {"a": 5})
NAMESPACE = Namespace(name="shop", annotations={"scheduler.alpha.kubernetes.io/node-selector": "tier=web"})


def paths(value, path=()):
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from paths(value[key], (*path, key))


def replaced(value, path, odd):
    if not path:
        return odd
    copied = value.copy()
    copied[path[0]] = replaced(value[path[0]], path[1:], odd)
    return copied


@pytest.fixture(scope="module")
def rules():
    catalog, policy, _, _ = inputs.read_templates(str(inputs.shipped_templates()))
    return catalog, policy


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_any_value_anywhere_is_injected_or_refused(rules, odd):
    kind = workloads.kind_of(POD)
    outcomes = set()
    for path in paths(POD):
        if path and path[0] not in ("apiVersion", "kind"):
            try:
                previews.preview(replaced(POD, path, odd), kind, NAMESPACE, *rules, lambda: False)
                outcomes.add("injected")
            except PillionError as error:
                outcomes.add("refused" if "\n" not in str(error) else str(error))

    assert {"injected", "refused"} == outcomes


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (POD["spec"], ""),
        ({"fieldOfTomorrow": 5}, ""),
        ({"hostNetwork": None}, ""),
        ({"hostNetwork": "true"}, "spec.hostNetwork is a string, expected true or false"),
        ({"priority": True}, "spec.priority is a boolean, expected an integer"),
        ({"nodeSelector": {"tier": 1}}, "spec.nodeSelector['tier'] is an integer, expected a string"),
        ({"tolerations": [None]}, "spec.tolerations[0] is nothing, expected a mapping"),
        ({"overhead": {"cpu": 0.5, "memory": "1Gi"}}, ""),
        ({"overhead": {"cpu": []}}, "spec.overhead['cpu'] is a list, expected a quantity such as 100m"),
    ],
)
def test_the_first_value_of_a_wrong_type_is_named(spec, sentence):
    assert sentence == conformity.problem_of("PodSpec", spec, "spec")

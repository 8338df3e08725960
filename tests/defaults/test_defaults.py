"""
The table of defaults against what a live API server delivered, field by field, and what it means to be equal.

Each folder holds a pod as written and as a webhook received it (``scripts/record_pods.py``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from injector.core import defaults
from injector.core.field_table import PUBLISHED_DEFAULTS, TYPES
from tests.defaults import probes

HERE = Path(__file__).parent
RECORDED = sorted(pod.parent.name for pod in HERE.glob("*/pod.yaml"))
TOKEN_VOLUME = "kube-api-access-00000"
ADDED_TOLERATIONS = {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}
ALIASES = {"EphemeralContainer": "Container"}
"""Types that no new pod can have, and the type whose fields they share."""


class Seen(NamedTuple):
    """A field as it was written and as it was delivered."""

    type_name: str
    name: str
    authored: Any
    delivered: Any
    holder: dict[str, Any]


ABSENT = object()


def _load(folder: str) -> tuple[dict[str, Any], dict[str, Any]]:
    authored = yaml.safe_load((HERE / folder / "pod.yaml").read_text())["spec"]
    delivered = json.loads((HERE / folder / "delivered.json").read_text())["spec"]
    return authored, _without_admission(delivered)


def _without_admission(spec: dict[str, Any]) -> dict[str, Any]:
    """Take out what the ServiceAccount and DefaultTolerationSeconds plugins add."""
    rest = {name: value for name, value in spec.items() if name != "tolerations"}
    rest["volumes"] = [volume for volume in spec.get("volumes", []) if volume["name"] != TOKEN_VOLUME]
    for name in ("containers", "initContainers"):
        rest[name] = [_without_token(container) for container in spec.get(name, [])]
    own = [item for item in spec.get("tolerations", []) if item.get("key") not in ADDED_TOLERATIONS]
    return {**rest, "tolerations": own} if own else rest


def _without_token(container: dict[str, Any]) -> dict[str, Any]:
    mounts = [mount for mount in container.get("volumeMounts", []) if mount["name"] != TOKEN_VOLUME]
    rest = {name: value for name, value in container.items() if name != "volumeMounts"}
    return {**rest, "volumeMounts": mounts} if mounts else rest


def _fields(type_name: str, authored: dict[str, Any], delivered: dict[str, Any]) -> Iterator[Seen]:
    """Yield every field of the struct and of all structs in it."""
    for name, field in TYPES[type_name].items():
        before, after = authored.get(name, ABSENT), delivered.get(name, ABSENT)
        yield Seen(type_name, name, before, after, delivered)
        if field.kind == "object" and before is not ABSENT and after is not ABSENT:
            yield from _fields(field.of, before, after)
        if field.kind == "list" and field.of in TYPES and before is not ABSENT and after is not ABSENT:
            for left, right in zip(before, after, strict=True):
                yield from _fields(field.of, left, right)


def _seen(folder: str) -> list[Seen]:
    return list(_fields("PodSpec", *_load(folder)))


@pytest.mark.parametrize(("name", "pod"), [("bare", probes.bare()), ("zeros", probes.zeros())])
def test_the_probes_have_every_field_of_the_table(name, pod):
    assert pod == yaml.safe_load((HERE / name / "pod.yaml").read_text()), "run python3 -m tests.defaults.probes"


def test_what_the_api_server_fills_in_is_a_default():
    filled = _filled_in()

    assert len(filled) > 100
    assert [] == [seen for seen in filled if seen.name in defaults.normalized(seen.type_name, seen.holder)]


def test_every_default_was_filled_in_by_the_api_server():
    filled = {(seen.type_name, seen.name, json.dumps(seen.delivered)) for seen in _filled_in()}

    claimed = {
        (ALIASES.get(type_name, type_name), name, json.dumps(value))
        for type_name, fields in defaults.DEFAULTS.items()
        for name, value in fields.items()
    }

    assert set() == claimed - filled


def _filled_in() -> list[Seen]:
    """Return all optional fields, of all recordings, that were absent and came back with a value."""
    return [
        seen
        for folder in RECORDED
        for seen in _seen(folder)
        if seen.authored is ABSENT
        and seen.delivered not in (ABSENT, None)
        and not TYPES[seen.type_name][seen.name].required
    ]


def test_a_zero_is_stored_exactly_where_the_table_says_so():
    written = [
        seen
        for seen in _seen("zeros")
        if seen.authored is not ABSENT
        and not isinstance(seen.authored, dict | list)
        and not TYPES[seen.type_name][seen.name].required
    ]
    stored = {(s.type_name, s.name) for s in written if s.delivered == s.authored}
    dropped = {(s.type_name, s.name) for s in written if s.delivered is ABSENT}

    kept = {(s.type_name, s.name) for s in written if not defaults.is_empty(s.type_name, s.name, s.authored)}

    assert len(stored) > 80
    assert len(dropped) > 80
    assert set() == stored ^ kept
    assert set() == dropped & kept


def test_empty_lists_and_maps_are_left_out():
    written = [seen for seen in _seen("zeros") if seen.authored in ([], {}) and seen.delivered is ABSENT]

    assert len(written) > 40
    assert all(defaults.is_empty(seen.type_name, seen.name, seen.authored) for seen in written)


def test_every_name_in_the_tables_is_a_field_of_kubernetes():
    tables = (defaults.DEFAULTS, defaults.IMPLIED, defaults.STORED_ZEROS)

    named = {(type_name, name) for table in tables for type_name, names in table.items() for name in names}

    assert set() == {(type_name, name) for type_name, name in named if name not in TYPES[type_name]}


@pytest.mark.parametrize("table", [defaults.DEFAULTS, defaults.STORED_ZEROS])
def test_an_ephemeral_container_is_like_a_container(table):
    for alias, original in ALIASES.items():
        assert table[original] == table[alias]


def test_the_defaults_that_the_openapi_publishes_are_in_the_table():
    published = [(of, name, value) for of, fields in PUBLISHED_DEFAULTS.items() for name, value in fields.items()]

    missing = [
        (type_name, name, value)
        for type_name, name, value in published
        if not defaults.is_default(type_name, name, value, {}) and not defaults.is_empty(type_name, name, value)
    ]

    assert [] == missing


@pytest.mark.parametrize("container", _load("pull-policies")[1]["containers"], ids=lambda container: container["name"])
def test_the_pull_policy_of_an_image_is_what_the_api_server_says(container):
    assert container["imagePullPolicy"] == defaults.default_pull_policy(container["image"])


@pytest.mark.parametrize("length", [500, 10**6])
@pytest.mark.parametrize("text", ["a", "a.", "a-", "a/", "a:", "1_", "[:"])
def test_a_long_text_that_is_no_image_is_judged_without_retracing_it(text, length):
    assert "IfNotPresent" == defaults.default_pull_policy(text * length)


@pytest.mark.parametrize("folder", [folder for folder in RECORDED if folder not in ("bare", "zeros")])
def test_a_pod_equals_itself_as_the_api_server_delivers_it(folder):
    authored, delivered = _load(folder)

    assert defaults.normalized("PodSpec", authored) == defaults.normalized("PodSpec", delivered)


@pytest.mark.parametrize("folder", RECORDED)
def test_normalizing_twice_is_normalizing_once(folder):
    for spec in _load(folder):
        once = defaults.normalized("PodSpec", spec)

        assert once == defaults.normalized("PodSpec", once)


@pytest.mark.parametrize("folder", RECORDED)
def test_normalizing_leaves_its_argument_alone(folder):
    _, spec = _load(folder)
    before = json.dumps(spec)

    defaults.normalized("PodSpec", spec)

    assert before == json.dumps(spec)


EQUAL = [
    ("Volume", {"name": "v"}, {"name": "v", "emptyDir": {}}),
    ("Volume", {"name": "v", "emptyDir": {"medium": ""}}, {"name": "v", "emptyDir": {}}),
    ("Volume", {"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}, {"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}),
    (
        "Volume",
        {"name": "v", "secret": {"secretName": "s", "items": []}},
        {"name": "v", "secret": {"secretName": "s", "defaultMode": 420}},
    ),
    ("Volume", {"name": "v", "hostPath": {"path": "/"}}, {"name": "v", "hostPath": {"path": "/", "type": ""}}),
    ("VolumeMount", {"name": "v", "mountPath": "/"}, {"name": "v", "mountPath": "/", "readOnly": False, "subPath": ""}),
    ("VolumeMount", {"name": "v", "mountPath": "/"}, {"name": "v", "mountPath": "/", "mountPropagation": "None"}),
    ("EnvVar", {"name": "E"}, {"name": "E", "value": ""}),
    ("EnvVar", {"name": "E", "value": None}, {"name": "E"}),
    ("Toleration", {"key": "k", "value": "v"}, {"key": "k", "operator": "Equal", "value": "v"}),
    ("ContainerPort", {"containerPort": 80}, {"containerPort": 80, "protocol": "TCP", "hostPort": 0}),
    (
        "Container",
        {"name": "c", "image": "web"},
        {"name": "c", "image": "web", "imagePullPolicy": "Always", "resources": {}},
    ),
    ("ResourceRequirements", {"limits": {"cpu": "1"}}, {"limits": {"cpu": 1}, "requests": {"cpu": "1000m"}}),
    ("PodSpec", {"serviceAccountName": "a"}, {"serviceAccountName": "a", "serviceAccount": "a"}),
]


@pytest.mark.parametrize(("type_name", "left", "right"), EQUAL)
def test_values_that_the_api_server_stores_alike_are_equal(type_name, left, right):
    assert defaults.normalized(type_name, left) == defaults.normalized(type_name, right)


UNEQUAL = [
    ("Volume", {"name": "v"}, {"name": "v", "configMap": {}}),
    ("Volume", {"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {"medium": "Memory"}}),
    ("Volume", {"name": "v", "secret": {"optional": False}}, {"name": "v", "secret": {}}),
    ("VolumeMount", {"name": "v", "mountPath": "/"}, {"name": "v", "mountPath": "/", "readOnly": True}),
    ("EnvVar", {"name": "E", "value": "1"}, {"name": "E", "value": "01"}),
    ("Toleration", {"tolerationSeconds": 0}, {}),
    ("PodSpec", {"terminationGracePeriodSeconds": 0}, {}),
    ("PodSpec", {"automountServiceAccountToken": False}, {}),
    ("Container", {"image": "web", "imagePullPolicy": "IfNotPresent"}, {"image": "web"}),
    ("ResourceRequirements", {"limits": {"cpu": "1"}}, {"limits": {"cpu": "1"}, "requests": {"cpu": "100m"}}),
    ("ResourceRequirements", {"limits": {"cpu": "1"}}, {"limits": {"cpu": "one"}}),
    ("Probe", {"initialDelaySeconds": 1}, {}),
    ("PodSpec", {"unknown": None, "madeUp": []}, {}),
]


@pytest.mark.parametrize(("type_name", "left", "right"), UNEQUAL)
def test_values_that_it_stores_differently_are_not(type_name, left, right):
    assert defaults.normalized(type_name, left) != defaults.normalized(type_name, right)


@pytest.mark.parametrize("value", [None, 5, "text", [], True])
def test_a_value_that_is_no_object_stays(value):
    assert value is defaults.normalized("Volume", value)


@pytest.mark.parametrize("amount", ["", ".", "Mi", "1e", "1e999", "1kk", "9" * 5000, "1 ", "0x1", True, None, [1]])
def test_a_text_that_is_no_quantity_stays(amount):
    found = defaults.normalized("EmptyDirVolumeSource", {"sizeLimit": amount, "medium": "Memory"})

    assert {"medium": "Memory", **({} if amount is None else {"sizeLimit": amount})} == found

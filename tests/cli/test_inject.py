"""``inject`` and ``diff`` change pods and nothing else, whatever the form of what they read."""

from __future__ import annotations

import json
from pathlib import Path

import jsonpatch
import orjson
import pytest

from injector.shell import manifests

KINDS = Path(__file__).parent / "manifests" / "kinds.yaml"
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
ODDITIES = """\
apiVersion: example.com/v1
kind: Oddity
metadata: {name: odd, annotations: {text: "true", number: "1.10", time: "22:22", octal: "010", nothing: "null"}}
spec:
  empty: {list: [], mapping: {}, text: "", nothing: null}
  multi: |
    two
    lines
  folded: "a very long line that nobody should fold because it is a command and someone will copy it to a terminal"
  numbers: [1, 1.5, -0, 1e3, 12345678901234567890]
  texts: ["yes", "no", "on", "=", "~", "- dash", "a: b", "# hash", " space ", "ünïcödé", "😀", "tab\\there"]
"""


def objects(text):
    return [document.object for document in manifests.parse(text.encode(), "out")]


def pods(text):
    """The pod templates in *text* by kind."""
    found = {}
    for item in objects(text):
        spec = item.get("template") or item.get("spec") or {}
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        found[item["kind"]] = item if item["kind"] == "Pod" else spec.get("template", spec)
    return found


def test_every_kind_of_workload_is_injected(pillion):
    found = pods(pillion("inject", "-f", "manifests/kinds.yaml", "-t", "templates").out)

    carriers = {kind for kind, pod in found.items() if "passenger" in str(pod.get("spec", {}).get("initContainers"))}

    assert set(found) - {"ConfigMap"} == carriers


def test_templates_see_who_makes_the_pod(pillion):
    found = pods(pillion("inject", "-f", "manifests/kinds.yaml", "-t", "templates").out)

    owners = {
        kind: next(entry["value"] for entry in pod["spec"]["containers"][0]["env"] if entry["name"] == "OWNER")
        for kind, pod in found.items()
        if kind != "ConfigMap"
    }

    assert {
        "Pod": "nobody in default",
        "PodTemplate": "nobody in default",
        "ReplicationController": "ReplicationController in default",
        "ReplicaSet": "ReplicaSet in default",
        "Deployment": "ReplicaSet in default",
        "StatefulSet": "StatefulSet in default",
        "DaemonSet": "DaemonSet in default",
        "Job": "Job in default",
        "CronJob": "Job in default",
    } == owners


def test_a_volume_of_a_claim_template_is_known_and_not_written_into_the_pod_template(pillion):
    found = pods(pillion("inject", "-f", "manifests/kinds.yaml", "-t", "templates").out)["StatefulSet"]

    assert [{"name": "seat", "emptyDir": {}}] == found["spec"]["volumes"]


def test_a_volume_that_has_the_name_of_a_claim_template_is_a_conflict(pillion):
    text = (
        KINDS.read_text()
        .replace("{metadata: {name: data}", "{metadata: {name: seat}")
        .replace("name: data,", "name: seat,")
    )

    run = pillion("inject", "-f", "-", "-t", "templates", stdin=text)

    assert 1 == run.code
    assert "statefulset/stateful-set: skipped passenger: conflict" in run.err


@pytest.mark.parametrize("file", ["kinds.yaml", "web.yaml", "list.json", "namespace.yaml", "ticketless.yaml"])
@pytest.mark.parametrize("output", ["yaml", "json"])
def test_what_is_injected_comes_out_of_a_second_call_unchanged(pillion, file, output):
    once = pillion("inject", "-f", f"manifests/{file}", "-t", "templates", "-o", output).out

    assert once == pillion("inject", "-f", "-", "-t", "templates", "-o", output, stdin=once).out


def test_a_second_call_has_no_differences(pillion):
    once = pillion("inject", "-f", "manifests/kinds.yaml", "-t", "templates").out

    run = pillion("diff", "-f", "-", "-t", "templates", stdin=once)

    assert (0, "") == (run.code, run.out)


def test_what_is_no_workload_passes_through_with_every_value_as_it_was(pillion):
    run = pillion("inject", "-f", "-", "-t", "templates", stdin=ODDITIES)

    before, after = (orjson.dumps(objects(text)) for text in (ODDITIES, run.out))
    assert (before, "", 0) == (after, run.err, run.code)


def test_json_passes_through_as_json_with_every_value_as_it_was(pillion):
    text = json.dumps(SERVICE)

    assert SERVICE == json.loads(pillion("inject", "-f", "-", "-t", "templates", "-o", "json", stdin=text).out)


def test_several_documents_become_one_json_list(pillion):
    text = f"{json.dumps(SERVICE)}\n---\n{json.dumps(SERVICE)}"

    found = json.loads(pillion("inject", "-f", "-", "-t", "templates", "-o", "json", stdin=text).out)

    assert {"apiVersion": "v1", "kind": "List", "items": [SERVICE, SERVICE]} == found


def test_a_list_stays_a_list_with_its_items_in_their_order(pillion):
    found = json.loads(pillion("inject", "-f", "manifests/list.json", "-t", "templates", "-o", "json").out)

    kinds = [item["kind"] for item in found["items"]]
    assert ("List", ["Namespace", "Pod", "Service"]) == (found["kind"], kinds)
    assert ["passenger"] == [container["name"] for container in found["items"][1]["spec"]["initContainers"]]


def test_an_item_of_a_typed_list_gets_no_kind_unless_it_is_injected(pillion):
    labelled = {"metadata": {"name": "in", "labels": {"pillion.dev/inject": "true"}}, "spec": {"containers": []}}
    other = {"metadata": {"name": "out"}, "spec": {"containers": []}}
    text = json.dumps({"apiVersion": "v1", "kind": "PodList", "items": [labelled, other]})

    injected, untouched = json.loads(pillion("inject", "-f", "-", "-t", "templates", "-o", "json", stdin=text).out)[
        "items"
    ]

    assert "initContainers" in injected["spec"]
    assert other == untouched


def test_a_folder_gives_its_files_in_order_of_name(pillion, tmp_path):
    for name in ("b", "a"):
        text = json.dumps({**SERVICE, "metadata": {"name": name}})
        (tmp_path / f"{name}.json").write_text(text)

    out = pillion("inject", "-f", tmp_path, "-t", "templates").out

    assert ["a", "b"] == [item["metadata"]["name"] for item in objects(out)]


def test_a_namespace_among_the_manifests_lends_labels_and_annotations(pillion):
    alone = pillion("inject", "-f", "manifests/list.json", "-t", "templates", "-o", "patch").out
    text = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": []}})
    without = pillion("inject", "-f", "-", "-n", "shop", "-t", "templates", "-o", "patch", stdin=text).out
    beside = pillion(
        "inject",
        "-f",
        "manifests/namespace.yaml",
        "-f",
        "-",
        "-n",
        "shop",
        "-t",
        "templates",
        "-o",
        "patch",
        stdin=text,
    ).out

    assert ("--level=info" in alone, without, "--level=debug" in beside) == (True, "[]\n", True)


def test_a_label_for_namespaces_counts_in_every_namespace(pillion):
    text = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": []}})
    label = ("--namespace-label", "pillion.dev/injection=enabled")

    assert "injected passenger" in pillion("inject", "-f", "-", "-t", "templates", *label, stdin=text).err


def test_each_patch_applies_to_the_object_it_names(pillion):
    before = {(item["kind"], item["metadata"]["name"]): item for item in objects(KINDS.read_text())}
    after = {
        (item["kind"], item["metadata"]["name"]): item
        for item in objects(pillion("inject", "-f", "manifests/kinds.yaml", "-t", "templates").out)
    }

    patches = json.loads(pillion("inject", "-f", "manifests/kinds.yaml", "-t", "templates", "-o", "patch").out)

    for entry in patches:
        key = (entry["kind"], entry["name"])
        assert after[key] == jsonpatch.apply_patch(before[key], entry["patch"])
    assert set(before) - {(entry["kind"], entry["name"]) for entry in patches} == {("ConfigMap", "no-workload")}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("inject -f manifests/web.yaml -t templates", 0),
        ("inject -f manifests/namespace.yaml -t templates", 0),
        ("inject -f manifests/misplaced.yaml -t templates", 0),
        ("inject -f manifests/ticketless.yaml -t templates", 1),
        ("inject -f manifests/web.yaml -t broken", 1),
        ("diff -f manifests/web.yaml -t templates", 1),
        ("diff -f manifests/namespace.yaml -t templates", 0),
        ("diff -f manifests/ticketless.yaml -t templates", 1),
        ("explain -f manifests/web.yaml -t templates", 0),
        ("explain -f manifests/misplaced.yaml -t templates", 1),
        ("lint templates", 0),
        ("lint templates --strict", 1),
        ("lint broken", 1),
        ("templates list -t templates", 0),
        ("templates list -t broken", 1),
        ("inject -f nowhere.yaml", 2),
        ("explode", 2),
    ],
)
def test_the_exit_code_tells_fine_from_findings_from_errors(pillion, arguments, code):
    assert code == pillion(*arguments.split()).code

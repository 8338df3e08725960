"""Kubernetes objects are found in files, folders, lists and standard input."""

from __future__ import annotations

import io

import pytest

from injector.shell import manifests
from injector.shell.errors import ManifestError

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n"
LIST = """\
# what kubectl get gives
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: a}}
- apiVersion: v1
  kind: List
  items:
  - {apiVersion: v1, kind: Pod, metadata: {name: b}}
- {apiVersion: v1, kind: Pod, metadata: {name: c}}
"""


def names(documents):
    return [document.object["metadata"]["name"] for document in documents]


def test_documents_know_their_file_their_number_and_their_line():
    found = manifests.parse((POD % "a" + "---\n" + POD % "b").encode(), "web.yaml")

    assert [("web.yaml", 0, 1), ("web.yaml", 1, 5)] == [(item.source, item.index, item.line) for item in found]
    assert ["a", "b"] == names(found)


def test_lists_are_flattened_in_their_order():
    found = manifests.parse(LIST.encode(), "list.yaml")

    assert ["a", "b", "c"] == names(found)
    assert [(0, 2), (1, 2), (2, 2)] == [(item.index, item.line) for item in found]


def test_the_items_of_a_typed_list_get_its_kind():
    (found,) = manifests.parse(b'{"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "a"}}]}', "x")

    assert {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}} == found.object


def test_a_list_can_be_read_whole():
    (root,) = manifests.parse_whole(LIST.encode(), "list.yaml")

    assert (2, "List", 3) == (root.line, root.value["kind"], len(root.value["items"]))


def test_a_folder_gives_its_manifests_in_order_of_name(tmp_path):
    (tmp_path / "b.yml").write_text(POD % "b")
    (tmp_path / "a.yaml").write_text(POD % "a")
    (tmp_path / "c.json").write_text('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "c"}}')
    (tmp_path / "README.md").write_text("no: manifest")
    (tmp_path / ".hidden.yaml").write_text("no: manifest")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "d.yaml").write_text(POD % "d")

    assert ["a", "b", "c"] == names(manifests.read([str(tmp_path)], io.BytesIO()))


def test_a_minus_is_standard_input(tmp_path):
    (tmp_path / "a.txt").write_text(POD % "a")

    found = list(manifests.read([str(tmp_path / "a.txt"), "-"], io.BytesIO((POD % "b").encode())))

    assert [str(tmp_path / "a.txt"), "stdin"] == [item.source for item in found]
    assert ["a", "b"] == names(found)


BAD = {
    "- a\n": "file 'x.yaml', line 1: expected a Kubernetes object with apiVersion and kind, got a list",
    "hello": "file 'x.yaml', line 1: expected a Kubernetes object with apiVersion and kind, got a str",
    "\n\nkind: Pod": "file 'x.yaml', line 3: expected a Kubernetes object, but it has no apiVersion",
    "apiVersion: v1": "file 'x.yaml', line 1: expected a Kubernetes object, but it has no kind",
    "{apiVersion: v1, kind: 1}": "file 'x.yaml', line 1: expected a Kubernetes object, but it has no kind",
    "{apiVersion: v1, kind: Pod, metadata: a}": "file 'x.yaml', line 1: metadata is a str, expected a mapping",
    "{apiVersion: v1, kind: List, items: [a]}": "file 'x.yaml', line 1: items[0] is a str, expected a mapping",
    "{apiVersion: v1, kind: List, items: [{}]}": (
        "file 'x.yaml', line 1: expected a Kubernetes object, but it has no apiVersion"
    ),
}


@pytest.mark.parametrize(("text", "sentence"), BAD.items())
def test_what_is_no_kubernetes_object_gives_one_sentence(text, sentence):
    with pytest.raises(ManifestError) as caught:
        manifests.parse(text.encode(), "x.yaml")

    assert sentence == str(caught.value)


def test_a_missing_file_gives_one_sentence():
    with pytest.raises(ManifestError) as caught:
        list(manifests.read(["/nowhere/a.yaml"], io.BytesIO()))

    assert "file '/nowhere/a.yaml': it does not exist" == str(caught.value)


def test_a_folder_without_manifests_gives_one_sentence(tmp_path):
    with pytest.raises(ManifestError) as caught:
        list(manifests.read([str(tmp_path)], io.BytesIO()))

    assert f"file {str(tmp_path)!r}: the folder has no file that ends in .yaml, .yml, .json" == str(caught.value)

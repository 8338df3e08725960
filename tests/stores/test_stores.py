"""Templates come from a folder; what is broken is quarantined, what is deleted stops."""

from __future__ import annotations

import logging
import os
import queue
import shutil

import pytest

from injector.core.errors import LimitExceeded, OurFault
from injector.core.model import BrokenTemplate, Namespace, Policy, Template
from injector.shell import folders
from injector.shell.errors import StoreError
from injector.shell.stores import DirectoryStore
from tests.stores.mounts import template

GOOD = template()
BETTER = template(labels="greeting: hello")
BROKEN = template(labels="greeting: {{ 1 }")
NO_YAML = "apiVersion: [v1\n"

BROKEN_SENTENCE = "ConfigMap pillion-system/hello, key labels, line 1, column 16: unexpected '}'"


def load(folder, **options):
    store = DirectoryStore(folder, Policy(), **options)
    store.load()
    return store


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def settle(store):
    """Look until what is in the folder is in force."""
    store.look()
    store.look()
    return store.snapshot()


def revision(snapshot, reference="hello"):
    return snapshot.catalog.templates[reference].revision


def said(snapshot):
    return [str(problem) for problem in snapshot.problems]


# -- what is read ------------------------------------------------------------------------------------------------------


def test_labelled_configmaps_become_templates(folder):
    write(folder, a=GOOD, b=template("other", namespace="team"))

    snapshot = load(folder).snapshot()

    assert {"hello", "team/other"} == set(snapshot.catalog.templates)
    assert all(isinstance(found, Template) for found in snapshot.catalog.templates.values())
    assert () == snapshot.problems


def test_a_template_without_a_namespace_is_of_the_release(folder):
    write(folder, a=GOOD)
    store = DirectoryStore(folder, Policy(release_namespace="injection"))
    store.load()

    assert "injection" == store.snapshot().catalog.templates["hello"].namespace


def test_several_templates_in_one_file_and_in_a_list_are_all_read(folder):
    item = '{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, labels: {pillion.dev/template: "true"}}}'
    listed = f"apiVersion: v1\nkind: List\nitems: [{item % 'c'}, {item % 'd'}]\n"
    write(folder, a=f"{template('a')}---\n{template('b')}---\n{listed}")

    assert {"a", "b", "c", "d"} == set(load(folder).snapshot().catalog.templates)


def test_namespaces_lend_their_labels_and_annotations(folder):
    labels, annotations = {"team": "blue"}, {"env": "test"}
    metadata = f"{{name: blue, labels: {labels}, annotations: {annotations}}}"
    write(folder, a=f"apiVersion: v1\nkind: Namespace\nmetadata: {metadata}\n")

    expected = {"blue": Namespace(name="blue", labels=labels, annotations=annotations)}
    assert expected == dict(load(folder).snapshot().namespaces)


def test_what_is_no_template_is_passed_over_with_a_word_in_the_log(folder, caplog):
    caplog.set_level(logging.INFO, "pillion.templates")
    (folder / "sub").mkdir()
    (folder / "logo.png").write_bytes(b"\x89PNG\r\n")
    write(
        folder,
        a="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n",
        b="apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n",
        c=GOOD,
        d=template("foreign").replace("v1", "example.org/v1"),
    )

    snapshot = load(folder).snapshot()

    only = 'as only ConfigMaps labelled pillion.dev/template: "true" and Namespaces are read'
    assert {"hello"} == set(snapshot.catalog.templates)
    assert () == snapshot.problems
    assert [
        "the subfolder 'sub' is passed over, as only the folder's own files are read",
        "the file 'logo.png' is passed over, as only files that end in .yaml, .yml, .json are read",
        f"file 'a.yaml': the ConfigMap 'settings' is passed over, {only}",
        f"file 'b.yaml': the Deployment 'web' is passed over, {only}",
        f"file 'd.yaml': the ConfigMap 'foreign' is passed over, {only}",
        f"template 'hello' is in force, revision {revision(snapshot)}",
    ] == caplog.messages


# -- what cannot be read -----------------------------------------------------------------------------------------------


def a_file(path):
    path.rmdir()
    path.write_text("")


def a_loop(path):
    path.rmdir()
    path.symlink_to(path)


NO_FOLDERS = {
    "missing": (lambda path: path.rmdir(), "the template folder {!r} does not exist"),
    "a file": (a_file, "the template folder {!r} is a file; name the folder that it is in"),
    "a loop": (a_loop, "the template folder {!r} cannot be read: Too many levels of symbolic links"),
}


@pytest.mark.parametrize(("spoil", "sentence"), NO_FOLDERS.values(), ids=NO_FOLDERS)
def test_a_folder_that_is_none_ends_the_start_with_one_sentence(folder, spoil, sentence):
    spoil(folder)

    with pytest.raises(StoreError) as caught:
        DirectoryStore(folder, Policy()).load()

    assert sentence.format(str(folder)) == str(caught.value)


def test_an_empty_folder_is_ready_with_a_warning(folder, caplog):
    snapshot = load(folder).snapshot()

    assert {} == dict(snapshot.catalog.templates)
    assert [f"the template folder {str(folder)!r} is empty: no pod will be injected"] == caplog.messages


def dangling(path):
    path.symlink_to("nowhere")


def pipe(path):
    os.mkfifo(path)


def metadata(text):
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{{text}}}\n"


LABELS = 'labels: {pillion.dev/template: "true"}'
BAD_FILES = {
    "bad YAML": (
        NO_YAML,
        "file 'x.yaml', line 2, column 1: while parsing a flow sequence, did not find expected ',' or ']'",
    ),
    "a duplicate key": (
        GOOD.replace("metadata:", "kind: ConfigMap\nmetadata:"),
        "file 'x.yaml', line 3, column 1: the key 'kind' stands here a second time, the first is in line 2",
    ),
    "nested without end": ("[" * 100_000, "file 'x.yaml', line 1, column 101: it is nested more than 100 deep"),
    "a binary file": (
        b"\x89PNG\r\n",
        "file 'x.yaml', line 1, column 1: the byte 0x89 is no UTF-8; this is a binary file or another encoding",
    ),
    "no object": ("hello: world", "file 'x.yaml', line 1: expected a Kubernetes object, but it has no apiVersion"),
    "a dangling link": (dangling, "file 'x.yaml': it cannot be read: No such file or directory"),
    "a folder named as a file": (lambda path: path.mkdir(), "file 'x.yaml': it is no regular file"),
    "a pipe": (pipe, "file 'x.yaml': it is no regular file"),
    "an unknown data key": (
        GOOD.replace("  labels: |", "  lables: |"),
        "file 'x.yaml': ConfigMap pillion-system/hello, key lables: unknown data key 'lables'; did you mean 'labels'?",
    ),
    "bad Jinja": (BROKEN, f"file 'x.yaml': {BROKEN_SENTENCE}"),
    "no name": (
        metadata(LABELS),
        "file 'x.yaml': a ConfigMap must have a metadata.name, and texts for it and its namespace",
    ),
    "a number for a name": (
        metadata(f"name: 1, {LABELS}"),
        "file 'x.yaml': a ConfigMap must have a metadata.name, and texts for it and its namespace",
    ),
    "a label without quotes": (
        GOOD.replace('"true"', "true"),
        "file 'x.yaml': the label pillion.dev/template must be the text \"true\": put it in quotes",
    ),
    "annotations that are a list": (
        metadata(f"name: hello, annotations: [a], {LABELS}"),
        "file 'x.yaml': ConfigMap pillion-system/hello, key metadata.annotations: expected a mapping, got list",
    ),
    "a namespace with a label that is no text": (
        "{apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {b: 1}}}",
        "file 'x.yaml': labels and annotations of Namespace 'a' must be texts: use quotes",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "sentence"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_one_sentence_and_no_other_template_suffers(folder, content, sentence, caplog):
    write(folder, good=template("good"))
    path = folder / "x.yaml"
    if callable(content):
        content(path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content)

    snapshot = load(folder).snapshot()

    assert [sentence] == said(snapshot)
    assert isinstance(snapshot.catalog.templates["good"], Template)
    assert [sentence] == [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_of_two_configmaps_of_one_name_the_first_is_used_and_both_files_are_named(folder):
    write(folder, a=GOOD, b=BETTER)
    alone = load(folder)
    (folder / "b.yaml").unlink()

    snapshot = alone.snapshot()

    assert [
        "file 'b.yaml': ConfigMap 'hello' is also in file 'a.yaml', which comes first and is used: remove one"
    ] == said(snapshot)
    assert revision(load(folder).snapshot()) == revision(snapshot)


def test_one_name_in_two_namespaces_is_two_templates(folder):
    write(folder, a=GOOD, b=template(namespace="team"))

    assert {"hello", "team/hello"} == set(load(folder).snapshot().catalog.templates)


def test_a_problem_shows_the_line_with_a_caret(folder):
    write(folder, a=BROKEN)

    (problem,) = load(folder).snapshot().problems

    assert ["  | greeting: {{ 1 }", "  |                ^"] == problem.detail.splitlines()[1:]


# -- quarantine --------------------------------------------------------------------------------------------------------

SPOILED = {"bad Jinja": BROKEN, "bad YAML": NO_YAML, "binary": "a: \0", "no objects": "hello: world"}


@pytest.mark.parametrize("text", SPOILED.values(), ids=SPOILED)
def test_a_template_that_breaks_stays_in_force_in_its_last_good_version(folder, text):
    write(folder, a=GOOD)
    store = load(folder)
    before = store.snapshot()

    write(folder, a=text)
    after = settle(store)

    assert revision(before) == revision(after)
    assert [True] == [problem.keeps_last_good for problem in after.problems]
    assert said(after)[0].endswith("; the last good version stays in force")


@pytest.mark.parametrize("text", SPOILED.values(), ids=SPOILED)
def test_it_stays_however_often_it_breaks_and_recovers_when_it_is_good(folder, text):
    write(folder, a=GOOD)
    store = load(folder)
    before = store.snapshot()
    write(folder, a=text)
    settle(store)
    write(folder, a=template(labels="{{ still broken"))
    assert revision(before) == revision(settle(store))

    write(folder, a=BETTER)
    after = settle(store)

    assert () == after.problems
    assert revision(before) != revision(after)


def test_a_template_that_was_never_good_is_broken(folder):
    write(folder, a=BROKEN)

    snapshot = load(folder).snapshot()

    expected = BrokenTemplate(name="hello", namespace="pillion-system", reference="hello", problem=BROKEN_SENTENCE)
    assert {"hello": expected} == dict(snapshot.catalog.templates)
    assert [False] == [problem.keeps_last_good for problem in snapshot.problems]


def test_one_broken_template_of_a_file_keeps_no_other_back(folder):
    write(folder, a=f"{GOOD}---\n{template('other')}")
    store = load(folder)
    before = store.snapshot()

    write(folder, a=f"{BROKEN}---\n{template('other', labels='a: b')}")
    after = settle(store)

    assert revision(before) == revision(after)
    assert revision(before, "other") != revision(after, "other")


def test_a_template_that_moved_out_of_a_broken_file_is_taken_from_the_good_one(folder):
    write(folder, a=GOOD)
    store = load(folder)

    write(folder, a=NO_YAML, b=BETTER)
    after = settle(store)

    write(folder, a=BETTER)
    (folder / "b.yaml").unlink()
    assert revision(settle(store)) == revision(after)
    assert [False] == [problem.keeps_last_good for problem in after.problems]


def test_a_namespace_stays_while_its_file_cannot_be_parsed(folder):
    write(folder, a="{apiVersion: v1, kind: Namespace, metadata: {name: blue}}")
    store = load(folder)

    write(folder, a=NO_YAML)

    assert {"blue"} == set(settle(store).namespaces)


REMOVALS = {
    "its file is deleted": lambda path: path.unlink(),
    "its document is deleted": lambda path: path.write_text(template("other")),
    "its label is deleted": lambda path: path.write_text(GOOD.replace("pillion.dev/template", "app")),
    "its file is renamed to be hidden": lambda path: path.rename(path.with_name(".a.yaml")),
}


@pytest.mark.parametrize("remove", REMOVALS.values(), ids=REMOVALS)
@pytest.mark.parametrize("state", [GOOD, BROKEN], ids=["good", "broken"])
def test_a_template_stops_at_once_when(folder, remove, state):
    write(folder, a=GOOD)
    store = load(folder)
    write(folder, a=state)
    settle(store)

    remove(folder / "a.yaml")
    after = settle(store)

    assert "hello" not in after.catalog.templates
    assert () == after.problems


def test_a_folder_that_disappears_keeps_what_was_in_it_and_says_so(folder, tmp_path):
    write(folder, a=GOOD)
    store = load(folder)
    before = store.snapshot()

    folder.rename(tmp_path / "away")
    gone = settle(store)
    (tmp_path / "away").rename(folder)
    back = settle(store)

    sentence = f"the template folder {str(folder)!r} does not exist; the last good version stays in force"
    assert [sentence] == said(gone)
    assert before.catalog.templates == gone.catalog.templates
    assert before == back


# -- checking ----------------------------------------------------------------------------------------------------------


def test_each_text_is_checked_once_before_it_is_compiled(folder):
    checked = []
    write(folder, a=GOOD, b=template("other"))
    store = load(folder, check=lambda configmap: checked.append(configmap["metadata"]["name"]))
    write(folder, b=template("other", labels="a: b"))
    settle(store)

    assert ["hello", "other", "other"] == checked


def test_a_text_that_fails_its_check_is_the_templates_fault(folder):
    def check(_):
        raise LimitExceeded("the template takes longer than 2 s to compile")

    write(folder, a=GOOD)
    snapshot = load(folder, check=check).snapshot()

    assert ["file 'a.yaml': the template takes longer than 2 s to compile"] == said(snapshot)
    assert isinstance(snapshot.catalog.templates["hello"], BrokenTemplate)


def test_a_text_that_could_not_be_checked_is_tried_again(folder):
    faults = [OurFault("no process"), None]

    def check(_):
        fault = faults.pop(0)
        if fault:
            raise fault

    write(folder, a=GOOD)
    store = load(folder, check=check)
    assert ["file 'a.yaml': no process"] == said(store.snapshot())

    while faults:
        store.look()

    assert () == store.snapshot().problems
    assert isinstance(store.snapshot().catalog.templates["hello"], Template)


# -- the log -----------------------------------------------------------------------------------------------------------


def test_a_problem_is_logged_once_however_often_the_folder_changes(folder, caplog):
    write(folder, a=BROKEN)
    store = load(folder)
    for number in range(3):
        write(folder, b=template("other", labels=f"number: '{number}'"))
        settle(store)

    assert [f"file 'a.yaml': {BROKEN_SENTENCE}"] == caplog.messages


def test_the_log_tells_what_comes_and_what_goes(folder, caplog):
    caplog.set_level(logging.INFO, "pillion.templates")
    write(folder, a=GOOD)
    store = load(folder)
    first = revision(store.snapshot())
    write(folder, a=BETTER)
    second = revision(settle(store))
    (folder / "a.yaml").unlink()
    settle(store)

    assert [
        f"template 'hello' is in force, revision {first}",
        f"template 'hello' is in force, revision {second}",
        "template 'hello' is gone",
    ] == caplog.messages


# -- the watch ---------------------------------------------------------------------------------------------------------


def test_a_change_is_in_force_without_a_restart(folder, watch):
    write(folder, a=GOOD)
    watched = watch()
    first = revision(watched.store.snapshot())

    write(folder, a=BETTER)
    second = revision(watched.wait(lambda snapshot: revision(snapshot) != first))
    write(folder, a=BROKEN)
    third = watched.wait(lambda snapshot: snapshot.problems)
    shutil.rmtree(folder)
    folder.mkdir()
    fourth = watched.wait(lambda snapshot: not snapshot.catalog.templates)

    assert second == revision(third)
    assert () == fourth.problems


def test_a_file_that_is_replaced_is_seen_though_its_size_and_times_are_the_same(folder, tmp_path):
    write(folder, a=template(labels="a: b"))
    store = load(folder)
    first = revision(settle(store))
    times = (folder / "a.yaml").stat()

    fresh = tmp_path / "fresh"
    fresh.write_text(template(labels="a: c"))
    os.utime(fresh, ns=(times.st_atime_ns, times.st_mtime_ns))
    fresh.rename(folder / "a.yaml")

    assert first != revision(settle(store))


def test_a_file_is_left_alone_until_it_is_written_to_its_end(folder):
    write(folder, a=GOOD)
    store = load(folder)
    settle(store)

    write(folder, a=NO_YAML)
    store.look()
    write(folder, a=BETTER)
    after = settle(store)

    assert () == after.problems


def test_a_folder_that_never_comes_to_rest_is_read_nevertheless(folder):
    write(folder, a=GOOD)
    store = load(folder)
    first = revision(settle(store))

    for number in range(6):
        write(folder, a=template(labels=f"number: '{number}'"))
        store.look()

    assert first != revision(store.snapshot())


def test_a_mounted_configmap_is_read_through_its_link(mount, watch):
    mount.swap({"a.yaml": GOOD, "b.yaml": template("other")})
    watched = watch()
    first = watched.store.snapshot()

    mount.swap({"a.yaml": BETTER, "c.yaml": template("third")})
    second = watched.wait(lambda snapshot: snapshot.catalog.templates.keys() != first.catalog.templates.keys())

    assert {"hello", "other"} == set(first.catalog.templates)
    assert {"hello", "third"} == set(second.catalog.templates)
    assert revision(first) != revision(second)
    assert () == second.problems


def test_no_snapshot_of_a_mount_ever_mixes_two_versions(mount, watch):
    def version(number):
        return {f"{name}.yaml": template(name, labels=f"number: '{number}'") for name in "abcdef"}

    def numbers(snapshot):
        return {revision(snapshot, name) for name in snapshot.catalog.templates}

    mount.swap(version(0))
    watched = watch()
    for number in range(1, 60):
        mount.swap(version(number))
    mount.swap({"last.yaml": template("last")})
    watched.wait(lambda snapshot: "last" in snapshot.catalog.templates)

    seen = [watched.store.snapshot()]
    while not watched.changes.empty():
        seen.append(watched.changes.get_nowait())
    assert all(len(numbers(snapshot)) <= 1 and not snapshot.problems for snapshot in seen)


def test_a_version_that_is_swapped_while_it_is_read_is_read_anew(mount, opened):
    names = ("a.yaml", "b.yaml", "c.yaml")
    mount.swap(dict.fromkeys(names, "0"))
    opened.then["b.yaml"] = lambda: mount.swap(dict.fromkeys(names, "1"))

    listing = folders.read(mount.folder)

    assert [folders.File(name, b"1") for name in names] == list(listing.files)


def test_the_links_beside_a_mount_may_lag_behind(mount):
    mount.swap({"a.yaml": "0", "b.yaml": "0"})
    (mount.folder / "a.yaml").unlink()
    (mount.folder / "gone.yaml").symlink_to("..data/gone.yaml")

    listing = folders.read(mount.folder)

    assert [folders.File("a.yaml", b"0"), folders.File("b.yaml", b"0")] == list(listing.files)


def test_a_folder_at_rest_is_not_read_again(folder, opened):
    write(folder, a=GOOD)
    store = load(folder)
    snapshot = settle(store)
    opened.clear()
    settle(store)
    assert [] == opened

    os.utime(folder / "a.yaml")
    settle(store)

    assert [str(folder / "a.yaml")] == opened
    assert snapshot is store.snapshot()


def test_nothing_is_announced_when_only_the_times_of_a_file_change(folder):
    changes = queue.Queue()
    write(folder, a=GOOD)
    store = load(folder, on_change=changes.put)
    changes.get_nowait()

    os.utime(folder / "a.yaml", ns=(0, 0))
    settle(store)

    assert changes.empty()


def test_the_watch_ends_when_it_is_stopped(watch):
    watched = watch()

    watched.store.stop()

    assert not watched.store._thread.is_alive()

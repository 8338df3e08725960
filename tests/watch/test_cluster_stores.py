"""Templates and namespaces come from a cluster; what is broken is quarantined, what is deleted stops."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from injector.core.errors import OurFault
from injector.core.model import BrokenTemplate, Namespace, Policy, Template
from injector.shell.cluster_stores import KubernetesStore
from injector.shell.clusters import Cluster
from injector.shell.errors import UnknownNamespace
from tests.server.clients import eventually
from tests.stores.mounts import PATIENCE
from tests.watch import api_servers
from tests.watch.api_servers import CONFIGMAPS, NAMESPACES
from tests.watch.conftest import LABELS, TIMING

GOOD, BETTER, BROKEN = "greeting: hi\n", "greeting: hello\n", "greeting: {{ 1 }\n"
SENTENCE = "ConfigMap pillion-system/hello, key labels, line 1, column 16: unexpected '}'"


class Observed:
    """A store, and its snapshots."""

    def __init__(self, api, folder, **options):
        self._news = threading.Condition()
        self.loaded = threading.Event()
        cluster = Cluster(str(api.kubeconfig(folder)))
        self.store = KubernetesStore(cluster, Policy(), on_change=self._tell, timing=TIMING, **options)
        self.store.begin(self.loaded.set)

    def _tell(self, _snapshot):
        with self._news:
            self._news.notify_all()

    @property
    def templates(self):
        return self.store.snapshot().catalog.templates

    @property
    def problems(self):
        return [str(problem) for problem in self.store.snapshot().problems]

    def until(self, condition):
        with self._news:
            assert self._news.wait_for(condition, PATIENCE), self.store.snapshot()


@pytest.fixture
def observe(api, tmp_path):
    with ExitStack() as stack:

        def start(**options):
            observed = Observed(api, tmp_path, **options)
            stack.callback(observed.store.stop)
            return observed

        yield start


def put(api, name, text):
    api.put(CONFIGMAPS, name, labels=LABELS, data={"labels": text})


@pytest.fixture
def loaded(api, observe):
    """A store that has one good template."""
    put(api, "hello", GOOD)
    observed = observe()
    assert observed.loaded.wait(PATIENCE)
    return observed


def test_labelled_configmaps_of_the_release_become_templates(api, loaded):
    put(api, "other", GOOD)
    loaded.until(lambda: "other" in loaded.templates)

    assert {"hello", "other"} == set(loaded.templates)
    assert all(isinstance(found, Template) for found in loaded.templates.values())
    assert [] == loaded.problems


def test_an_edit_makes_a_new_revision_and_a_deletion_ends_it(api, loaded):
    before = loaded.templates["hello"].revision

    put(api, "hello", BETTER)
    loaded.until(lambda: loaded.templates["hello"].revision != before)
    api.delete(CONFIGMAPS, "hello")
    loaded.until(lambda: "hello" not in loaded.templates)
    put(api, "hello", GOOD)
    loaded.until(lambda: "hello" in loaded.templates)

    assert before == loaded.templates["hello"].revision


def test_a_revision_does_not_depend_on_what_the_api_server_adds(api, loaded):
    before = loaded.store.snapshot()

    api.put(
        CONFIGMAPS,
        "hello",
        labels=LABELS,
        annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        data={"labels": GOOD},
    )
    put(api, "other", GOOD)
    loaded.until(lambda: "other" in loaded.templates)

    assert before.catalog.templates["hello"] is loaded.templates["hello"]


def test_a_broken_template_keeps_its_last_good_version_until_it_is_repaired(api, loaded):
    good = loaded.templates["hello"]

    put(api, "hello", BROKEN)
    loaded.until(lambda: loaded.problems)
    assert good == loaded.templates["hello"]
    assert [f"{SENTENCE}; the last good version stays in force"] == loaded.problems

    put(api, "hello", BETTER)
    loaded.until(lambda: not loaded.problems)
    assert good.revision != loaded.templates["hello"].revision


def test_a_template_that_was_never_good_is_broken_and_hinders_no_other(api, observe):
    put(api, "hello", BROKEN)
    put(api, "other", GOOD)
    observed = observe()
    assert observed.loaded.wait(PATIENCE)

    assert isinstance(observed.templates["hello"], BrokenTemplate)
    assert isinstance(observed.templates["other"], Template)
    assert [SENTENCE] == observed.problems


def test_a_broken_template_that_is_deleted_is_no_problem_any_more(api, loaded):
    put(api, "hello", BROKEN)
    loaded.until(lambda: loaded.problems)

    api.delete(CONFIGMAPS, "hello")
    loaded.until(lambda: not loaded.problems)

    assert {} == dict(loaded.templates)


def test_what_could_not_be_checked_for_a_reason_of_ours_is_tried_again(api, observe):
    crowded = threading.Event()
    crowded.set()

    def check(_configmap):
        if crowded.is_set():
            raise OurFault("no process is to be had")

    put(api, "hello", GOOD)
    observed = observe(check=check)
    observed.until(lambda: observed.problems)
    crowded.clear()
    observed.store.look()
    observed.until(lambda: not observed.problems)

    assert isinstance(observed.templates["hello"], Template)


def test_it_is_loaded_when_both_collections_are_known(api, observe):
    release = threading.Event()
    api.put(NAMESPACES, "shop")
    put(api, "hello", GOOD)
    api.strike("list", *[api_servers.hold(NAMESPACES, release)] * 2)

    observed = observe()
    observed.until(lambda: "hello" in observed.templates)
    assert not observed.loaded.is_set()
    release.set()

    assert observed.loaded.wait(PATIENCE)
    assert "shop" == observed.store.find_namespace("shop").name


def test_namespaces_lend_their_labels_and_annotations_and_nothing_else(api, loaded):
    api.put(NAMESPACES, "shop", labels={"team": "blue"}, annotations={"env": "test"}, status={"phase": "Active"})
    assert eventually(lambda: "shop" in known(loaded))

    expected = Namespace(name="shop", labels={"team": "blue"}, annotations={"env": "test"})
    assert expected == loaded.store.find_namespace("shop")


def test_a_namespace_that_is_not_known_can_be_waited_for(api, loaded):
    with pytest.raises(UnknownNamespace, match="namespace 'shop' is not known yet") as caught:
        loaded.store.find_namespace("shop")

    assert not caught.value.wait(0.0)
    threading.Thread(target=api.put, args=(NAMESPACES, "shop")).start()
    assert caught.value.wait(PATIENCE)
    assert Namespace(name="shop") == loaded.store.find_namespace("shop")


def test_namespaces_become_known_while_a_template_takes_long_to_check(api, observe):
    release = threading.Event()
    put(api, "hello", GOOD)
    observed = observe(check=lambda _configmap: release.wait(PATIENCE) and None)

    api.put(NAMESPACES, "shop")

    assert eventually(lambda: "shop" in known(observed))
    assert not observed.loaded.is_set()
    release.set()
    assert observed.loaded.wait(PATIENCE)


def test_while_the_server_is_away_all_stays_and_after_that_what_it_missed_comes(api, loaded):
    api.put(NAMESPACES, "shop")
    assert eventually(lambda: "shop" in known(loaded))

    api.stop()
    assert eventually(lambda: all(source.failure for source in loaded.store.sources))
    assert {"hello"} == set(loaded.templates)
    assert "shop" == loaded.store.find_namespace("shop").name
    api.delete(CONFIGMAPS, "hello")
    api.restart()

    loaded.until(lambda: "hello" not in loaded.templates)
    assert eventually(lambda: not any(source.failure for source in loaded.store.sources))


def test_a_store_that_is_stopped_leaves_no_thread_and_is_not_stuck(api, tmp_path):
    before = set(threading.enumerate())
    observed = Observed(api, tmp_path)
    assert observed.loaded.wait(PATIENCE)
    mine = [thread.name for thread in threading.enumerate() if thread not in before]
    assert {"watch-configmaps", "watch-namespaces", "templates"} <= set(mine)

    observed.store.stop()

    left = {thread.name for thread in threading.enumerate() if thread not in before}
    assert set() == left & {"watch-configmaps", "watch-namespaces", "templates"}
    assert "" == observed.store.stuck()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_has_ended_by_itself_makes_the_process_unfit_to_live(api, loaded):
    def end(*_):
        raise SystemExit

    assert "" == loaded.store.stuck()
    loaded.store._namespaces._trim = end
    api.put(NAMESPACES, "shop")

    assert eventually(lambda: loaded.store.stuck() == "the watch of namespaces has ended")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_check_that_ends_its_thread_makes_the_process_unfit_to_live(api, observe):
    def check(_configmap):
        raise SystemExit

    put(api, "hello", GOOD)
    observed = observe(check=check)

    assert eventually(lambda: observed.store.stuck() == "the thread that compiles templates has ended")


def known(observed):
    return observed.store.sources[1].view

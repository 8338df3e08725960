"""Watches of a small API server, and what can be awaited of them."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from injector.core.model import Policy
from injector.shell.cluster_stores import configmaps
from injector.shell.clusters import Cluster
from injector.shell.watches import Timing, Watch
from tests.server.clients import eventually
from tests.stores.mounts import PATIENCE
from tests.watch.api_servers import CONFIGMAPS, SELECTOR, ApiServer

LABELS = {"pillion.dev/template": "true"}
TIMING = Timing(watch=(3000, 3000), silence=PATIENCE, retry=(0.001, 0.01))


class Observer:
    """A watch of the template ConfigMaps, and its changes."""

    def __init__(self, api, folder, timing=TIMING, **options):
        self.api = api
        self.pauses = []
        self._news = threading.Condition()
        cluster = Cluster(str(api.kubeconfig(folder)))
        options = {"timing": timing, "chance": self._note, **options}
        self.watch = Watch(cluster, configmaps(Policy()), on_change=self._tell, **options)

    def _note(self, low, high):
        """Let every pause be as short as it may, and note how long it might be."""
        if high == 1.0:
            self.pauses.append(self.watch._pause)
        return low

    def _tell(self):
        with self._news:
            self._news.notify_all()

    def until(self, condition):
        """Wait for a change after which a condition holds."""
        with self._news:
            assert self._news.wait_for(condition, PATIENCE), (self.watch.failure, dict(self.watch.view))

    def expected(self):
        """What the server has, as the watch keeps it."""
        trim = configmaps(Policy()).trim
        return {f"pillion-system/{name}": trim(obj) for name, obj in self.api.found(CONFIGMAPS, SELECTOR).items()}

    def catch_up(self):
        """Wait until a watch is open and the view is the server's state, and still is after one change more."""
        assert eventually(lambda: self.watch.failure == ""), self.watch.failure
        self.until(lambda: self.expected() == dict(self.watch.view))
        self.api.put(CONFIGMAPS, "zz-last", labels=LABELS, data={"mark": str(self.api.version)})
        self.until(lambda: self.expected() == dict(self.watch.view))


@pytest.fixture
def api():
    server = ApiServer()
    yield server
    server.stop()


@pytest.fixture
def observe(api, tmp_path):
    """Start a watch that ends with the test."""
    with ExitStack() as stack:

        def start(timing=TIMING, **options):
            observer = Observer(api, tmp_path, timing, **options)
            stack.callback(observer.watch.stop)
            observer.watch.start()
            return observer

        yield start

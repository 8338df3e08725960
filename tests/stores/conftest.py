"""A folder for each test, a store that watches it, and the files that are opened meanwhile."""

from __future__ import annotations

import queue
import sys
from pathlib import Path

import pytest

from injector.core.model import Policy
from injector.shell import manifests
from injector.shell.stores import DirectoryStore
from tests.stores.mounts import PATIENCE, Mount


class Watched:
    """A store whose thread runs, and its snapshots in order."""

    def __init__(self, folder: Path, **options) -> None:
        self.changes = queue.Queue()
        self.store = DirectoryStore(folder, Policy(), on_change=self.changes.put, interval=0.01, **options)
        self.store.load()
        self.store.start()

    def wait(self, is_it):
        """Return the first snapshot from now on for which *is_it* holds."""
        snapshot = self.store.snapshot()
        while not is_it(snapshot):
            snapshot = self.changes.get(timeout=PATIENCE)
        return snapshot


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "templates"
    path.mkdir()
    return path


@pytest.fixture
def mount(folder):
    return Mount(folder)


@pytest.fixture
def watch(folder):
    running = []

    def start(**options):
        running.append(Watched(folder, **options))
        return running[-1]

    yield start
    for watched in running:
        watched.store.stop()


class Opened(list):
    """The manifest files that are opened, in order; ``then`` runs before the file of that name is."""

    def __init__(self):
        super().__init__()
        self.then = {}


LISTENING: list[Opened] = []


def _audit(event, arguments):
    path = str(arguments[0]) if event == "open" and LISTENING else ""
    if path.endswith(manifests.SUFFIXES):
        for opened in LISTENING:
            opened.append(path)
            opened.then.pop(Path(path).name, lambda: None)()


sys.addaudithook(_audit)  # for good: Python has no way to take one away


@pytest.fixture
def opened():
    LISTENING.append(Opened())
    yield LISTENING[-1]
    LISTENING.clear()

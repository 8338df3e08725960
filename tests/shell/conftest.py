"""Servers that run while a test, or a module of tests, runs."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
import yaml

from tests.server.authorities import issue
from tests.shell.processes import Server
from tests.shell.reviews import configmap

LABELS = configmap(
    "greeter",
    annotations={"pillion.dev/default": "true", "pillion.dev/version": "1"},
    data={
        "parameters": "greeting: {type: string, default: hello}\n",
        "labels": "greeting: {{ params.greeting }}\n",
    },
)


@pytest.fixture(scope="session")
def identity():
    return issue()


@pytest.fixture(scope="session")
def files(identity, tmp_path_factory):
    return identity.store(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def templates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    store(folder, LABELS)
    return folder


def store(folder, obj):
    (folder / f"{obj['metadata']['name']}.yaml").write_text(yaml.safe_dump(obj))


@pytest.fixture(scope="module")
def server(identity, files, templates):
    """A server that no test may change."""
    with ExitStack() as stack:
        yield Server(stack, identity, files, {}, templates=templates)


@pytest.fixture
def start(identity, files, templates):
    """Start servers that end with the test."""
    with ExitStack() as stack:
        yield lambda variables=None, **flags: Server(
            stack, identity, flags.pop("files", files), variables or {}, **{"templates": templates, **flags}
        )

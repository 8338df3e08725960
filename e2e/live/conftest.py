"""
What the tests on nodes share: one installation as users make it, namespaces, and a few templates.

    python -m e2e                    # a cluster, the image, these tests, and everything gone again
    python -m e2e.cluster up         # or step by step: `python -m e2e --help`
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml

from e2e.chart import clusters
from e2e.chart.conftest import namespace
from e2e.live import pods, proxies, quick_starts, servers, tints
from e2e.live.installations import Installation

TEMPLATES = Path(__file__).parents[1] / "templates"
ENABLED = "e2e-enabled"
"""A namespace whose pods opt in."""
PLAIN = "e2e-plain"
FIRST = "e2e-first"


FIGURES = pytest.StashKey[dict[str, str]]()
"""What was measured on the way, told at the end: no figure lets a test fail."""


def pytest_configure(config):
    config.stash[FIGURES] = {}


def pytest_terminal_summary(terminalreporter, config):
    for what, figure in config.stash[FIGURES].items():
        terminalreporter.write_line(f"{what}: {figure}")


@pytest.fixture(scope="session")
def figures(request):
    """Where figures are put down."""
    return request.config.stash[FIGURES]


@pytest.fixture(scope="session")
def release(figures):
    """Install the chart as its page says; whatever becomes of the tests, it is removed."""
    installation = Installation()
    try:
        started = time.monotonic()
        installation.install_as(quick_starts.INSTALLATION)
        figures["seconds of an installation"] = f"{installation.seconds:.0f}"
        _await_first_pod()
        figures["seconds from its beginning to the first injected pod"] = f"{time.monotonic() - started:.1f}"
        yield installation
    finally:
        installation.run("uninstall", "--ignore-not-found", "--wait")
        clusters.kubectl("delete", "namespace", installation.namespace, "--ignore-not-found")


def _await_first_pod():
    """Create a pod in a new namespace that opts in, until it is injected."""
    space = namespace(FIRST, {"pillion.dev/injection": "enabled"})
    pod = pods.pod("web", FIRST, labels={"hello": "true"})
    try:
        assert clusters.apply([space]).returncode == 0
        clusters.await_true("the first pod", lambda: "hello-added" in clusters.create(pod, "--dry-run=server").stdout)
    finally:
        clusters.delete([space])


@pytest.fixture(scope="session")
def namespaces(release):
    """One namespace that opts in and one that does not."""
    made = [namespace(ENABLED, {"pillion.dev/injection": "enabled"}), namespace(PLAIN)]
    applied = clusters.apply(made)
    assert applied.returncode == 0, applied.stderr
    for each in (ENABLED, PLAIN):
        await_account(each)
    yield
    clusters.delete(made)
    for each in (ENABLED, PLAIN):  # for who comes next must not take what is on its way out for its own
        wait(f"namespace/{each}", "delete")


def await_account(space):
    clusters.await_true(
        "an account", lambda: clusters.kubectl("-n", space, "get", "serviceaccount", "default").returncode == 0
    )


@pytest.fixture(scope="session")
def shipped(namespaces):
    """The templates of e2e/templates, in force."""
    made = [yaml.safe_load(file.read_text()) for file in sorted(TEMPLATES.glob("*.yaml"))]
    applied = clusters.apply(made)
    assert applied.returncode == 0, applied.stderr
    servers.await_templates(made)
    yield {each["metadata"]["name"]: each for each in made}
    clusters.delete(made)


@pytest.fixture
def tint(shipped):
    """A template of one variable, pale, for the time of a test."""
    made = tints.put("pale")
    yield made
    clusters.delete([made])
    servers.await_absence(tints.NAME)


@pytest.fixture
def start(shipped):
    """Create a pod for the time of a test, and answer how it was stored."""
    started = []

    def create(pod, *flags):
        done = clusters.create(pod, *flags)
        assert done.returncode == 0, done.stderr
        stored = json.loads(done.stdout)
        started.append(stored)
        return stored

    yield create
    clusters.delete(started)


@pytest.fixture
def preview(shipped):
    """Ask how a pod would be stored; nothing is."""

    def dry_run(space=ENABLED, *, labels=None, annotations=None, **spec):
        pod = pods.pod(pods.name("web"), space, labels=labels or {}, annotations=annotations or {})
        pod["spec"] |= spec
        done = clusters.create(pod, "--dry-run=server")
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    return dry_run


@pytest.fixture(scope="session")
def proxy(release):
    """The port of a proxy to the API server."""
    with proxies.proxying() as port:
        yield port


@pytest.fixture
def caller(proxy):
    """A connection to the API server."""
    found = proxies.Caller(proxy)
    yield found
    found.close()


def wait(thing, condition, space=ENABLED, seconds=90):
    """Wait until an object is as it should be; what it is instead is told."""
    done = clusters.kubectl("-n", space, "wait", f"--for={condition}", thing, f"--timeout={seconds}s")
    assert done.returncode == 0, done.stderr + clusters.kubectl("-n", space, "describe", thing).stdout


def read_log(pod, container, space=ENABLED):
    """Read what a container has said so far."""
    return clusters.kubectl("-n", space, "logs", pod, "--container", container).stdout

"""
What a cluster's users feel, measured: ``make figures``, in about three quarters of an hour: no test run has it.

    python -m e2e e2e/live/figures.py -k "create and bursts"      # a part; the others: limit, threads, ready, weighs

Pods are created by dry run through a ``kubectl proxy``, in rounds that take turns between a namespace whose pods are
sent and one whose pods are not: only what differs between the two is the webhook's. Everything of it is removed again.
"""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import yaml

from e2e.chart import clusters
from e2e.chart.charts import CHART, NAMESPACE
from e2e.live import config_maps, footprints, ledgers, pods, quarantines, rhythms, servers, shortcut, stands, starts
from e2e.live.arms import CHECKED, INJECTED, NOT_SENT, Arm, Comparison
from e2e.live.footprints import MIB

DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
"""The chart's own; the tests else have it ask for less."""
ROUNDS = 4
RATE = 40
"""Creates a second that the node holds with room to spare, also with the webhook."""
RHYTHMS = {
    "unpaused-1": rhythms.unpaused(1, 100),
    "unpaused-8": rhythms.unpaused(8, 50),
    "unpaused-50": rhythms.unpaused(50, 20),
    "paced-1": rhythms.paced(1, RATE, 5),
    "paced-8": rhythms.paced(8, RATE, 5),
    "paced-50": rhythms.paced(50, RATE, 5),
    "bursts-50": rhythms.bursts(50, 5),
}
CROWD = 50_000
"""Creates after which a server is weighed again."""
TEMPLATES = 1_000
STORED = "e2e-stored"
"""A label by which they are found again."""


def pod(space):
    return pods.pod("web", space)


def limited(cpu):
    """Return the chart's resources with another limit of CPU, or none."""
    others = {name: limit for name, limit in DEFAULTS["resources"]["limits"].items() if name != "cpu"}
    return {**DEFAULTS["resources"], "limits": others | ({"cpu": cpu} if cpu else {})}


def deployment(space):
    return pods.workload("Deployment", "web", space)


@pytest.fixture(scope="module")
def fit(shipped, release, proxy):
    """Have so many servers with these resources and settings, and no others left."""
    fitted = {}

    def upgrade(replicas=DEFAULTS["replicas"], resources=DEFAULTS["resources"], **settings):
        nonlocal fitted
        values = {"replicas": replicas, "drainSeconds": 1, "resources": resources, "settings": settings}
        if values != fitted:
            release.upgrade(values=values)
            fitted = values
        await_servers(replicas, shipped)
        rhythms.create(proxy, rhythms.unpaused(8, 25), pod(INJECTED.space), "")

    return upgrade


def await_servers(number, shipped):
    """Wait until there are so many and those on their way out are gone, and all have what they need."""

    def names():
        return clusters.kubectl("-n", NAMESPACE, "get", "pods", "-l", servers.SERVERS, "-o", "name").stdout.split()

    clusters.await_true(f"{number} servers", lambda: len(names()) == number, 60)
    servers.await_templates(shipped.values())


@pytest.fixture(scope="module")
def floor(shipped, tmp_path_factory):
    """A namespace whose pods are sent to a webhook that takes every shortcut."""
    stand = stands.make(shortcut, tmp_path_factory.mktemp("shortcut"))
    stand.start()
    configuration = _configuration(stand)
    assert clusters.apply([configuration]).returncode == 0
    clusters.await_true(
        "the shortcut is taken",
        lambda: shortcut.PASSENGER in clusters.create(pod(stand.space), "--dry-run=server").stdout,
    )
    yield Arm("by the shortcut", stand.space, INJECTED.mark)
    clusters.delete([configuration])
    stand.stop()


def _configuration(stand):
    webhook = {
        "name": "shortcut.example.com",
        "clientConfig": stand.client_config(),
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stand.space}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
        "reinvocationPolicy": "IfNeeded",
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "shortcut"},
        "webhooks": [webhook],
    }


@pytest.mark.parametrize("rhythm", RHYTHMS)
@pytest.mark.parametrize("replicas", [1, 2])
def test_what_a_call_adds_to_a_create(fit, floor, proxy, figures, replicas, rhythm):
    fit(replicas)
    creates = Comparison(proxy, pod, [NOT_SENT, INJECTED, floor])
    before = _sum_ledgers()
    creates.run(RHYTHMS[rhythm], ROUNDS)
    used = _sum_ledgers() - before

    of = f"creates by {RHYTHMS[rhythm]}, {_tell(replicas, 'server')}"
    figures[f"{of}, not sent"] = creates.describe()
    figures[f"{of}, added"] = creates.describe_added(INJECTED)
    figures[f"{of}, added by a webhook that takes every shortcut"] = creates.describe_added(floor)
    figures[f"{of}, CPU of the API server for a create"] = creates.describe_cpu()
    figures[f"{of}, CPU of the servers for a create"] = f"{used.cpu / creates.count(INJECTED) * 1000:.1f} ms"


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("cpu", [None, "1", "500m", "250m", "200m"])
def test_what_a_limit_of_cpu_costs(fit, proxy, figures, cpu, replicas):
    fit(replicas, limited(cpu))
    of = f"CPU limit {cpu or 'none'}, {_tell(replicas, 'server')}"
    for rhythm in ("paced-50", "bursts-50", "unpaused-50"):
        creates = Comparison(proxy, pod, [NOT_SENT, INJECTED])
        before = _sum_ledgers()
        creates.run(RHYTHMS[rhythm], 2)
        figures[f"{of}, creates by {RHYTHMS[rhythm]}, added"] = (
            f"{creates.describe_added(INJECTED)}; {_tell_throttling(_sum_ledgers() - before)}"
        )


@pytest.mark.parametrize("threads", [1, 2, 4, 8])
def test_what_threads_change(fit, proxy, figures, threads):
    fit(threads=threads)
    for what, make, arm in (("pods", pod, INJECTED), ("Deployments", deployment, CHECKED)):
        creates = Comparison(proxy, make, [NOT_SENT, arm])
        creates.run(RHYTHMS["bursts-50"], 2)
        of = f"{_tell(threads, 'thread')}, creates of {what} by {RHYTHMS['bursts-50']}"
        figures[f"{of}, added"] = creates.describe_added(arm)


@pytest.mark.parametrize("cpu", [None, "1", "500m", "250m", "200m"])
def test_how_soon_a_server_is_ready(fit, proxy, figures, cpu):
    fit(1, limited(cpu))
    found = [starts.restart(proxy) for _ in range(3)]
    figures[f"CPU limit {cpu or 'none'}, seconds from a server's start until it is ready"] = (
        f"{', '.join(f'{start.seconds:.1f}' for start in found)}; CPU {max(start.cpu for start in found):.1f}"
    )


def test_what_a_server_weighs(fit, proxy, figures):
    fit()
    restarted = clusters.kubectl("-n", NAMESPACE, "rollout", "restart", "deployment/pillion")
    assert restarted.returncode == 0, restarted.stderr
    assert 0 == clusters.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/pillion").returncode
    fit()
    figures["MiB of the image's files"] = f"{footprints.image(servers.names()[0]) / MIB:.0f}"
    figures["MiB of a server's pod, idle"] = _weigh()
    rhythms.create(proxy, rhythms.unpaused(8, CROWD // 8), pod(INJECTED.space), "")
    figures[f"MiB of a server's pod after {CROWD:,} creates of two servers"] = _weigh()
    with _stored([_template(f"many-{number:04}") for number in range(TEMPLATES)]):
        figures[f"MiB of a server's pod with {TEMPLATES:,} templates, too"] = _weigh()


def _template(name):
    return config_maps.template(name, {"env": f"- {{name: MANY, value: {name}}}\n"}, labels={STORED: "true"})


@contextmanager
def _stored(templates):
    """Have further templates in force."""
    try:
        with quarantines.unchecked():
            applied = clusters.apply(templates)
        assert applied.returncode == 0, applied.stderr
        servers.await_templates(templates, 120)
        yield
    finally:
        clusters.kubectl("-n", NAMESPACE, "delete", "configmaps", "-l", STORED, "--wait=false")


def _weigh():
    found = [
        (footprints.resident(each), footprints.proportional(each), ledgers.read(each).working_set)
        for each in servers.names()
    ]
    return "; ".join(
        f"{own / MIB:.0f} resident, {whole / MIB:.0f} with all processes, {kernel / MIB:.0f} as the kernel counts"
        for own, whole, kernel in found
    )


def _sum_ledgers():
    first, *others = map(ledgers.read, servers.names())
    return sum(others, first)


def _tell_throttling(used):
    share = used.throttled / used.periods if used.periods else 0
    return f"throttled in {share:.0%} of the time slices, for {used.held:.1f} s"


def _tell(number, noun):
    return f"{number} {noun}{'s' if number > 1 else ''}"

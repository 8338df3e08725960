"""How often a pod that gets containers is sent, and who has its token: the API server's own doing is done before it."""

from __future__ import annotations

import base64
import json

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.chart.conftest import namespace
from e2e.live import config_maps, pods, relay, servers, stands
from e2e.live.conftest import await_account
from injector.core.model import TOKEN_PATH


@pytest.fixture(scope="module")
def relayed(release, shipped, tmp_path_factory):
    """Namespaces whose pods go to the servers by way of somebody who writes down what is said: read it of a pod."""
    stand = stands.make(relay, tmp_path_factory.mktemp("relay"))
    host = f"pillion.{NAMESPACE}.svc"
    live = json.loads(clusters.kubectl("get", "mutatingwebhookconfiguration", "pillion", "-o", "json").stdout)
    authority = base64.b64decode(live["webhooks"][0]["clientConfig"]["caBundle"]).decode()
    address = clusters.kubectl("-n", NAMESPACE, "get", "service", "pillion", "-o", "jsonpath={.spec.clusterIP}").stdout
    names = {"hostAliases": [{"ip": address, "hostnames": [host]}]}
    release.upgrade("--no-hooks", values={"webhook": {"namespaceSelector": _only("NotIn")}})
    spaces = [namespace(space, {"pillion.dev/injection": "enabled"}) for space in (RELAYED, LIMITED)]
    made = [_configuration(live["webhooks"], stand.client_config()), FIRST, *CREWS]
    try:
        stand.start(host, "/config/authority.crt", files={"authority.crt": authority}, **names)
        for things in ([*spaces, *made], [OFF, LIMITS]):
            applied = clusters.apply(things)
            assert applied.returncode == 0, applied.stderr
        servers.await_templates(CREWS)
        for space in (RELAYED, LIMITED):
            await_account(space)
            clusters.await_true("the relay is called", lambda space=space: _is_injected(space))
        yield lambda pod: [call for call in _log(stand) if call["name"] == pod["metadata"]["name"]]
    finally:
        clusters.delete([*made, *spaces])
        stand.stop()
        release.upgrade("--no-hooks")


RELAYED = "e2e-relayed"
LIMITED = "e2e-limited"
"""A namespace with defaults for containers that say nothing of what they need."""
LIMITS = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {"name": "limits", "namespace": LIMITED},
    "spec": {"limits": [{"type": "Container", "default": {"memory": "64Mi"}}]},
}
OFF = {
    "apiVersion": "v1",
    "kind": "ServiceAccount",
    "metadata": {"name": "e2e-off", "namespace": RELAYED},
    "automountServiceAccountToken": False,
}
"""An account whose token is mounted for nobody who does not ask for it."""


def _crew(name, settings, **data):
    """Make a template of a native sidecar and an init container."""
    container = f"image: {pods.IMAGE}, command: ['true']"
    crew = {"sidecars": f"- {{name: mate, {container}}}\n", "initContainers": f"- {{name: pilot, {container}}}\n"}
    return config_maps.template(name, {**crew, **data}, annotations={"pillion.dev/native": "true", **settings})


CREWS = [
    _crew("crew", {}),
    _crew("crew-shielded", {"pillion.dev/api-token": "false"}),
    _crew("crew-off", {}, pod="automountServiceAccountToken: false\n"),
    _crew("crew-first", {}, pod="priorityClassName: e2e-first\n"),
]
FIRST = {
    "apiVersion": "scheduling.k8s.io/v1",
    "kind": "PriorityClass",
    "metadata": {"name": "e2e-first"},
    "value": 1000,
}
AGAIN = {
    "a LimitRange has defaults for what came": (LIMITED, "crew"),
    "a template sets a priority class": (RELAYED, "crew-first"),
}

ALL = ["app", "mate", "pilot"]
OWN = ["app"]
BY_HAND = {
    "volumes": [
        {"name": "kube-api-access-own", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    ],
    "containers": [
        {
            **pods.spec(pods.WAIT)["containers"][0],
            "volumeMounts": [{"name": "kube-api-access-own", "readOnly": True, "mountPath": TOKEN_PATH}],
        }
    ],
}
"""What the API server would have made of the pod, written by its author."""
BY_OFF = {"serviceAccountName": "e2e-off"}

TOKENS = {
    # template, spec of the pod, containers that have the token, calls
    "the account lets it": ("crew", {}, ALL, 1),
    "the account does not": ("crew", BY_OFF, [], 1),
    "the pod does not want it": ("crew", {"automountServiceAccountToken": False}, [], 1),
    "the pod wants it and the account does not": ("crew", {**BY_OFF, "automountServiceAccountToken": True}, ALL, 1),
    "the template keeps it out": ("crew-shielded", {}, OWN, 1),
    "the template switches it off": ("crew-off", {}, OWN, 1),
    "the author mounts it and the account does not": ("crew", {**BY_OFF, **BY_HAND}, OWN, 1),
    "the author mounts it and so does the account": ("crew", BY_HAND, ALL, 2),
}


@pytest.mark.parametrize("case", TOKENS)
def test_containers_that_come_have_the_token_where_the_api_server_wants_it(relayed, case):
    template, spec, having, times = TOKENS[case]
    pod = _relayed_pod(RELAYED, template, spec)
    stored = _stored(pod)

    assert ["mate", "pilot", "app"] == pods.containers(stored)
    assert having == sorted(_having_token(stored))
    assert times == len(relayed(pod))


def test_the_token_is_mounted_as_by_the_api_server(relayed):
    [app, *ours] = _mounts(_stored(_relayed_pod(RELAYED, "crew", {})))

    assert [app] * 2 == ours


def test_a_pod_that_a_controller_creates_is_sent_once(relayed):
    work = pods.workload("Deployment", pods.name("web"), RELAYED, **{"pillion.dev/templates": "-*, crew"})
    work["spec"]["template"]["spec"] |= pods.WAITING
    app = f"app={_stored(work)['metadata']['name']}"
    listed = ["-n", RELAYED, "get", "pods", "-l", app, "-o", "json"]
    clusters.await_true("its pod", lambda: json.loads(clusters.kubectl(*listed).stdout)["items"])
    [stored] = json.loads(clusters.kubectl(*listed).stdout)["items"]

    assert ALL == sorted(_having_token(stored))
    assert 1 == len(relayed({"metadata": {"name": stored["metadata"]["generateName"]}}))


@pytest.mark.parametrize("case", AGAIN)
def test_the_second_call_of_a_real_create_has_no_patch(relayed, case):
    space, template = AGAIN[case]
    pod = _relayed_pod(space, template, {})
    stored = _stored(pod)

    first, second = relayed(pod)
    assert {operation["op"] for operation in first["patch"]} <= {"add", "replace"}
    assert ("injected", "injected") == _audit(first, template)
    assert ["mate", "pilot", "app"] == pods.containers(second["pod"])
    assert first["pod"]["spec"] != second["pod"]["spec"]
    assert second["patch"] is None
    assert ("already-injected", "already-injected") == _audit(second, template)
    assert pods.containers(stored) == pods.containers(second["pod"])
    assert stored["metadata"]["annotations"] == second["pod"]["metadata"]["annotations"]


def _relayed_pod(space, template, spec):
    pod = pods.pod(pods.name("web"), space, annotations={"pillion.dev/templates": f"-*, {template}"})
    pod["spec"] |= {**pods.WAITING, **spec}
    return pod


def _stored(pod):
    created = clusters.create(pod)
    assert created.returncode == 0, created.stderr
    return json.loads(created.stdout)


def _mounts(stored):
    """List what is mounted at the token's path: first in the containers, then in the init containers."""
    containers = (each for key in ("containers", "initContainers") for each in stored["spec"].get(key, ()))
    return [mount for each in containers for mount in each.get("volumeMounts", ()) if mount["mountPath"] == TOKEN_PATH]


def _having_token(stored):
    for each in (*stored["spec"]["containers"], *stored["spec"]["initContainers"]):
        if any(mount["name"].startswith("kube-api-access-") for mount in each.get("volumeMounts", ())):
            yield each["name"]


def _only(operator):
    return {
        "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": operator, "values": [RELAYED, LIMITED]}]
    }


def _configuration(webhooks, client_config):
    """Make a configuration like the installed one, for these namespaces and another server."""
    changed = [{**each, "clientConfig": client_config, "namespaceSelector": _only("In")} for each in webhooks]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "e2e-relay"},
        "webhooks": [each for each in changed if each["name"].startswith("namespace.")],
    }


def _is_injected(space):
    """Whether a pod goes by the relay, and where there are limits, these are known."""
    done = clusters.create(_relayed_pod(space, "crew", {}), "--dry-run=server")
    stored = json.loads(done.stdout) if done.returncode == 0 else {"spec": {"containers": [{"name": ""}]}}
    limited = "limits" in stored["spec"]["containers"][-1].get("resources", {})
    return "mate" in pods.containers(stored) and limited is (space == LIMITED)


def _audit(call, template):
    """Return what was decided on the pod, and on the template."""
    decided = dict(each.split("=") for each in call["audit"]["templates"].split(","))
    return call["audit"]["decision"], decided[template]


def _log(stand):
    text = clusters.kubectl("-n", stand.space, "logs", stand.name).stdout
    return [json.loads(line) for line in text.splitlines()]

"""The pod's token in containers that come: mounted where the API server has mounted it before, and nowhere else."""

from __future__ import annotations

import pytest

from injector.core.model import Policy
from tests import accounts
from tests.core.builders import pod, send, template

SIDECAR = "- {name: proxy, image: proxy:1, volumeMounts: [{name: tmp, mountPath: /tmp}]}\n"
VOLUMES = "- {name: tmp, emptyDir: {}}\n"
DATA = {"sidecars": SIDECAR, "initContainers": "- {name: setup, image: setup:1}\n", "volumes": VOLUMES}
CREW = template("crew", DATA, default="true", native="true")
TOKEN = {"name": accounts.VOLUME, "readOnly": True, "mountPath": accounts.PATH}
TMP = {"name": "tmp", "mountPath": "/tmp"}


def delivered(account=None, **spec):
    """The pod as the API server delivers it; *account* is what its account says of mounting."""
    return accounts.mounted(accounts.noted(pod(**spec)), account)


def mounts(reply):
    """What is mounted in each container."""
    spec = reply.result["spec"]
    containers = [*spec.get("initContainers", ()), *spec["containers"]]
    return {container["name"]: container.get("volumeMounts", []) for container in containers}


def with_changes(changes, found):
    """The pod with other fields of its metadata and spec."""
    return {**found, **{part: {**found[part], **fields} for part, fields in changes.items()}}


@pytest.mark.parametrize("native", ["true", "false"])
def test_all_containers_that_come_have_the_token_behind_their_own_mounts(native):
    reply = send(delivered(), template("crew", DATA, default="true", native=native))

    assert {"web": [TOKEN], "proxy": [TMP, TOKEN], "setup": [TOKEN]} == mounts(reply)
    assert reply.result == accounts.mounted(reply.result)


@pytest.mark.parametrize("accounts_word", [None, True, False])
def test_what_comes_from_two_templates_has_it_once(accounts_word):
    other = template("other", {"sidecars": "- {name: other, image: other:1}\n"}, default="true", native="false")
    reply = send(delivered(accounts_word), CREW, other)

    assert {"web", "proxy", "setup", "other"} == {*mounts(reply)}
    assert reply.result == accounts.mounted(reply.result, accounts_word)
    assert [] == send(reply.result, CREW, other).patch


def test_the_second_call_is_the_same_whether_the_api_server_has_mounted_it_or_nobody():
    once = send(delivered(), CREW)
    bare = send(with_changes({"metadata": {"managedFields": None}}, delivered()), CREW)

    assert once.result["spec"] == accounts.mounted(bare.result)["spec"]
    for found in (once.result, bare.result, accounts.mounted(bare.result)):
        reply = send(found, CREW)
        assert ("already-injected", []) == (str(reply.verdict.reason), reply.patch)


def own(*mounted, name="web"):
    return {"name": name, "image": "shop/web:1.4", "volumeMounts": [*mounted]}


def volume(*sources, name=accounts.VOLUME):
    return {"name": name, "projected": {"sources": [*sources]}}


BLOCKED = {"name": "empty", "mountPath": accounts.PATH}
EMPTY = {"name": "empty", "emptyDir": {}}
PLUGINS = volume(*accounts.SOURCES)

CERTAIN = {
    "the pod asks for it": delivered(automountServiceAccountToken=True),
    "the pod asks for it against its account": delivered(account=False, automountServiceAccountToken=True),
    "init containers have it too": delivered(initContainers=[own(name="first")]),
    "the author keeps it from one container": delivered(
        containers=[own(), own(BLOCKED, name="other")], volumes=[EMPTY]
    ),
    "there are other volumes": delivered(volumes=[EMPTY, {"name": "kube", "emptyDir": {}}]),
    "several managers wrote, none of them the volume": with_changes(
        {"metadata": {"managedFields": [{"manager": "x"}, *delivered(volumes=[EMPTY])["metadata"]["managedFields"]]}},
        delivered(volumes=[EMPTY]),
    ),
}


@pytest.mark.parametrize("case", CERTAIN)
def test_the_token_is_mounted_where_the_plugin_has_been(case):
    reply = send(CERTAIN[case], CREW)

    assert ([TMP, TOKEN], [TOKEN]) == (mounts(reply)["proxy"], mounts(reply)["setup"])


UNCERTAIN = {
    "the pod does not want it": delivered(automountServiceAccountToken=False),
    "the account does not": delivered(account=False),
    "the pod does not want it but its author mounts it": accounts.noted(
        pod(automountServiceAccountToken=False, containers=[own(TOKEN)], volumes=[PLUGINS])
    ),
    "its author mounts it": accounts.noted(pod(containers=[own(TOKEN)], volumes=[PLUGINS])),
    "its author has the volume only": accounts.mounted(accounts.noted(pod(volumes=[PLUGINS]))),
    "nobody notes who wrote what": with_changes({"metadata": {"managedFields": None}}, delivered()),
    "it is noted of nobody": with_changes({"metadata": {"managedFields": []}}, delivered()),
    "what is noted is no list": with_changes({"metadata": {"managedFields": {"a": 1}}}, delivered()),
    "what is noted is of other parts": with_changes(
        {"metadata": {"managedFields": [{}, 5, {"fieldsV1": None}, {"fieldsV1": {"f:metadata": {}}}]}}, delivered()
    ),
    "there is no volume": with_changes({"spec": {"volumes": []}}, delivered()),
    "the volume has another name": with_changes(
        {"spec": {"volumes": [volume(*accounts.SOURCES, name="token")]}}, delivered()
    ),
    "the volume has no source": with_changes({"spec": {"volumes": [{"name": accounts.VOLUME}]}}, delivered()),
    "the volume is no projected one": with_changes(
        {"spec": {"volumes": [{"name": accounts.VOLUME, "emptyDir": {}}]}}, delivered()
    ),
    "the volume holds no token": with_changes({"spec": {"volumes": [volume(*accounts.SOURCES[1:])]}}, delivered()),
    "another volume comes before it": with_changes(
        {"spec": {"volumes": [volume(*accounts.SOURCES, name="kube-api-access-a"), PLUGINS]}}, delivered()
    ),
    "no container has it": with_changes({"spec": {"containers": [own(BLOCKED)]}}, delivered(volumes=[EMPTY])),
    "one container has it not": with_changes({"spec": {"containers": [own(TOKEN), own(name="late")]}}, delivered()),
    "one init container has it not": with_changes({"spec": {"initContainers": [own(name="late")]}}, delivered()),
    "it is mounted to be written": with_changes(
        {"spec": {"containers": [own({"name": accounts.VOLUME, "mountPath": accounts.PATH})]}}, delivered()
    ),
    "a part of it is mounted": with_changes({"spec": {"containers": [own({**TOKEN, "subPath": "a"})]}}, delivered()),
}


@pytest.mark.parametrize("case", UNCERTAIN)
def test_no_token_is_mounted_where_it_is_not_certain_that_the_plugin_would(case):
    reply = send(UNCERTAIN[case], CREW)

    assert ([TMP], []) == (mounts(reply)["proxy"], mounts(reply)["setup"])


def test_a_template_that_switches_it_off_switches_it_off_for_what_others_bring():
    off = template("zz", {"pod": "automountServiceAccountToken: false"}, default="true", order="900")
    reply = send(delivered(), CREW, off)

    assert {"web": [TOKEN], "proxy": [TMP], "setup": []} == mounts(reply)


def test_a_template_that_changes_the_account_gives_nobody_the_token_on_its_own():
    policy = Policy(privileged_templates=frozenset({"zz"}))
    other = template("zz", {"pod": "serviceAccountName: other"}, policy=policy, default="true", order="900")
    reply = send(delivered(serviceAccountName="default"), CREW, other, policy=policy)

    assert "other" == reply.result["spec"]["serviceAccountName"]
    assert {"web": [TOKEN], "proxy": [TMP], "setup": []} == mounts(reply)


def test_a_template_without_the_token_stays_without_beside_one_that_has_it():
    data = {"sidecars": "- {name: other, image: other:1}\n"}
    other = template("other", data, default="true", native="false", api_token="false")
    found = mounts(send(delivered(), CREW, other))

    assert [{"name": "pillion-no-api-token", "mountPath": accounts.PATH, "readOnly": True}] == found["other"]
    assert [TMP, TOKEN] == found["proxy"]


def test_a_template_that_mounts_something_of_its_own_there_keeps_it():
    mounted = f"[{{name: tmp, mountPath: {accounts.PATH}}}]"
    data = {"sidecars": f"- {{name: proxy, image: p:1, volumeMounts: {mounted}}}\n", "volumes": VOLUMES}
    reply = send(delivered(), template("crew", data, default="true"))

    assert [{"name": "tmp", "mountPath": accounts.PATH}] == mounts(reply)["proxy"]


def test_a_volume_of_a_template_is_not_taken_for_the_plugins():
    volumes = f"{VOLUMES}- {{name: kube-api-access-a, emptyDir: {{}}}}\n"
    reply = send(delivered(), template("crew", {**DATA, "volumes": volumes}, default="true"))

    assert [TMP, TOKEN] == mounts(reply)["proxy"]
    assert reply.result == accounts.mounted(reply.result)


def test_an_overlay_stays_as_the_plugin_has_left_it():
    reply = send(delivered(containers=[own(), {"name": "proxy", "image": "auto"}]), CREW)

    assert [TOKEN, TMP] == mounts(reply)["proxy"]


def test_a_container_of_a_pod_without_the_token_stays_the_object_that_the_template_made():
    first, second = (send(pod(), CREW).verdict.pod["spec"]["initContainers"][0] for _ in range(2))

    assert first is second

"""
The law of the token: what we mount is what the ServiceAccount plugin would mount after us, and nothing else.

So no container gets a token from us that it would not get from the plugin, whatever the pod, its templates and its
account say; and where the plugin has been at a pod, it finds nothing left to do, for which we would be called again.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests import accounts, calls, storing
from tests.laws.tallies import Tally
from tests.strategies import Situation, situations

MOUNTED = Tally("what we mount, the plugin would")

ACCOUNTS = st.sampled_from((None, True, False))
"""What the account says of mounting its token."""
PODS = st.sampled_from((None, None, True, False))
"""What the pod says."""
BY_HAND = ("nothing", "nothing", "all", "some")
"""Which containers have the token because their author wrote so."""


def f(pod, situation: Situation) -> calls.Reply:
    return calls.send(pod, situation.namespace, situation.catalog, situation.policy)


@given(situations(), PODS, ACCOUNTS, st.sampled_from(BY_HAND), ACCOUNTS)
def test_what_we_mount_is_what_the_plugin_would_mount_and_all_of_it(situation, automount, account, by_hand, before):
    received = accounts.mounted(accounts.noted(_authored(situation.pod, automount, by_hand, before)), account)
    reply = f(received, situation)
    MOUNTED.count(situation, reply)

    ours = _names(reply.result) - _names(received)
    after = accounts.mounted(reply.result, account)
    assert after == accounts.mounted(_stripped(reply.result, ours), account), "no container has it from us alone"
    assert by_hand != "nothing" or after == reply.result, "and the plugin finds nothing to do"


def _authored(pod, automount, by_hand, before):
    """The pod as written: also with the token by hand, as it is copied from a pod whose account said *before*."""
    said = {} if automount is None else {"automountServiceAccountToken": automount}
    bare = _bare(pod)
    written = storing.stored({**bare, "spec": {**bare["spec"], **said}})
    if by_hand == "nothing":
        return written
    copied = accounts.mounted(written, before, volume="kube-api-access-own")
    late = [{"name": "late", "image": "late"}] if by_hand == "some" else []
    return {**copied, "spec": {**copied["spec"], "containers": [*copied["spec"]["containers"], *late]}}


def _bare(pod):
    """The pod without the token that it may have been delivered with."""
    spec = {**pod["spec"]}
    for key in ("containers", "initContainers"):
        if spec.get(key):
            spec[key] = [_without_token(item) for item in spec[key]]
    if spec.get("volumes"):
        spec["volumes"] = [volume for volume in spec["volumes"] if volume["name"] != accounts.VOLUME]
    return {**pod, "spec": spec}


def _stripped(pod, names):
    """The pod without the tokens of these containers."""
    lists = {
        key: [_without_token(item) if item["name"] in names else item for item in pod["spec"][key]]
        for key in ("containers", "initContainers")
        if pod["spec"].get(key)
    }
    return {**pod, "spec": {**pod["spec"], **lists}}


def _without_token(container):
    mounts = [mount for mount in container.get("volumeMounts") or () if "kube-api-access-" not in mount["name"]]
    return {**container, "volumeMounts": mounts} if "volumeMounts" in container else container


def _names(pod):
    spec = pod["spec"]
    return {item["name"] for key in ("containers", "initContainers") for item in spec.get(key) or ()}

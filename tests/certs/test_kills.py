"""Killed at any call, before and after its effect, and run again: it ends well, and trust was never too narrow."""

from __future__ import annotations

import base64
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from cryptography import x509

from tests.certs import states
from tests.certs.servers import ApiServer


@dataclass(frozen=True)
class Flow:
    """A state of a cluster, and the command that is killed."""

    name: str
    words: tuple[str, ...] = ("setup",)
    signing: str = "signs"
    before: Callable[[ApiServer], None] = states.add_webhooks
    """Makes what is there before."""
    flags: dict = field(default_factory=dict)

    def __str__(self):
        return self.name


RENEWED = ("renew", "--now", "--rotation", "csr")
FLOWS = (
    Flow("first installation, before the webhooks", before=lambda _: None),
    Flow("first installation, beside the webhooks"),
    Flow("signer that does not sign", signing="never"),
    Flow("renewal by the signer", RENEWED, before=states.signed),
    Flow("renewal by ourselves", ("renew", "--now"), before=states.installed),
    Flow("expired authority", flags={"--mode": "self-signed"}, before=states.expired_authority),
    Flow("secret of the wrong type", flags={"--mode": "self-signed"}, before=states.wrong_type),
    Flow("secret edited to garbage", flags={"--mode": "self-signed"}, before=states.garbage),
    Flow("secret deleted", flags={"--mode": "self-signed"}, before=states.deleted),
)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_a_run_that_is_killed_at_a_write_is_finished_by_the_next_and_trust_was_never_too_narrow(
    flow, moment, make_api, program, authority_file
):
    number = 1
    while kill_once(flow, ("write", number, moment), make_api, program, authority_file):
        number += 1

    assert number > 3  # else nothing was tried


@pytest.mark.parametrize("flow", FLOWS[:2], ids=str)
def test_so_is_one_that_is_killed_at_a_read_which_leaves_what_the_write_before_it_left(
    flow, make_api, program, authority_file
):
    number = 1
    while kill_once(flow, ("read", number, "after"), make_api, program, authority_file):
        number += 1

    assert number > 6


def kill_once(flow, kill, make_api, program, authority_file):
    """Kill at one point and run again; return whether there was such a point."""
    api = make_api(signing=flow.signing, kill=kill)
    flags = {**flow.flags, "--mutating-webhook": "pillion", "--validating-webhook": "pillion"}
    flags["--authority"] = authority_file(api)
    flow.before(api)
    first, api.kill = program.run(api, *flow.words, **flags), None

    assert first.code in (-signal.SIGKILL, 0), (kill, first.said)
    again = program.run(api, *(word for word in flow.words if word != "--now"), **flags)
    assert again.code == 0, (kill, again.said)
    if not list(api.entries()):
        states.add_webhooks(api)
        assert program.run(api, *flow.words, **flags).code == 0
    check_end(api, kill)
    api.close()
    return first.code != 0


def check_end(api, kill):
    secret = api.get("secrets", "pillion-tls", "pillion-system")
    assert ([], []) == (api.breaches, api.all("certificatesigningrequests")), kill
    assert secret["type"] == "kubernetes.io/tls"
    bundles = [secret["data"]["ca.crt"], *(entry["clientConfig"]["caBundle"] for entry in api.entries())]
    assert 1 == len({frozenset(x509.load_pem_x509_certificates(base64.b64decode(one))) for one in bundles}), kill
    assert not [entry for config in api.all("mutatingwebhookconfigurations") for entry in config["webhooks"]
                if entry["name"].startswith("other") and "caBundle" in entry["clientConfig"]]  # fmt: skip

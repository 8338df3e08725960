"""States that a cluster may be found in, before the command runs."""

from __future__ import annotations

import base64

from tests.certs import authorities
from tests.certs.authorities import pem

HOST = "pillion.pillion-system.svc"
SECRET = ("secrets", "pillion-system", "pillion-tls")
SELF_SIGNED = {"pillion.dev/certs-mode": "self-signed"}


def secret_of(api):
    return api.objects.get(SECRET)


def note(api, name):
    """What the Secret says; None: nothing."""
    return secret_of(api)["metadata"]["annotations"].get(f"pillion.dev/certs-{name}")


def decoded(api, name):
    return base64.b64decode(secret_of(api)["data"][name])


def add_webhooks(api):
    api.add_webhooks("mutating")
    api.add_webhooks("validating", entries=("check.pillion.dev",))


def store(api, certificate, key, authority, notes=SELF_SIGNED):
    """Put a pair into our Secret, and its authority into webhooks."""
    add_webhooks(api)
    data = {"tls.crt": certificate, "tls.key": key, "ca.crt": pem(authority)}
    encoded = {name: base64.b64encode(value).decode() for name, value in data.items()}
    metadata = {"labels": {"pillion.dev/managed-by": "certs"}, "annotations": dict(notes)}
    for entry in api.entries():
        entry["clientConfig"]["caBundle"] = encoded["ca.crt"]
    api.put("secrets", "pillion-tls", {"type": "kubernetes.io/tls", "metadata": metadata, "data": encoded},
            "pillion-system")  # fmt: skip


def installed(api, **details):
    """A self-signed pair that the webhooks trust; *details* are those of the certificate."""
    own = authorities.make("pillion-1", now=api.now())
    store(api, *authorities.pair(own, HOST, now=api.now(), **details), own.certificate)


def signed(api):
    """A pair of the cluster's signer."""
    notes = {"pillion.dev/certs-mode": "csr", "pillion.dev/certs-signer": "kubernetes.io/kubelet-serving"}
    store(api, *authorities.pair(api.authority, HOST, now=api.now()), api.authority.certificate, notes)


def expired_authority(api):
    """A pair that still lives, of an authority that does not."""
    own = authorities.make("pillion-1", now=api.now(), starts=-400, ends=-1)
    store(api, *authorities.pair(own, HOST, now=api.now(), starts=-30, days=30), own.certificate)


def wrong_type(api):
    installed(api)
    secret_of(api)["type"] = "Opaque"


def garbage(api):
    """Edited by hand; pods serve on what they had."""
    installed(api)
    secret_of(api)["data"] = {name: base64.b64encode(b"oops").decode() for name in secret_of(api)["data"]}


def deleted(api):
    installed(api)
    del api.objects[SECRET]


def foreign_request(api, *, ago=0.0, username="mallory", conditions=()):
    """A request of our name with another's key."""
    spec = {"request": "bWluZQ==", "signerName": "kubernetes.io/kubelet-serving", "username": username, "usages": []}
    item = {"metadata": {"creationTimestamp": api.stamp(ago)}, "spec": spec, "status": {"conditions": list(conditions)}}
    return api.put("certificatesigningrequests", "pillion.pillion-system", item)

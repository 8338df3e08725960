"""
A certificate from the cluster's own signer: a CertificateSigningRequest is created, approved, waited for, removed.

Its name is fixed, so that RBAC can name it; so anybody may have put another one there. Approved is only what has our
bytes, our signer, our usages, our user and the identity of the one that we made, in the version that was looked at.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from injector.shell.certs import calls, minting
from injector.shell.certs.calls import CONFLICT, MISSING
from injector.shell.certs.faults import Fault, Permanent, Stopped, Transient, Unissued
from injector.shell.certs.minting import Key
from injector.shell.certs.options import Options
from injector.shell.certs.steps import REQUESTS, SELVES, Call, Now, Pause, Plan, Tell
from injector.shell.clusters import Object
from injector.shell.errors import ClusterError

USAGES = ("digital signature", "key encipherment", "server auth")
"""The one set that every version of every signer accepts."""

_FRESH = 300.0
"""Seconds in which another's request may still be in use."""
_TRIES = 5


class _Vanished(Fault):
    """Another removed our request."""


def issue(options: Options, key: Key) -> Plan[bytes]:
    """Return a certificate for a key, in PEM; raises Unissued if the signer gives none. No request is left behind."""
    body = describe(options, key)
    for _ in range(2):
        ours = yield from _create(options, body)
        try:
            yield from _approve(options, ours)
            chain = yield from _collect(options, ours)
        except _Vanished as error:
            yield Tell("warning", str(error))
        except Stopped:
            raise
        except Fault:
            yield from _discard(options, ours)
            raise
        else:
            yield from _discard(options, ours)
            return chain
    raise Transient(f"CertificateSigningRequest {options.request_name!r} was removed twice while it was needed")


def describe(options: Options, key: Key) -> Object:
    """Return the request as an object."""
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": options.request_name, "labels": {f"{options.domain}/managed-by": "certs"}},
        "spec": {
            "request": base64.b64encode(minting.request(key, options)).decode(),
            "signerName": options.signer,
            "usages": list(USAGES),
            "expirationSeconds": options.days * 86_400,
        },
    }


def sweep(options: Options) -> Plan[None]:
    """Remove what a run of ours left behind; another's request is left alone."""
    present = yield from _look(options)
    if present and (yield from _is_ours(present)):
        yield from calls.remove(REQUESTS, present, rights_wait=options.rights_wait)


def _create(options: Options, body: Object) -> Plan[Object]:
    call = Call(verb="create", kind=REQUESTS, body=body)
    for _ in range(2):
        try:
            return (yield from calls.send(call, rights_wait=options.rights_wait, answers={CONFLICT}))
        except ClusterError:
            present = yield from _look(options)
        if present and _is_same(present, body) and (yield from _is_ours(present)):
            return present  # the answer to its creation was lost
        if present:
            yield from _make_room(options, present)
    raise Transient(f"CertificateSigningRequest {options.request_name!r} is made by another again and again")


def _make_room(options: Options, present: Object) -> Plan[None]:
    """Remove a request that is in the way; its key is lost to us. One that may be in use is waited for first."""
    if not (_is_over(present) or (yield from _age(present)) > _FRESH):
        ours = yield from _is_ours(present)
        whose = "an earlier run of ours" if ours else f"user {present['spec'].get('username')!r}"
        yield Tell("info", f"CertificateSigningRequest {options.request_name!r} of {whose} is waited for")
        if (yield from _outwait(options, present)):
            return
        if not ours:
            raise Transient(
                f"CertificateSigningRequest {options.request_name!r} is not ours but of {whose}: it is not approved;"
                " delete it, or wait five minutes"
            )
    yield from calls.remove(REQUESTS, present, rights_wait=options.rights_wait)


def _outwait(options: Options, present: Object) -> Plan[bool]:
    """Wait until a request has gone; return whether it has."""
    for pause in _looks(options.leftover_wait):
        yield Pause(pause)
        found = yield from _look(options)
        if not found or found["metadata"]["uid"] != present["metadata"]["uid"]:
            return True
    return False


def _approve(options: Options, ours: Object) -> Plan[None]:
    for _ in range(_TRIES):
        present = yield from _look(options)
        if present is None:
            raise _Vanished(f"CertificateSigningRequest {options.request_name!r} was removed before it was approved")
        _check_ours(present, ours)
        if _condition(present, "Approved") or _condition(present, "Denied"):
            return
        approved = _with_approval(present)
        call = Call(verb="update", kind=REQUESTS, name=options.request_name, subresource="approval", body=approved)
        try:
            yield from calls.send(call, rights_wait=options.rights_wait, answers={CONFLICT, MISSING})
        except ClusterError:
            continue  # another changed it: look again whether it is still ours
        return
    raise Transient(f"CertificateSigningRequest {options.request_name!r} is changed by another again and again")


def _is_same(present: Object, body: Object) -> bool:
    return all(present["spec"].get(field) == body["spec"][field] for field in ("request", "signerName", "usages"))


def _check_ours(present: Object, ours: Object) -> None:
    """Raise Permanent unless this is the very request that we made."""
    for field in ("request", "signerName", "usages", "username"):
        if present["spec"].get(field) != ours["spec"].get(field):
            break
    else:
        if present["metadata"]["uid"] == ours["metadata"]["uid"]:
            return
        field = "uid"
    raise Permanent(
        f"foreign CertificateSigningRequest: {present['metadata']['name']!r} now has another {field}, of user"
        f" {present['spec'].get('username')!r}; it is not approved. Find out who made it, then delete it"
    )


def _with_approval(present: Object) -> Object:
    condition = {
        "type": "Approved", "status": "True", "reason": "PillionCerts",
        "message": "Approved by the one who asked: Pillion's certificate job, for its own webhook.",
    }  # fmt: skip
    status = present.get("status") or {}
    return {**present, "status": {**status, "conditions": [*(status.get("conditions") or ()), condition]}}


def _collect(options: Options, ours: Object) -> Plan[bytes]:
    """Wait for the certificate; raises Unissued with the signer's words, or what silence may mean."""
    for pause in (*_looks(options.csr_timeout), 0.0):
        present = yield from _look(options)
        if not present or present["metadata"]["uid"] != ours["metadata"]["uid"]:
            raise _Vanished(f"CertificateSigningRequest {options.request_name!r} was removed before it was signed")
        for word in ("Failed", "Denied"):
            if condition := _condition(present, word):
                reason, message = condition.get("reason", "no reason"), condition.get("message", "no message")
                raise Unissued(f"signer {options.signer!r}: the request is {word}: {reason}: {message}")
        if certificate := (present.get("status") or {}).get("certificate"):
            return base64.b64decode(certificate)
        yield Pause(pause)
    raise Unissued(
        f"signer {options.signer!r} has not signed within {options.csr_timeout:g} s, though the request is approved: it"
        " does not run, or not for this (on EKS give --signer beta.eks.amazonaws.com/app-serving)"
    )


def _discard(options: Options, request: Object) -> Plan[None]:
    """Remove our request; if that does not work there is more to do first, and another try at the end."""
    try:
        yield from calls.remove(REQUESTS, request, rights_wait=options.rights_wait)
    except Stopped:
        raise
    except Fault as error:
        yield Tell("warning", f"CertificateSigningRequest {options.request_name!r} is left behind: {error}")


def _look(options: Options) -> Plan[Object | None]:
    return (yield from calls.find(REQUESTS, options.request_name, rights_wait=options.rights_wait))


def _is_ours(present: Object) -> Plan[bool]:
    """Return whether the API server knows its user by the name by which it knows us."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = yield from calls.send(Call(verb="create", kind=SELVES, body=review), rights_wait=0, answers={MISSING})
    except (ClusterError, Permanent):
        return False
    me: Any = answer.get("status", {}).get("userInfo", {}).get("username")
    return bool(me == present["spec"].get("username"))


def _age(present: Object) -> Plan[float]:
    now: float = yield Now()
    return now - datetime.fromisoformat(present["metadata"]["creationTimestamp"]).timestamp()


def _is_over(present: Object) -> bool:
    return bool(_condition(present, "Failed") or _condition(present, "Denied"))


def _condition(request: Object, kind: str) -> Object:
    """Return a condition that is set, or nothing."""
    for condition in (request.get("status") or {}).get("conditions") or ():
        if condition["type"] == kind and condition.get("status") in ("True", None):
            return dict(condition)
    return {}


def _looks(seconds: float) -> Iterator[float]:
    """Yield pauses that grow, as many as fill so many seconds."""
    pause, left = 0.2, seconds
    while left > 0:
        yield min(pause, left)
        left -= pause
        pause = min(pause * 1.5, 5.0)

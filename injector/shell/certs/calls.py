"""Which refusals of the API server are worth another try, and how the others are told."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from injector.shell.certs.faults import Permanent, Transient
from injector.shell.certs.steps import Call, Kind, Login, Pause, Plan, Tell
from injector.shell.clusters import Object
from injector.shell.errors import ClusterError

CONFLICT, MISSING, INVALID = 409, 404, 422

_SIGNER = re.compile(r'signerName \\?"([^"\\]+)')


def send(call: Call, *, rights_wait: float, answers: Collection[int] = ()) -> Plan[Object]:
    """
    Make a call until it is answered; the statuses in *answers* raise ClusterError, for the caller to understand.

    No answer, 429 and 5xx are repeated (the whole run has a deadline); 403 for *rights_wait* seconds, as new rights
    take a while to arrive; 401 once, with new credentials. What remains is Permanent and names the missing right.
    """
    pauses, waited, logins = _pauses(), 0.0, 0
    while True:
        try:
            answer: Object = yield call
        except ClusterError as error:
            if error.status in answers:
                raise
            logins += error.status == 401
            _give_up(call, error, rights_wait - waited, logins)
            pause, why = max(next(pauses), error.retry_after), error_text(error)
        else:
            return answer
        yield Tell("info", f"{call} is tried again in {pause:.2g} s: {why}")
        if logins:
            yield Login()
        yield Pause(pause)
        waited += pause


def find(kind: Kind, name: str, *, rights_wait: float) -> Plan[Object | None]:
    """Get an object, or None if there is none."""
    try:
        return (yield from send(Call(verb="get", kind=kind, name=name), rights_wait=rights_wait, answers={MISSING}))
    except ClusterError:
        return None


def remove(kind: Kind, present: Object, *, rights_wait: float) -> Plan[bool]:
    """Delete just this object; return False if another stands in its place."""
    metadata = present["metadata"]
    call = Call(verb="delete", kind=kind, name=metadata["name"], body={"preconditions": {"uid": metadata["uid"]}})
    try:
        yield from send(call, rights_wait=rights_wait, answers={MISSING, CONFLICT})
    except ClusterError as error:
        return error.status == MISSING
    return True


def error_text(error: ClusterError) -> str:
    """Return what the API server said, with its status."""
    return f"{error.message} (HTTP {error.status})" if error.status else error.message


def _give_up(call: Call, error: ClusterError, patience: float, logins: int) -> None:
    """Raise what ends the run; return if the call is worth another try."""
    match error.status:
        case 0 | 429:
            return
        case status if status >= 500:
            return
        case 401 if logins > 1:
            raise Transient(f"the API server does not know us: {error_text(error)}") from error
        case 401:
            return
        case 403 if patience > 0:
            return
        case 403:
            raise Permanent(f"the right to {_right(call, error)} is missing: {error_text(error)}") from error
        case _:
            raise Permanent(f"the API server refuses to {call}: {error_text(error)}") from error


def _right(call: Call, error: ClusterError) -> str:
    signer = _SIGNER.search(error.message) if call.subresource == "approval" else None
    return f"approve signers {signer[1]!r}" if signer else str(call)


def _pauses() -> Iterator[float]:
    pause = 0.25
    while True:
        yield pause
        pause = min(pause * 1.6, 5.0)

"""The edge: performs the steps of a plan against a real cluster, and stops where a signal or the deadline says so."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from structlog.typing import FilteringBoundLogger

from injector.shell.certs import bundles, calls, proofs
from injector.shell.certs.faults import Stopped, Transient, Unfit
from injector.shell.certs.steps import METHODS, Call, Knock, Login, Now, Pause, Plan, Result, Step, Tell
from injector.shell.clusters import Cluster
from injector.shell.errors import ClusterError, ShellError

MANAGER = "pillion-certs"
"""Owns the fields that are written."""

_GRACE = 10.0
"""Seconds after the deadline in which a plan may tidy up."""
_PATCH = "application/json-patch+json"
_KNOCK = 5.0


class Bell:
    """Is rung by SIGTERM and SIGINT; what waits hears it at once."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    def ring(self, *_: object) -> None:
        """Ring; safe in a signal handler."""
        os.write(self._writer, b"!")

    def wait(self, seconds: float) -> bool:
        """Wait for a ring, at most so long; return whether it has rung."""
        return bool(select.select([self._reader], [], [], max(seconds, 0))[0])

    def close(self) -> None:
        """Give the pipe back."""
        os.close(self._reader)
        os.close(self._writer)


@contextmanager
def signals() -> Iterator[Bell]:
    """Give a bell that SIGTERM and SIGINT ring."""
    bell = Bell()
    before = {number: signal.signal(number, bell.ring) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield bell
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        bell.close()


class Runner:
    """Performs one plan."""

    def __init__(self, cluster: Cluster, logger: FilteringBoundLogger, bell: Bell, deadline: float) -> None:
        """*deadline* is in seconds from now; a plan is told of it once, and again if it does not come to an end."""
        self._cluster = cluster
        self._logger = logger
        self._bell = bell
        self._deadline = deadline
        self._end = time.monotonic() + deadline
        self._trouble = ""  # of the last call, if any: what the deadline was lost with

    def run(self, plan: Plan[Result]) -> Result:
        """Return the plan's result; raises what it raises."""
        answer: Any = None
        failure: ShellError | None = None
        while True:
            try:
                step = plan.throw(failure) if failure else plan.send(answer)
            except StopIteration as end:
                result: Result = end.value
                return result
            answer, failure = None, None
            try:
                self._check(step)
                answer = self._perform(step)
            except ShellError as error:
                failure = error

    def _check(self, step: Step) -> None:
        """Raise before a step that comes too late; what was said may still be told."""
        if isinstance(step, Tell | Now):
            return
        if self._bell.wait(0):
            raise Stopped("stopped by a signal; run again to go on from here")
        if time.monotonic() > self._end:
            self._end = time.monotonic() + _GRACE
            where = self._trouble or (str(step) if isinstance(step, Call) else "")
            raise Transient(f"not done within {self._deadline:g} s" + (f": {where}" if where else ""))

    def _perform(self, step: Step) -> Any:
        match step:
            case Call():
                return self._call(step)
            case Pause(seconds):
                if self._bell.wait(min(seconds, self._end - time.monotonic() + 0.01)):
                    raise Stopped("stopped by a signal; run again to go on from here")
            case Now():
                return time.time() + self._cluster.skew
            case Login():
                self._cluster.log_in_again()
            case Tell(level, sentence):
                getattr(self._logger, level)(sentence)
            case Knock(address, server_name, bundle):
                return knock(address, server_name, bundle, time.time() + self._cluster.skew)
        return None

    def _call(self, call: Call) -> Any:
        owner = {"fieldManager": MANAGER} if call.verb in {"create", "update", "patch"} else None
        form = _PATCH if call.verb == "patch" else "application/json"
        path = call.kind.path(call.name, call.subresource)
        try:
            answer = self._cluster.request(METHODS[call.verb], path, call.body, query=owner, content_type=form)
        except ClusterError as error:
            self._trouble = f"{call}: {calls.error_text(error)}"
            raise
        self._trouble = ""
        return answer


def knock(address: str, server_name: str, bundle: str, now: float) -> str:
    """Return why a client that trusts this bundle is not served at a time, by whatever clock; empty: it is."""
    host, _, port = address.rpartition(":")
    try:
        context = proofs.client_context_for(bundles.read(bundle))
        with (
            socket.create_connection((host, int(port)), _KNOCK) as connection,
            context.wrap_socket(connection, server_hostname=server_name) as tls,
        ):
            proofs.check_served(tls.getpeercert(binary_form=True), now)
            with suppress(OSError):
                tls.unwrap()
    except (OSError, ValueError, Unfit) as error:
        return str(getattr(error, "verify_message", "") or error)
    return ""

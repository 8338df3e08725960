"""
The plain port: whether the process lives, whether it is ready, and its metrics. It decides nothing.

Readiness does not follow the state of other systems: replicas that all turn unready together take the whole webhook
away. What is amiss but does not stop the server is told in ``/readyz?verbose`` and in the metrics.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_TEXT = "text/plain; charset=utf-8"


class Phase(StrEnum):
    """Where the server stands in its life."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of ``/readyz?verbose``."""

    name: str
    ok: bool
    text: str

    def __str__(self) -> str:
        return f"[{'+' if self.ok else '-'}] {self.name}: {' '.join(self.text.split())}"


class Health:
    """What the probes answer from; ``phase`` is turned by who starts and stops the server."""

    def __init__(self, checks: Callable[[], Iterable[Check]], stuck: Callable[[], str]) -> None:
        """``checks`` tells details; ``stuck`` says why the process should be killed, or nothing."""
        self.phase = Phase.STARTING
        self._turning = threading.Lock()
        self._checks = checks
        self._stuck = stuck

    def open(self) -> None:
        """Turn ready, unless the end has begun."""
        with self._turning:
            if self.phase is Phase.STARTING:
                self.phase = Phase.SERVING

    def drain(self) -> None:
        """Turn unready for good."""
        with self._turning:
            self.phase = Phase.DRAINING

    def livez(self) -> tuple[bool, str]:
        """Return whether the process should live, and why."""
        problem = self._stuck()
        return not problem, problem or "ok"

    def readyz(self) -> tuple[bool, str]:
        """Return whether requests should come here, and why."""
        if problem := self._stuck():
            return False, problem
        return self.phase is Phase.SERVING, "ok" if self.phase is Phase.SERVING else self.phase.value

    def report(self) -> Iterator[str]:
        """Yield every check as a line."""
        ready, text = self.readyz()
        yield str(Check("server", ready, text))
        yield from map(str, self._checks())


def build_probes(health: Health, metrics: Callable[[], bytes], content_type: str) -> WSGIApplication:
    """Return the application of the plain port; ``metrics`` gives the text of ``/metrics``."""

    def answer(environ: WSGIEnvironment) -> tuple[str, str, bytes]:
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return "405 Method Not Allowed", _TEXT, b"Use GET.\n"
        match environ["PATH_INFO"]:
            case "/livez":
                return _probe(*health.livez())
            case "/readyz":
                ready, text = health.readyz()
                verbose = environ.get("QUERY_STRING", "").split("=")[0] == "verbose"
                return _probe(ready, "\n".join(health.report()) if verbose else text)
            case "/metrics":
                return "200 OK", content_type, metrics()
        return "404 Not Found", _TEXT, b"There are /livez, /readyz and /metrics here.\n"

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, kind, body = answer(environ)
        headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        if status.startswith("405"):
            headers.append(("Allow", "GET, HEAD"))
        start_response(status, headers)
        return [body] if environ["REQUEST_METHOD"] != "HEAD" else []

    return application


def _probe(good: bool, text: str) -> tuple[str, str, bytes]:  # noqa: FBT001 - a finding, not a switch
    return "200 OK" if good else "503 Service Unavailable", _TEXT, f"{text}\n".encode()

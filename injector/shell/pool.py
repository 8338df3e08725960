"""
Texts of templates are compiled in a process that can be killed before the server itself touches them.

Jinja's compiler and libyaml are large, and were written for friends. A text that makes them loop, eat memory or crash
does so in a process of its own with limits (``workers``), and what comes back is an ordinary TemplateError. Such a
process gets no connection and no key, but it has the server's user and network: it contains bombs, it is no jail.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
from typing import Self

import orjson

from injector.core import errors
from injector.core.errors import LimitExceeded, OurFault, Place, TemplateError
from injector.core.model import Object, Policy
from injector.shell import workers
from injector.shell.workers import Allowance

_START = (
    "import sys, json; path, allowance = map(json.loads, sys.argv[1:]); sys.path[:] = path; "
    "from injector.shell import workers; workers.serve(workers.Allowance(**allowance))"
)
_PATIENCE = 30.0  # seconds for a fork server to start or to answer, or for a place in the pool
_ERRORS = {
    kind.__name__: kind
    for kind in (
        TemplateError,
        errors.RenderError,
        LimitExceeded,
        errors.ForbiddenField,
        errors.UnstableTemplate,
    )
}


class Pool:
    """
    Compiles template ConfigMaps in processes that are killed when they take too much.

    Making one returns at once; its fork server gets ready (in 0.2 s) beside whatever follows.
    """

    def __init__(self, policy: Policy, *, size: int = 1, allowance: Allowance | None = None) -> None:
        """*size* is how many ConfigMaps may be compiled at the same time."""
        self._policy = policy
        self._allowance = allowance or Allowance()
        self._places = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._closed = False
        self._server: _ForkServer | None = None
        with contextlib.suppress(OSError):  # the first check tries again, and says so
            self._running()

    @property
    def process(self) -> int:
        """The process id of the fork server; 0: there is none."""
        return self._server.process if self._server else 0

    def check(self, configmap: Object) -> None:
        """
        Compile a ConfigMap as ``templates.parse`` does, elsewhere.

        Raises what that raises: a TemplateError with its place; LimitExceeded also where the process had to be killed;
        OurFault where no process is to be had.
        """
        if not self._places.acquire(timeout=_PATIENCE):
            raise OurFault("all processes that compile templates are busy; try again")
        try:
            answer = self._compile(configmap)
        finally:
            self._places.release()
        if answer:
            raise _error(answer)

    def close(self) -> None:
        """End all processes; what is being compiled is OurFault."""
        with self._lock:
            self._closed = True
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _compile(self, configmap: Object) -> Object:
        process, connection = self._fork()
        answer: Object | None = None
        try:
            with connection:
                answer = _ask(connection, self._request(configmap), self._allowance.seconds)
        except (OSError, EOFError):
            pass  # how the process ended says more
        finally:
            code, seconds = self._bury(process)
        if answer is None:
            raise _why(code, seconds, self._allowance)
        return answer

    def _request(self, configmap: Object) -> Object:
        domain, namespace = self._policy.domain.name, self._policy.release_namespace
        return {"configmap": configmap, "domain": domain, "release_namespace": namespace}

    def _fork(self) -> tuple[int, socket.socket]:
        with self._lock:
            for _ in range(2):  # a fork server that is gone is started anew, once
                with contextlib.suppress(OSError, EOFError):
                    return self._running().fork()
                self._drop()
        raise OurFault("the process that compiles templates cannot be started")

    def _bury(self, process: int) -> tuple[int, float]:
        """Return the exit code and the processor time of a worker."""
        with self._lock:
            if self._server:
                with contextlib.suppress(OSError, EOFError):
                    return self._server.bury(process)
                self._drop()
        return -signal.SIGKILL, 0.0

    def _running(self) -> _ForkServer:
        if self._closed:
            raise OSError("the pool is closed")
        self._server = self._server or _ForkServer(self._allowance)
        return self._server

    def _drop(self) -> None:
        if self._server:
            self._server.close()
            self._server = None


class _ForkServer:
    """The process that forks workers, and the connection to it."""

    def __init__(self, allowance: Allowance) -> None:
        self._control, far = socket.socketpair()
        self._control.settimeout(_PATIENCE)
        arguments = (orjson.dumps(sys.path).decode(), orjson.dumps(allowance).decode())
        try:
            self._popen = subprocess.Popen(  # noqa: S603  # this very interpreter, with a constant program
                (sys.executable, "-I", "-c", _START, *arguments),
                stdin=far.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in a terminal is for the server, which then closes its end
            )
        except OSError:
            self._control.close()
            raise
        finally:
            far.close()

    @property
    def process(self) -> int:
        return self._popen.pid

    def fork(self) -> tuple[int, socket.socket]:
        return workers.order_fork(self._control)

    def bury(self, process: int) -> tuple[int, float]:
        return workers.order_burial(self._control, process)

    def close(self) -> None:
        self._control.close()
        self._popen.kill()
        self._popen.wait()


def _ask(connection: socket.socket, request: Object, seconds: float) -> Object:
    connection.settimeout(seconds)
    workers.send(connection, request)
    answer: Object = workers.receive(connection)
    return answer


def _error(answer: Object) -> TemplateError | OurFault:
    """Return the error that the worker caught."""
    if "fault" in answer:
        return OurFault(f"a template could not be compiled for a reason that is not its own: {answer['fault']}")
    return _ERRORS[answer["error"]](answer["problem"], Place(**answer["place"]))


def _why(code: int, seconds: float, allowance: Allowance) -> TemplateError | OurFault:
    """Return the error for a worker that ended with *code* after *seconds* of processor time, without an answer."""
    took_long = code == -signal.SIGKILL and seconds >= allowance.processor_seconds / 2
    if code == -signal.SIGXCPU or took_long:
        return LimitExceeded(f"the template takes longer than {allowance.processor_seconds} s to compile")
    if code == workers.OUT_OF_MEMORY:
        return LimitExceeded(f"the template takes more than {allowance.memory >> 20} MiB of memory to compile")
    if code == -signal.SIGKILL:
        return OurFault("the process that compiles templates was killed or got no processor time; this is tried again")
    return TemplateError(f"the template ended the process that compiled it (exit code {code})")

"""
The far side of the pool: a fork server, and the processes that it forks to compile one template text each.

The fork server is started by exec, so nothing of the server's memory, threads, sockets or keys is in it, and forking is
safe: it has one thread. A worker is new for every text, so no text can leave anything behind for the next one.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import socket
import struct
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from injector.core import templates
from injector.core.errors import TemplateError
from injector.core.model import Domain, Object, Policy

OUT_OF_MEMORY = 3
"""Exit status of a worker that ran out of memory."""
FORK = 0
"""The order for a new worker; any other number is the process id of the worker to bury."""

_ORDER = struct.Struct("<i")
_BIRTH = struct.Struct("<i")
_DEATH = struct.Struct("<id")
_LENGTH = struct.Struct("<I")
_LARGEST_MESSAGE = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What compiling all texts of one ConfigMap may take."""

    memory: int = 256 << 20
    """Bytes of address space on top of what every worker starts with."""
    processor_seconds: int = 2
    """Of processor time, which a busy machine does not use up; a template compiles in a few milliseconds."""
    seconds: float = 5.0
    """Of wall-clock time, for what waits instead of computing."""
    files: int = 16
    """Open at once."""


# -- messages ----------------------------------------------------------------------------------------------------------


def send(connection: socket.socket, message: Object) -> None:
    """Send one message."""
    content = orjson.dumps(message)
    connection.sendall(_LENGTH.pack(len(content)) + content)


def receive(connection: socket.socket) -> Any:
    """Return the next message; raises EOFError when the other side is gone."""
    (length,) = _LENGTH.unpack(_receive_exactly(connection, _LENGTH.size))
    if length > _LARGEST_MESSAGE:
        raise EOFError(f"a message of {length} bytes is none of ours")
    return orjson.loads(_receive_exactly(connection, length))


def _receive_exactly(connection: socket.socket, length: int) -> bytes:
    content = bytearray()
    while len(content) < length:
        chunk = connection.recv(length - len(content))
        if not chunk:
            raise EOFError
        content += chunk
    return bytes(content)


def order_fork(control: socket.socket) -> tuple[int, socket.socket]:
    """Return the process id of a new worker and the connection to it; raises OSError, EOFError."""
    control.sendall(_ORDER.pack(FORK))
    content, descriptors, _, _ = socket.recv_fds(control, _BIRTH.size, 1)
    if not descriptors:
        raise EOFError
    (process,) = _BIRTH.unpack(content)
    return process, socket.socket(fileno=descriptors[0])


def order_burial(control: socket.socket, process: int) -> tuple[int, float]:
    """End a worker; return its exit code, negative for a signal, and its processor time in seconds."""
    control.sendall(_ORDER.pack(process))
    status, seconds = _DEATH.unpack(_receive_exactly(control, _DEATH.size))
    return os.waitstatus_to_exitcode(status), seconds


# -- the fork server ---------------------------------------------------------------------------------------------------


def serve(allowance: Allowance) -> None:
    """Fork and bury workers as ordered on standard input, a socket, until its other end closes."""
    with socket.socket(fileno=0) as control, contextlib.suppress(EOFError, ConnectionError):
        _warm_up()
        while True:
            (order,) = _ORDER.unpack(_receive_exactly(control, _ORDER.size))
            if order == FORK:
                _fork(control, allowance)
            else:
                _bury(control, order)


def _warm_up() -> None:
    """Compile once what every worker would otherwise compile on its own."""
    with contextlib.suppress(TemplateError):
        templates.parse(_SAMPLE, Policy())
    gc.freeze()  # so that collecting garbage does not write to pages that all workers share


_SAMPLE: Object = {
    "metadata": {"name": "sample", "annotations": {"pillion.dev/when": "true"}},
    "data": {
        "parameters": "port: {type: integer, default: 1, minimum: 1}\n",
        "labels": "{% if params.port %}\nport: {{ params.port | default(1) }}\n{% endif %}\n",
    },
}


def _fork(control: socket.socket, allowance: Allowance) -> None:
    near, far = socket.socketpair()
    process = os.fork()
    if process == 0:
        near.close()
        control.close()
        _live(far, allowance)
    far.close()
    socket.send_fds(control, [_BIRTH.pack(process)], [near.fileno()])
    near.close()


def _bury(control: socket.socket, process: int) -> None:
    os.kill(process, signal.SIGKILL)
    _, status, usage = os.wait4(process, 0)
    control.sendall(_DEATH.pack(status, usage.ru_utime + usage.ru_stime))


# -- a worker ----------------------------------------------------------------------------------------------------------


def _live(connection: socket.socket, allowance: Allowance) -> None:
    """Answer one request, then end the process, whatever happens."""
    code = 1
    try:
        _limit(allowance)
        send(connection, _answer(receive(connection)))
        code = 0
    except (MemoryError, orjson.JSONDecodeError):  # orjson tells a lack of memory as if our request were bad JSON
        code = OUT_OF_MEMORY
    finally:
        os._exit(code)


def _limit(allowance: Allowance) -> None:
    memory, seconds = _memory_in_use() + allowance.memory, allowance.processor_seconds
    limits = (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CPU, seconds, seconds + 1),  # the soft limit's signal tells what happened, the hard one's not
        (resource.RLIMIT_NOFILE, allowance.files, allowance.files),
        (resource.RLIMIT_NPROC, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    )
    for kind, soft, hard in limits:
        with contextlib.suppress(ValueError, OSError):  # not every system has every limit; the wall clock is on all
            resource.setrlimit(kind, (soft, hard))


def _memory_in_use() -> int:
    """Return the bytes of address space that the fork inherited; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123  # pathlib is not worth its import here
            return int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _answer(request: Any) -> Object:
    policy = Policy(domain=Domain(name=request["domain"]), release_namespace=request["release_namespace"])
    try:
        templates.parse(request["configmap"], policy)
    except TemplateError as error:
        return {"error": type(error).__name__, "problem": error.problem, "place": asdict(error.place)}
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  # a bug: told to the other side, which says that it is ours
        return {"fault": f"{type(error).__name__}: {error}"}
    return {}

"""
Starts processes that outlive the command, and ends exactly those: never another that got the same number since.

A process is known by its number, the time at which it started, and the boot in which it did. A signal goes through a
file descriptor of the process, taken before the check, so that the number cannot change hands in between.
"""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from e2e.cluster import commands
from e2e.cluster.commands import Command
from e2e.cluster.failures import Failure

PROC = Path("/proc")
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""All that a process sees of the environment here: no proxy, above all."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process that cannot be mistaken."""

    number: int

    started: int
    """When it started, in clock ticks after boot."""

    boot: str
    """The random id of the boot in which it runs."""


def identify(number: int, stat: str, boot: str) -> Process:
    """Tell a process from the text of ``/proc/NUMBER/stat``: a program's name in it may hold spaces and brackets."""
    return Process(number, int(stat.rpartition(")")[2].split()[19]), boot.strip())


def find(number: int) -> Process | None:
    """Identify the process that has this number now; one that only waits to be buried is none."""
    try:
        stat = (PROC / str(number) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if stat.rpartition(")")[2].split()[0] in "ZX":
        return None
    return identify(number, stat, (PROC / "sys/kernel/random/boot_id").read_text())


def start_forked(command: Command, log: Path) -> Process:
    """Start a command such as unshare or nsenter, which forks: answer its child, the process that matters."""
    program = str(command[0])
    parent = _spawn(command, log)
    children = PROC / str(parent) / "task" / str(parent) / "children"

    def there() -> bool:
        if os.waitpid(parent, os.WNOHANG)[0]:
            raise Failure(f"{program} ended at once: {log} says why.")
        return bool(children.read_text().split())

    commands.await_condition(f"{program} started nothing", there, seconds=10, pause=0.01)
    child = find(int(children.read_text().split()[0]))
    if child is None:
        raise Failure(f"What {program} started ended at once: {log} says why.")
    return child


def _spawn(command: Command, log: Path) -> int:
    """Start a command that nobody waits for, in a session of its own."""
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    arguments = [str(part) for part in command]
    _keep_files()
    return os.posix_spawnp(arguments[0], arguments, ENVIRONMENT, file_actions=streams, setsid=True)


def _keep_files() -> None:
    """Hand on none of the files that we were given: a lock among them would be held for as long as the process runs."""
    for descriptor in (int(link.name) for link in (PROC / "self" / "fd").iterdir()):
        if descriptor > 2:
            with suppress(OSError):  # the listing's own is closed again
                os.set_inheritable(descriptor, False)  # noqa: FBT003 - it takes no keywords


def end(process: Process, *, patience: float = 10) -> None:
    """Ask a process to stop, then kill it; answer when it is gone. Nothing happens where it is gone already."""
    with _held(process) as descriptor:
        if descriptor is None:
            return
        for signal_number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 30)):
            if seconds:
                signal.pidfd_send_signal(descriptor, signal_number)
                if select.select([descriptor], [], [], seconds)[0]:
                    return
    raise Failure(f"Process {process.number} does not end, not even by SIGKILL.")


def record(process: Process, file: Path) -> None:
    """Write down a process, for a later command."""
    file.write_text(json.dumps(asdict(process)))


def recall(file: Path) -> Process | None:
    """Read a process that was written down; a file that was cut off by a crash tells of none."""
    try:
        return Process(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def runs(process: Process | None) -> bool:
    """Whether a process is still that process."""
    return process is not None and find(process.number) == process


@contextmanager
def _held(process: Process) -> Iterator[int | None]:
    """Hold a descriptor of exactly this process, or nothing where it is gone."""
    try:
        descriptor = os.pidfd_open(process.number)
    except ProcessLookupError:
        yield None
        return
    try:
        yield descriptor if runs(process) else None
    finally:
        os.close(descriptor)

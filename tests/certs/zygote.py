"""
A process that has imported everything and forks one child a command: real processes to kill, without a second's start.

Each line on standard input is JSON, ``{"arguments": […], "log": path}``; each child is told by its pid, then by how it
ended (negative: the signal).
"""

from __future__ import annotations

import json
import os
import sys

import kubernetes.client  # noqa: F401 - before the first child

from injector.cli import certs, main  # noqa: F401
from injector.shell import clusters, logs  # noqa: F401
from injector.shell.certs import running, setups, statuses  # noqa: F401


def serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            work(order)
        tell(pid)
        tell(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def tell(number) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def work(order) -> None:
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 99
    try:
        code = main.run(order["arguments"])
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()

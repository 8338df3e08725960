"""``pillion certs`` as a process, started quickly and killed for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from tests.server.clients import PATIENCE

ROOT = Path(__file__).parents[2]
QUICK = {"--settle": "0.02", "--csr-timeout": "0.2", "--leftover-wait": "0.1", "--rights-wait": "0.1",
         "--log-format": "json"}  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    """Negative: the signal that ended it."""
    lines: tuple[str, ...]

    @property
    def last(self):
        return json.loads(self.lines[-1])["event"]

    @property
    def said(self):
        return "\n".join(self.lines)


class Program:
    """Runs commands, one after another."""

    def __init__(self, folder):
        self.folder = folder
        self.zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.certs.zygote"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def start(self, api, *words, quick=True, **flags):
        """Start a command; return a function that waits for its end."""
        command, *rest = words or ("setup",)
        log = self.folder / "log"
        config = api.write_kubeconfig(self.folder / "kubeconfig")
        settings = {"--kubeconfig": str(config), **(QUICK if quick and command != "status" else {}), **flags}
        arguments = ["certs", command, *rest, *(part for pair in settings.items() for part in pair)]
        api.victim = Future()
        self.zygote.stdin.write(json.dumps({"arguments": arguments, "log": str(log)}) + "\n")
        self.zygote.stdin.flush()
        api.victim.set_result(int(self.zygote.stdout.readline()))
        return lambda: Ended(int(self.zygote.stdout.readline()), tuple(log.read_text().splitlines()))

    def run(self, api, *words, **flags):
        return self.start(api, *words, **flags)()

    def signal(self, api, number):
        os.kill(api.victim.result(PATIENCE), number)

    def close(self):
        self.zygote.stdin.close()
        self.zygote.wait(PATIENCE)
        self.zygote.stdout.close()

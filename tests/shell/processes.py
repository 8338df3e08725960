"""`pillion serve` in a process of its own, and what it says."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from tests.server.clients import PATIENCE, Client, Response, request, trusting

ROOT = Path(__file__).parents[2]
JSON_TYPE = "Content-Type: application/json"


def environment(variables):
    """Return this process's environment with these settings and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PILLION_")}
    return inherited | variables


def command(flags):
    words = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
    return [sys.executable, "-m", "injector", "serve", *words]


def run(variables, **flags):
    """Run a server that is not to start, and return how it ended."""
    return subprocess.run(
        command(flags),
        cwd=ROOT,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class Server:
    """A server on ports of its own choice, with its log."""

    def __init__(self, stack, identity, files, variables, **flags):
        here = {"host": "127.0.0.1", "port": 0, "probe_host": "127.0.0.1", "probe_port": 0}
        pair = {"certificate": files.certificate, "key": files.key}
        self.identity = identity
        self.lines = []
        self._stack = stack
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            command({**here, **pair, **flags}),
            cwd=ROOT,
            env=environment(variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        stack.callback(self._end)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        listening = self.event("listening")
        self.port, self.probe_port = listening["port"], listening["probe_port"]

    # -- what it says --------------------------------------------------------------------------------------------------

    @property
    def log(self):
        """Everything that it has logged, as text."""
        return b"".join(self.lines).decode()

    def event(self, name, **fields):
        """Wait for a line with these fields and return it."""
        found = []

        def arrived():
            found[:] = [line for line in self._events() if {"event": name, **fields}.items() <= line.items()]
            return found or self.process.poll() is not None

        with self._news:
            assert self._news.wait_for(arrived, PATIENCE), f"no {name!r} in {self.log}"
        assert found, f"it ended with {self.end()} and said {self.log}"
        return found[0]

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        """Wait for its end; return the exit code and what it said on standard error."""
        code = self.process.wait(PATIENCE)
        return code, self.process.stderr.read().decode()

    # -- what one can ask of it ----------------------------------------------------------------------------------------

    def connect(self, shown=None):
        """Connect, with a client's certificate if files of one are given."""
        context = trusting(self.identity)
        if shown:
            context.load_cert_chain(shown.certificate, shown.key)
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        client = Client(context.wrap_socket(sock, server_hostname="localhost"))
        self._stack.callback(client.close)
        return client

    def post(self, path, body, *headers, shown=None) -> Response:
        """Send one request on a connection of its own and return the answer."""
        with ExitStack() as stack:
            client = self.connect(shown)
            stack.callback(client.close)
            client.send(request(path, body, *(headers or (JSON_TYPE,))))
            return client.read()

    def review(self, review, path="/mutate?timeout=5s"):
        """Send one review and return the answer's JSON."""
        answer = self.post(path, json.dumps(review).encode())
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def probe(self, path):
        """Ask the plain port; return status and text."""
        with socket.create_connection(("127.0.0.1", self.probe_port), timeout=PATIENCE) as sock:
            client = Client(sock)
            answer = client.get(path)
            client.file.close()
            return answer.status, answer.body.decode()

    def metrics(self):
        """Return the value of each sample by its name with labels."""
        _, text = self.probe("/metrics")
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def _events(self):
        return [json.loads(line) for line in self.lines]

    def _read(self):
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def _end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()

"""
Who is measured beside whom: each a real HTTPS server in a process of its own, with what is not the same about its work.

A contender that cannot be built or run on this machine is Absent, and the tables say why.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import apis, builds, cases, engines, machines, processes
from bench.builds import Absent
from bench.processes import Cores, Server, Start

FILES = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What servers are started with."""

    folder: Path
    """For logs and templates."""
    certificate: Path
    key: Path
    cores: Cores


@dataclass(frozen=True, slots=True)
class Contender:
    """One server among those that are compared."""

    name: str
    start: Callable[[Site], AbstractContextManager[Server]]
    """Raises Absent."""
    work: str
    """What it does that others do not, and the other way round."""
    adds: frozenset[str] = frozenset()
    """Containers that every pod gets from it; empty where it makes the very pods that we make."""
    needs: str = ""
    """What must be made for it first, under ``build/bench``."""

    @property
    def is_made(self) -> bool:
        """Whether nothing has to be made first."""
        return not self.needs or builds.is_made(self.needs)


@contextmanager
def pillion(site: Site) -> Iterator[Server]:
    """Run the real server."""
    with _product(site, "injector", "pillion") as server:
        yield server


@contextmanager
def null(site: Site, size: int) -> Iterator[Server]:
    """Run the handler that answers so many bytes without having done anything."""
    arguments = (str(site.certificate), str(site.key), str(size))
    with processes.announced(_python(site, "bench.nulls", *arguments, log=f"null-{size}")) as server:
        yield server


@contextmanager
def _interpreted(site: Site) -> Iterator[Server]:
    if not machines.IS_COMPILED:
        raise Absent("that is what Pillion's own row shows in this run")
    with _product(site, "injector", "interpreted", ("env", "-u", "PYTHONPATH", "-u", "PYTHONSAFEPATH")) as server:
        yield server


@contextmanager
def _handovers(site: Site) -> Iterator[Server]:
    with _product(site, "bench.handovers", "handovers") as server:
        yield server


@contextmanager
def _product(site: Site, module: str, name: str, runner: Sequence[str] = ()) -> Iterator[Server]:
    """Run ``pillion serve``, or what stands for it, with the templates that all designs are measured with."""
    folder = site.folder / f"{name}-templates"
    folder.mkdir()
    for template in cases.TEMPLATES:
        shutil.copy(engines.TEMPLATES / f"{template}.yaml", folder)
    flags = {
        "host": "localhost",
        "port": "0",
        "probe-host": "localhost",
        "probe-port": "0",
        "certificate": str(site.certificate),
        "key": str(site.key),
        "templates": str(folder),
        "connections": "2000",  # a thousand may idle beside those under load
        "drain-seconds": "0",
    }
    arguments = (f"--{flag}={text}" for flag, text in flags.items())
    command = (*runner, sys.executable, "-m", module, "serve", *arguments)
    with processes.announced(_start(site, command, name)) as server:
        yield server


@contextmanager
def _tutorial(site: Site, kind: str) -> Iterator[Server]:
    arguments = (kind, str(site.certificate), str(site.key))
    with processes.announced(_python(site, "bench.flasks", *arguments, log=f"tutorial-{kind}")) as server:
        yield server


@contextmanager
def _kopf(site: Site) -> Iterator[Server]:
    command = (str(builds.python()), "-m", "bench.kopfs", str(site.certificate), str(site.key))
    with processes.announced(_start(site, command, "kopf")) as server:
        yield server


@contextmanager
def _usual(site: Site) -> Iterator[Server]:
    command = (str(builds.usual()), str(site.certificate), str(site.key))
    with processes.announced(_start(site, command, "usual")) as server:
        yield server


@contextmanager
def _vault(site: Site) -> Iterator[Server]:
    """
    Run HashiCorp's injector as it comes, but without a cluster.

    It insists on the files of a pod, which it gets in a mount namespace of its own, and on an API server's webhooks.
    """
    program, port = builds.vault(), _free_port()
    if not (unshare := shutil.which("unshare")):
        raise Absent("there is no unshare on this machine, to give it the files that a pod has")
    flags = {
        "listen": f"localhost:{port}",
        "tls-cert-file": site.certificate,
        "tls-key-file": site.key,
        "vault-address": "https://vault.vault.svc:8200",
    }
    arguments = (f"-{flag}={value}" for flag, value in flags.items())
    script = f'mount -t tmpfs none /var/run && mkdir -p {FILES} && cd {FILES} && echo t >token && cp "$1" ca.crt'
    command = (unshare, "--mount", "--map-root-user", "sh", "-c", f'{script} && shift && exec "$@"', "sh")
    with apis.running(site.certificate, site.key) as api:
        start = Start(
            command=(*command, str(site.certificate), str(program), "agent-inject", *arguments),
            log=site.folder / "vault.log",
            cores=site.cores,
            environment={"KUBERNETES_SERVICE_HOST": "localhost", "KUBERNETES_SERVICE_PORT": str(api)},
        )
        with processes.expected(start, port, lambda: _shakes_hands(port, site.certificate)) as server:
            yield server


def _start(site: Site, command: Sequence[str], log: str) -> Start:
    return Start(command=command, log=site.folder / f"{log}.log", cores=site.cores)


def _python(site: Site, module: str, *arguments: str, log: str) -> Start:
    return _start(site, (sys.executable, "-m", module, *arguments), log)


def _free_port() -> int:
    with socket.create_server(("localhost", 0)) as sock:
        return int(sock.getsockname()[1])


def _shakes_hands(port: int, certificate: Path) -> bool:
    context = ssl.create_default_context(cafile=str(certificate))
    try:
        with socket.create_connection(("localhost", port), timeout=1) as sock:
            context.wrap_socket(sock, server_hostname="localhost").close()
    except OSError:
        return False
    return True


PILLION = Contender("Pillion", pillion, "proves every patch; log, metrics, deadline and limits are on")
INTERPRETED = Contender(
    "Pillion, not compiled", _interpreted, "as above, on the sources as they stand: what an install by pip runs"
)
HANDOVERS = Contender("Pillion, each review on a thread", _handovers, "as above, with waitress's own hand-over")
TUTORIAL = Contender(
    "tutorial (Flask, PyYAML, make_patch)",
    lambda site: _tutorial(site, "waitress"),
    "no proof, checks or log; on our TLS in waitress, with libyaml and its templates compiled once",
)
FLASK = Contender(
    "tutorial, on the server of Flask",
    lambda site: _tutorial(site, "flask"),
    "as above, and it closes every connection after one answer",
)
KOPF = Contender(
    "kopf, the tutorial's templates",
    _kopf,
    "no proof or checks; the access log that it comes with",
    needs=builds.LIBRARIES,
)
USUAL = Contender(
    "usual Go webhook",
    _usual,
    "typed pods, text/template, sigs.k8s.io/yaml, CreatePatch; no proof or checks; a log line",
    needs="usual",
)
VAULT = Contender(
    "vault-k8s 1.6.2",
    _vault,
    "builds two containers in code and appends operations: no template, no diff, no proof; its own log and metrics",
    adds=frozenset({"vault-agent", "vault-agent-init"}),
    needs="vault",
)

RIVALS = (INTERPRETED, HANDOVERS, VAULT, USUAL, KOPF, TUTORIAL, FLASK)

"""
All settings of the server, in one table.

From it come the flags of ``pillion serve``, the variables ``PILLION_*`` and the page ``docs/settings.md``. The
environment is read here and nowhere else.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from injector.core.model import Domain, Policy
from injector.shell import forms
from injector.shell.certificates import Files
from injector.shell.errors import SettingsError
from injector.shell.forms import Form
from injector.shell.limits import Limits

PREFIX = "PILLION_"

_NATIVE_SIDECARS_SINCE = (1, 29)
_SERVICE_LINK = re.compile(r"\w+_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator decides. Each field is a setting; its text for users stands in ``OPTIONS``."""

    host: str = ""
    """All addresses, IPv6 and IPv4: what a container needs."""
    port: int = 8443
    """Above 1024, so that no right is needed to bind it."""
    probe_host: str = ""
    """All addresses: the kubelet calls the pod's own address."""
    probe_port: int = 8080
    """A port of its own, so that probes never queue behind admissions."""
    certificate: Path = Path("/etc/pillion/tls/tls.crt")
    """Where the chart mounts the Secret; its keys are those of the type ``kubernetes.io/tls``."""
    key: Path = Path("/etc/pillion/tls/tls.key")
    """Beside the certificate, in the same Secret."""
    client_ca: Path | None = None
    """None, as managed control planes cannot be given a client certificate for webhooks."""
    client_names: frozenset[str] = frozenset()
    """None: any client whose certificate ``client_ca`` vouches for."""
    store: str = "directory"
    """What needs no cluster."""
    templates: Path = Path("templates")
    """The folder of a clone or of an unpacked chart, so that ``pillion serve`` works where one stands."""
    kubeconfig: Path | None = None
    """None: what a user's command line or a pod has by itself."""
    namespace_wait: float = 0.5
    """Seconds; the API server tells of a new namespace within milliseconds, and its first pod may come earlier."""
    domain: str = "pillion.dev"
    """One constant of the design; changed where two injectors share a cluster."""
    release_namespace: str = "pillion-system"
    """The namespace that the chart's documentation installs to."""
    release_name: str = "pillion"
    """The name of the Helm release that the documentation installs; an upgrade must never be refused by itself."""
    excluded_namespaces: frozenset[str] = frozenset({"kube-system", "kube-node-lease", "kube-public"})
    """What a cluster needs to come up must not depend on a webhook."""
    privileged_templates: frozenset[str] = frozenset()
    """None: a sidecar rarely needs the node."""
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """None: the schemas' own defaults stand."""
    kubernetes_version: tuple[int, int] = _NATIVE_SIDECARS_SINCE
    """Major and minor; the first with native sidecars, and older than any that is still supported."""
    log_level: str = "info"
    """One line a review."""
    log_format: str = "json"
    """For collectors; ``console`` is for people."""
    threads: int = 4
    """For what is not answered in the event loop; more only pass the interpreter's lock around."""
    connections: int = 1000
    """Far above the 25 that an API server pools; each takes some 60 KiB."""
    queue: int = 200
    """Reviews; at 0.3 ms each the last one waits 60 ms."""
    body_limit: int = 8 << 20
    """Bytes; an API server's own limit of 3 MiB can grow in JSON."""
    timeout: float = 5.0
    """Seconds; what the chart gives the webhook, and the API server repeats as ``?timeout=`` with each call."""
    drain_seconds: float = 10.0
    """Longer than a cluster takes to learn that an endpoint is gone."""

    def policy(self) -> Policy:
        """Return what the core needs to know."""
        return Policy(
            domain=Domain(name=self.domain),
            release_namespace=self.release_namespace,
            excluded_namespaces=self.excluded_namespaces,
            native_sidecars=self.kubernetes_version >= _NATIVE_SIDECARS_SINCE,
            privileged_templates=self.privileged_templates,
            parameters=self.parameters,
        )

    def limits(self) -> Limits:
        """Return what one client may take of the HTTPS server."""
        return Limits(connections=self.connections, body=self.body_limit, threads=self.threads)

    def files(self) -> Files:
        """Return where the certificate lives."""
        return Files(certificate=self.certificate, key=self.key, client_ca=self.client_ca)


@dataclass(frozen=True, slots=True)
class Option:
    """One setting as users see it."""

    name: str
    """The field of Settings."""
    form: Form
    text: str
    """One sentence for ``--help`` and ``docs/settings.md``."""

    @property
    def flag(self) -> str:
        """The flag of ``pillion serve``."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"{PREFIX}{self.name.upper()}"

    @property
    def default(self) -> str:
        """The default as one would write it; empty for none."""
        value = getattr(Settings(), self.name)
        return self.form.show(value) if value else ""


OPTIONS = (
    Option("host", forms.ADDRESS, "Address to serve admissions on; empty for all."),
    Option("port", forms.PORT, "HTTPS port for admissions."),
    Option("probe_host", forms.ADDRESS, "Address to serve probes and metrics on; empty for all."),
    Option("probe_port", forms.PORT, "Plain HTTP port for /livez, /readyz and /metrics."),
    Option("certificate", forms.PATH, "Certificate in PEM, intermediate ones after it; a new one is taken up at once."),
    Option("key", forms.PATH, "Private key of the certificate in PEM, without a passphrase."),
    Option("client_ca", forms.OPTIONAL_PATH, "Authorities in PEM of which every client must show a certificate."),
    Option("client_names", forms.WORDS, "Common or DNS names of which a client's certificate must bear one."),
    Option("store", forms.choice("directory", "kubernetes"), "Where templates and namespaces come from."),
    Option("templates", forms.PATH, "Folder of template ConfigMaps in YAML; changes are taken up within two seconds."),
    Option("kubeconfig", forms.OPTIONAL_PATH, "Cluster of --store kubernetes; empty for the user's own or the pod's."),
    Option("namespace_wait", forms.seconds(0, 10), "How long a pod waits for a namespace that is not known yet."),
    Option("domain", forms.NAME, "Domain of all labels and annotations."),
    Option(
        "release_namespace", forms.NAME, "Namespace whose templates serve all others and whose pods stay untouched."
    ),
    Option("release_name", forms.NAME, "Helm release whose own templates /validate warns of but never refuses."),
    Option("excluded_namespaces", forms.NAMES, "Namespaces whose pods are never injected."),
    Option("privileged_templates", forms.NAMES, "Templates that may ask for host paths, privileges and identities."),
    Option("parameters", forms.PARAMETERS, "Values by template and parameter; annotations overrule them."),
    Option("kubernetes_version", forms.VERSION, "Version of the cluster; from 1.29 sidecars are native by default."),
    Option("log_level", forms.choice("debug", "info", "warning", "error"), "The least that is logged."),
    Option("log_format", forms.choice("json", "console"), "Log lines for machines or for people."),
    Option("threads", forms.whole(1, 64, "threads"), "Threads for requests other than /mutate."),
    Option("connections", forms.whole(10, 100_000, "connections"), "Connections open at once; the idlest makes room."),
    Option("queue", forms.whole(1, 100_000, "reviews"), "Reviews that may wait; the oldest beyond get status 503."),
    Option("body_limit", forms.SIZE, "Largest body of a request."),
    Option("timeout", forms.seconds(0.1, 30), "Time for a review whose URL has no ?timeout=."),
    Option("drain_seconds", forms.seconds(0, 600), "How long to keep serving after SIGTERM."),
)


def read_environment(flags: Mapping[str, str | None]) -> Settings:
    """Return the settings of this process, whose flags are given by field; raises SettingsError."""
    return read(os.environ, flags)


def read(environment: Mapping[str, str], flags: Mapping[str, str | None]) -> Settings:
    """Return the settings; a flag that is not None wins over its variable. Raises SettingsError with one sentence."""
    _refuse_unknown(environment)
    values: dict[str, Any] = {}
    for option in OPTIONS:
        if (text := flags.get(option.name)) is not None:
            values[option.name] = _parse(option, option.flag, text)
        elif (text := environment.get(option.variable)) is not None:
            values[option.name] = _parse(option, option.variable, text)
    settings = Settings(**values)
    if settings.client_names and not settings.client_ca:
        raise SettingsError("client_names are given without client_ca: set PILLION_CLIENT_CA, which vouches for them")
    if settings.kubeconfig and settings.store != "kubernetes":
        raise SettingsError("a kubeconfig is given, but the store is a directory: set PILLION_STORE=kubernetes")
    return settings


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = {option.variable for option in OPTIONS}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            raise SettingsError(f"unknown variable {name}; {_hint(name, known)}")


def _hint(name: str, known: set[str]) -> str:
    if _SERVICE_LINK.match(name):
        return "it looks like a Kubernetes service link: set enableServiceLinks: false in the pod's spec"
    words = {variable.removeprefix(PREFIX): variable for variable in sorted(known)}
    near = difflib.get_close_matches(name.removeprefix(PREFIX), words, n=1)
    return f"did you mean {words[near[0]]}?" if near else f"there are {', '.join(sorted(known))}"


def _parse(option: Option, source: str, text: str) -> Any:
    try:
        return option.form.parse(text)
    except ValueError:
        found = f"{source} is {_shown(text)}: expected {option.form.expected}"
    if source == option.variable and text.startswith("tcp://"):
        found += "; it looks like a Kubernetes service link: set enableServiceLinks: false in the pod's spec"
    raise SettingsError(found)


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 100 else f"{text[:100]!r}…"

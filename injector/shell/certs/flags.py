"""The settings of ``pillion certs`` as flags: one table for ``--help`` and for ``docs/certificates.md``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from injector.shell import forms
from injector.shell.certs.options import Mode, Options
from injector.shell.errors import SettingsError
from injector.shell.forms import Form

SERVICE_ACCOUNT_CA = Path("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")
"""What every pod is told of the cluster; the signer's authority on most."""

_SIGNER = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9._]{0,300}[A-Za-z0-9])?\Z")
_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_ADDRESS = re.compile(r"\S+:[0-9]{1,5}\Z")


def _matching(pattern: re.Pattern[str]) -> Any:
    def parse(text: str) -> str:
        if not pattern.match(text):
            raise ValueError(text)
        return text

    return parse


def _mode_or_none(text: str) -> Mode | None:
    return None if forms.choice("self-signed", "none").parse(text) == "none" else Mode.SELF_SIGNED


def _modes(*modes: Mode) -> Form:
    words = forms.choice(*(mode.value for mode in modes))
    return Form(words.expected, words.metavar, lambda text: Mode(words.parse(text)))


_SERVICE = Form("a name of lower-case letters, digits and '-', at most 63", "NAME", _matching(_LABEL))
_SIGNER_NAME = Form("a signer such as kubernetes.io/kubelet-serving", "DOMAIN/NAME", _matching(_SIGNER))
_FALLBACK = Form("'self-signed' or 'none'", "self-signed|none", _mode_or_none, lambda mode: str(mode or "none"))
_PROBE = Form("an address such as pillion.pillion-system.svc:443", "HOST:PORT", _matching(_ADDRESS))


@dataclass(frozen=True, slots=True)
class Flag:
    """One setting as users see it."""

    name: str
    """The field of Options."""
    form: Form
    text: str
    """One sentence."""
    many: bool = False
    """Whether it may be given more than once."""
    spelling: str = ""
    """Where it is not the field's name."""

    @property
    def flag(self) -> str:
        """How it is written."""
        return f"--{self.spelling or self.name.replace('_', '-')}"

    @property
    def default(self) -> str:
        """The default as one would write it; empty for none."""
        value = getattr(Options(), self.name)
        return self.form.show(value) if value or self.form is _FALLBACK else ""


WHERE = (
    Flag("mode", _modes(*Mode), "Who makes the pair of key and certificate."),
    Flag("namespace", _SERVICE, "Namespace of Secret and Service."),
    Flag("service", _SERVICE, "Service that the API server calls."),
    Flag("secret", forms.NAME, "Secret that holds the pair."),
    Flag("mutating", forms.NAME, "MutatingWebhookConfiguration to fill caBundle in; may be repeated.", many=True,
         spelling="mutating-webhook"),
    Flag("validating", forms.NAME, "ValidatingWebhookConfiguration to fill caBundle in; may be repeated.", many=True,
         spelling="validating-webhook"),
    Flag("domain", forms.NAME, "Domain of the labels and annotations on the Secret."),
    Flag("rights_wait", forms.seconds(0, 600), "How long to wait for rights that have just been given."),
)  # fmt: skip
"""What every command of the group needs."""

HOW = (
    Flag("signer", _SIGNER_NAME, "Mode csr: the signer to ask."),
    Flag("csr_name", forms.NAME, "Mode csr: name of the request; empty for service.namespace."),
    Flag("fallback", _FALLBACK, "Mode csr: what to do when the signer gives no certificate that serves."),
    Flag("authorities", forms.PATH, "Mode csr: PEM file of authorities that may have signed, instead of the cluster's"
         " own; may be repeated.", many=True, spelling="authority"),
    Flag("key", forms.choice("ecdsa", "rsa"), "Key to make: ECDSA P-256, or RSA with 2048 bits."),
    Flag("days", forms.whole(8, 3650, "days"), "Days of life to ask for."),
    Flag("minimum_days", forms.whole(0, 365, "days"), "Mode csr: an issued certificate with fewer days is not used."),
    Flag("csr_timeout", forms.seconds(0, 600), "Mode csr: how long to wait for the signer."),
    Flag("leftover_wait", forms.seconds(0, 600), "Mode csr: how long to wait for another run's request to go."),
    Flag("settle", forms.seconds(0, 600), "How long API servers may take to learn of a new caBundle."),
    Flag("probe", _PROBE, "Server to shake hands with at the end; empty for none."),
    Flag("probe_timeout", forms.seconds(0, 600), "How long the server may take to serve the pair."),
)  # fmt: skip
"""What making a pair needs besides."""


def read(flags: Mapping[str, Any], **switches: bool) -> Options:
    """Return the options; None is a flag that was not given. Raises SettingsError with one sentence."""
    values: dict[str, Any] = dict(switches)
    for flag in (*WHERE, *HOW):
        given = flags.get(flag.name)
        if given is None or given == ():
            continue
        values[flag.name] = tuple(_parse(flag, text) for text in given) if flag.many else _parse(flag, given)
    values["authorities"] = tuple(_read_file(path) for path in values.get("authorities", _own_authority()))
    return Options(**values)


def _own_authority() -> tuple[Path, ...]:
    return (SERVICE_ACCOUNT_CA,) if SERVICE_ACCOUNT_CA.is_file() else ()


def _read_file(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SettingsError(f"--authority {str(path)!r} cannot be read: {error.strerror}") from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise SettingsError(f"--authority {str(path)!r} holds no certificate in PEM")
    return text


def _parse(flag: Flag, text: str) -> Any:
    try:
        return flag.form.parse(text)
    except ValueError as error:
        raise SettingsError(f"{flag.flag} is {text!r}: expected {flag.form.expected}") from error

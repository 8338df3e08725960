"""The keys and certificates of a node's components, as openssl commands. They live a month, like nothing made here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster import networks

DAYS = "30"
CONFIG = "[req]\ndistinguished_name = none\n[none]\n"
"""openssl's own configuration would make every certificate an authority."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A component: the name of its files, its subject, and the names and addresses that it answers to."""

    name: str
    subject: str
    answers_to: str = ""


NODE_NAME = "node-1"
IDENTITIES = (
    Identity(
        "apiserver",
        "/CN=kube-apiserver",
        f"IP:127.0.0.1,IP:{networks.NODE},IP:{networks.API_SERVICE},DNS:localhost,DNS:kubernetes.default.svc",
    ),
    Identity("admin", "/O=system:masters/CN=admin"),
    Identity("controller-manager", "/CN=system:kube-controller-manager"),
    Identity("scheduler", "/CN=system:kube-scheduler"),
    Identity("kubelet", f"/O=system:nodes/CN=system:node:{NODE_NAME}", f"DNS:{NODE_NAME},IP:{networks.NODE}"),
    Identity("proxy", "/CN=system:kube-proxy"),
)


def commands(folder: Path) -> Iterator[list[str]]:
    """Make an authority, a key pair for service accounts, and a certificate for each identity."""
    yield [
        *_request(folder, "ca", "/CN=kubernetes"),
        *["-addext", "basicConstraints=critical,CA:TRUE"],
        *["-addext", "keyUsage=critical,keyCertSign,digitalSignature,cRLSign"],
    ]
    yield ["openssl", "genrsa", "-out", f"{folder}/sa.key", "2048"]
    yield ["openssl", "rsa", "-in", f"{folder}/sa.key", "-pubout", "-out", f"{folder}/sa.pub"]
    for identity in IDENTITIES:
        names = ["-addext", f"subjectAltName={identity.answers_to}"] if identity.answers_to else []
        yield [
            *_request(folder, identity.name, identity.subject),
            *["-CA", f"{folder}/ca.crt", "-CAkey", f"{folder}/ca.key"],
            *["-addext", "keyUsage=digitalSignature", "-addext", "extendedKeyUsage=clientAuth,serverAuth"],
            *names,
        ]


def _request(folder: Path, name: str, subject: str) -> list[str]:
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{folder}/{name}.key"]
    config = ["-config", f"{folder}/openssl.cnf"]
    return ["openssl", "req", "-x509", *config, *key, "-out", f"{folder}/{name}.crt", "-subj", subject, "-days", DAYS]

"""A pair as a Secret, with a record beside it: who made it, for what reason, and which authorities were ever used."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization

from injector.shell.certs import bundles
from injector.shell.certs.bundles import Authorities
from injector.shell.certs.options import Mode, Options
from injector.shell.certs.proofs import Pair, Proven
from injector.shell.clusters import Object

TYPE = "kubernetes.io/tls"
CERTIFICATE, KEY, AUTHORITIES = "tls.crt", "tls.key", "ca.crt"

_REMEMBERED = 8  # authorities by fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """How a pair came to be."""

    mode: Mode
    """What was done."""
    signer: str = ""
    """What was asked for, in mode csr."""
    reason: str = ""
    """``fallback`` or ``rotation`` where it is not what was asked for."""
    cause: str = ""
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a Secret holds."""

    secret: Object
    ours: bool
    typed: bool
    """Whether it has the type that cannot be changed later."""
    pair: Pair
    authorities: Authorities
    mode: str
    signer: str
    reason: str
    cause: str
    used: tuple[str, ...]
    """Fingerprints of authorities that have vouched for a stored pair, newest first."""


def read(secret: Object, options: Options) -> Stored:
    """Return what a Secret holds; what is missing or cannot be read is empty."""
    data = secret.get("data") or {}
    notes: Mapping[str, str] = secret["metadata"].get("annotations") or {}
    labels: Mapping[str, str] = secret["metadata"].get("labels") or {}
    return Stored(
        secret=secret,
        ours=labels.get(_label(options)) == "certs",
        typed=secret.get("type") == TYPE,
        pair=Pair(_decode(data.get(CERTIFICATE)), _decode(data.get(KEY))),
        authorities=bundles.read(_decode(data.get(AUTHORITIES))),
        mode=notes.get(_note(options, "mode"), ""),
        signer=notes.get(_note(options, "signer"), ""),
        reason=notes.get(_note(options, "reason"), ""),
        cause=notes.get(_note(options, "cause"), ""),
        used=tuple(name for name in notes.get(_note(options, "authorities"), "").split(",") if name),
    )


def with_authorities(secret: Object, authorities: Authorities) -> Object:
    """Return the Secret with other authorities and the same pair."""
    return {**secret, "data": {**(secret.get("data") or {}), AUTHORITIES: _encode(bundles.write(authorities))}}


def build(options: Options, proven: Proven, maker: Maker, authorities: Authorities, before: Stored | None) -> Object:
    """Return the Secret for a pair; what others wrote on the one before it stays."""
    base: Object = before.secret if before and before.typed else {}
    metadata: dict[str, Any] = {**base.get("metadata", {}), "name": options.secret, "namespace": options.namespace}
    used = (*(bundles.fingerprint(one) for one in proven.anchors), *(before.used if before else ()))
    metadata["labels"] = {**metadata.get("labels", {}), _label(options): "certs"}
    notes = {
        _note(options, "mode"): maker.mode.value,
        _note(options, "signer"): maker.signer,
        _note(options, "reason"): maker.reason,
        _note(options, "cause"): maker.cause,
        _note(options, "not-after"): proven.leaf.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        _note(options, "public-key"): _key_hash(proven),
        _note(options, "authorities"): ",".join(list(dict.fromkeys(used))[:_REMEMBERED]),
    }
    others = {key: text for key, text in metadata.get("annotations", {}).items() if key not in notes}
    metadata["annotations"] = others | {key: text for key, text in notes.items() if text}
    data = {CERTIFICATE: _encode(proven.pair.chain), KEY: _encode(proven.pair.key)}
    data[AUTHORITIES] = _encode(bundles.write(authorities))
    return {
        **base, "apiVersion": "v1", "kind": "Secret", "type": TYPE, "metadata": metadata,
        "data": {**base.get("data", {}), **data},
    }  # fmt: skip


def _key_hash(proven: Proven) -> str:
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(proven.leaf.public_key().public_bytes(*form)).hexdigest()


def _label(options: Options) -> str:
    return f"{options.domain}/managed-by"


def _note(options: Options, name: str) -> str:
    return f"{options.domain}/certs-{name}"


def _encode(text: bytes) -> str:
    return base64.b64encode(text).decode()


def _decode(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "")
    except (binascii.Error, ValueError):
        return b""

"""Pairs of key and certificate as an operator would bring them along, with the authority that signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Pair:
    """All in PEM."""

    certificate: str
    key: str
    authority: str
    start: str
    """From when it is valid, as people read it."""
    end: str


def make_pair(host: str, start: float = -1, end: float = 30) -> Pair:
    """Make a certificate for a host, valid between some days from now, and an authority for it alone."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    now = datetime.now(UTC).replace(microsecond=0)
    dates = now + timedelta(days=start), now + timedelta(days=end)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority of {host}"[:64])])
    authority = _build(name, name, authority_key, now - timedelta(days=60), now + timedelta(days=60))
    authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    leaf = _build(name, x509.Name([]), key, *dates)
    leaf = leaf.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True)
    signed = (each.sign(authority_key, hashes.SHA256()) for each in (leaf, authority))
    certificate, trusted = (each.public_bytes(serialization.Encoding.PEM).decode() for each in signed)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pair(
        certificate, key.private_bytes(*form).decode(), trusted, *(f"{date:%Y-%m-%d %H:%M} UTC" for date in dates)
    )


def read(pem: bytes) -> list[int]:
    """Return the serial numbers of all certificates of a text."""
    return [each.serial_number for each in x509.load_pem_x509_certificates(pem)]


def _build(issuer, subject, key, start, end):
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    return builder.not_valid_before(start).not_valid_after(end)

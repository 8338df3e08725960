"""Authorities as clusters have them: good ones, old ones without key identifiers, expired ones, intermediate ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
DAY = timedelta(days=1)


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass(frozen=True)
class Authority:
    """A certificate that signs others."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    identifiers: bool = True
    """Whether it names keys, as authorities have done for some years."""

    def sign(self, public_key, subject, names, *, now, days=365.0, purpose=SERVER, authority=False, starts=-5 / 1440):
        """Return a certificate; dates are days from *now*."""
        builder = (
            x509.CertificateBuilder(
                self.certificate.subject, subject, public_key, x509.random_serial_number()
            )
            .not_valid_before(moment(now) + starts * DAY)
            .not_valid_after(moment(now) + days * DAY)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )  # fmt: skip
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        if names:
            alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternative, critical=False)
        if self.identifiers:
            builder = builder.add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            ).add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        return builder.sign(self.key, hashes.SHA256())


def make(name="kubernetes", *, now, starts=-30.0, ends=3650.0, identifiers=True, issuer=None):
    """Return an authority; signed by itself, or by another one."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    if issuer:
        return Authority(issuer.sign(key.public_key(), subject, (), now=now, days=ends, authority=True), key)
    builder = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(moment(now) + starts * DAY)
        .not_valid_after(moment(now) + ends * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    if identifiers:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(identifier, critical=False)
    return Authority(builder.sign(key, hashes.SHA256()), key, identifiers)


def pair(authority, host, *, now, **details):
    """Return a certificate for a host and its key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, details.pop("common_name", "server"))])
    names = details.pop("names", (host,))
    return pem(authority.sign(key.public_key(), subject, names, now=now, **details)), key_pem(key)

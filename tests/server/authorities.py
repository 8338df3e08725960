"""Certificates made on the spot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from injector.shell.certificates import Files

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True)
class Identity:
    """A certificate and its key as PEM."""

    certificate: bytes
    key: bytes

    def store(self, folder: Path) -> Files:
        folder.mkdir(parents=True, exist_ok=True)
        files = Files(certificate=folder / "tls.crt", key=folder / "tls.key")
        files.certificate.write_bytes(self.certificate)
        files.key.write_bytes(self.key)
        return files


def issue(
    name="localhost", *, starts_in=timedelta(hours=-1), ends_in=timedelta(days=1), purpose=SERVER, passphrase=b""
):
    """Return a self-signed certificate for a name; its dates are relative to now."""
    key = ec.generate_private_key(ec.SECP256R1())
    number = x509.random_serial_number()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, str(number)),  # so that a client can trust two of one name
        ]
    )
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(subject, subject, key.public_key(), number)
        .not_valid_before(now + starts_in)
        .not_valid_after(now + ends_in)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    return Identity(certificate.public_bytes(serialization.Encoding.PEM), _pem(key, passphrase))


def _pem(key, passphrase):
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)

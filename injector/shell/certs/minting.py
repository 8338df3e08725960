"""Keys, requests for certificates, and authorities that sign once and are forgotten. Nothing touches a disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from injector.shell.certs.options import Options

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def make_key(kind: str) -> Key:
    """Return a new key: ``ecdsa`` is P-256, ``rsa`` has 2048 bits."""
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def write_key(key: Key) -> bytes:
    """Return a key in PEM, as the server reads it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def request(key: Key, options: Options) -> bytes:
    """Return a request in PEM, with the subject that kubelet-serving insists on; who we are stands in the SAN."""
    subject = _name((NameOID.ORGANIZATION_NAME, "system:nodes"), (NameOID.COMMON_NAME, options.node_name))
    builder = x509.CertificateSigningRequestBuilder(subject).add_extension(_alternative(options), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def sign_own(key: Key, options: Options, now: float) -> tuple[bytes, x509.Certificate]:
    """Return a certificate in PEM and the authority that signed it, whose key nobody has any more."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    start = datetime.fromtimestamp(now, UTC) - _HOUR
    end = start + _HOUR + timedelta(days=options.days)
    authority = _authority(authority_key, options, start, end + _DAY)
    leaf = (
        x509.CertificateBuilder(
            authority.subject, _name((NameOID.COMMON_NAME, options.common_name)), key.public_key(), _serial()
        )
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(_alternative(options), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(encipherment=isinstance(key, rsa.RSAPrivateKey)), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return leaf.public_bytes(serialization.Encoding.PEM), authority


def _authority(key: ec.EllipticCurvePrivateKey, options: Options, start: datetime, end: datetime) -> x509.Certificate:
    """Return an authority that may speak of our one name only, and whose own name no other has."""
    serial = _serial()
    name = _name((NameOID.COMMON_NAME, f"pillion-{serial:032x}"))
    return (
        x509.CertificateBuilder(name, name, key.public_key(), serial)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.NameConstraints([x509.DNSName(options.host)], None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _alternative(options: Options) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.DNSName(options.host)])


def _usage(*, encipherment: bool = False, authority: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority, key_encipherment=encipherment, key_cert_sign=authority, crl_sign=authority,
        content_commitment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def _name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])


def _serial() -> int:
    return x509.random_serial_number() >> 32  # 127 bits: as good as unique, and shorter than some limits of 20 bytes

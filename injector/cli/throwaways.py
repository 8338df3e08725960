"""A server for a moment: a certificate made on the spot, a folder of its own, the real ``serve`` in its own process."""

from __future__ import annotations

import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import injector
from injector.shell.errors import ListenError

START = 30.0
"""Seconds that a server may take to start, on a machine that is busy."""
STOP = 10.0
"""Seconds that it may take to stop."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs on this machine."""

    port: int
    certificate: Path
    """In PEM; it vouches for itself."""
    seconds: float
    """From its start until it listened."""


@contextmanager
def serving(templates: Path, namespaces: str) -> Iterator[Server]:
    """Serve the templates of a folder and *namespaces*, in YAML; raises ListenError if the server does not start."""
    with tempfile.TemporaryDirectory(prefix="pillion-") as scratch:
        folder = Path(scratch)
        shutil.copytree(templates, folder / "templates")
        (folder / "templates" / "namespaces.yaml").write_text(namespaces, encoding="utf-8")
        certificate, key = write_certificate(folder)
        begin = time.perf_counter()
        process = _start(folder / "templates", certificate, key)
        try:
            port = _listening(process)
            yield Server(port, certificate, time.perf_counter() - begin)
        finally:
            _stop(process)


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a key and a certificate for ``localhost`` that is good for a day; return their paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate_path, key_path = folder / "tls.crt", folder / "tls.key"
    certificate_path.write_bytes(_certify(key).public_bytes(serialization.Encoding.PEM))
    key_path.touch(mode=0o600)
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_path, key_path


def _certify(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(usage, critical=False)
        .sign(key, hashes.SHA256())
    )


def _start(templates: Path, certificate: Path, key: Path) -> subprocess.Popen[bytes]:
    flags = {
        "--host": "localhost", "--port": "0", "--probe-host": "localhost", "--probe-port": "0",
        "--certificate": str(certificate), "--key": str(key), "--templates": str(templates),
        "--domain": "pillion.dev", "--release-namespace": "pillion-system", "--kubernetes-version": "1.36",
        "--log-level": "info", "--log-format": "json", "--drain-seconds": "0",
    }  # fmt: skip
    arguments = [part for flag in flags.items() for part in flag]
    package = Path(injector.__file__).parents[1]
    return subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
        [sys.executable, "-m", "injector", "serve", *arguments],
        cwd=package, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def _listening(process: subprocess.Popen[bytes]) -> int:
    """Return the port once the server's log names it; what else it logs is read and dropped, so that it never waits."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    said = b""
    while line := _next(lines):
        if b'"listening"' in line:
            return int(orjson.loads(line)["port"])
        said = line
    raise ListenError(f"the server did not start: {said.decode(errors='replace').strip() or 'it said nothing'}")


def _read(stream: IO[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(b"")


def _next(lines: queue.SimpleQueue[bytes]) -> bytes:
    try:
        return lines.get(timeout=START)
    except queue.Empty:
        return b""


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()

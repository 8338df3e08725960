"""
TLS records made by hand, for what no Python client can send: a key update, a renegotiation.

The handshake is Python's own, which writes its secrets to a key log; from there on the records are ours. Names follow
RFC 8446 (TLS 1.3) and RFC 5246 with RFC 5288 (TLS 1.2).
"""

from __future__ import annotations

import hmac
import ssl
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

ALERT, HANDSHAKE, DATA = 21, 22, 23
KEY_UPDATE = 24

SUITES = {
    "TLS_AES_256_GCM_SHA384": (AESGCM, 32, hashes.SHA384()),
    "TLS_AES_128_GCM_SHA256": (AESGCM, 16, hashes.SHA256()),
    "TLS_CHACHA20_POLY1305_SHA256": (ChaCha20Poly1305, 32, hashes.SHA256()),
}


class Handshake:
    """A finished handshake: the socket, what went over it, and the secrets."""

    def __init__(self, client, context, version):
        context.minimum_version = context.maximum_version = version
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "keys")
            context.keylog_filename = str(log)
            self.sock, self.sent, self.received = client.sock, b"", b""
            self.cipher = self._shake_hands(context)
            self.secrets = {line.split()[0]: line.split()[1:] for line in log.read_text().splitlines()}

    def _shake_hands(self, context):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send(outgoing.read())
                data = self.sock.recv(65536)
                self.received += data
                incoming.write(data)
            else:
                self._send(outgoing.read())
                return tls.cipher()[0]

    def _send(self, data):
        self.sent += data
        self.sock.sendall(data)


class Modern:
    """One direction of TLS 1.3."""

    def __init__(self, handshake, label):
        self.algorithm, self.length, self.hash = SUITES[handshake.cipher]
        self._use(bytes.fromhex(handshake.secrets[label][1]))

    def update(self):
        """Go on with the next generation of keys."""
        self._use(self._expand(b"traffic upd", self.hash.digest_size))

    def seal(self, kind, data):
        head = b"\x17\x03\x03" + (len(data) + 17).to_bytes(2)
        return head + self.key.encrypt(self._nonce(), data + bytes([kind]), head)

    def open(self, record):
        """Return the true type of a record and what is in it."""
        plain = self.key.decrypt(self._nonce(), record[5:], record[:5]).rstrip(b"\0")
        return plain[-1], plain[:-1]

    def _use(self, secret):
        self.secret, self.number = secret, -1
        self.key = self.algorithm(self._expand(b"key", self.length))
        self.iv = self._expand(b"iv", 12)

    def _nonce(self):
        self.number += 1
        return (int.from_bytes(self.iv) ^ self.number).to_bytes(12)

    def _expand(self, label, length):
        label = b"tls13 " + label
        info = length.to_bytes(2) + bytes([len(label)]) + label + b"\0"
        return HKDFExpand(self.hash, length, info).derive(self.secret)


class Classic:
    """One direction of TLS 1.2 with ECDHE-ECDSA-AES128-GCM-SHA256, after the Finished."""

    SUITE = "ECDHE-ECDSA-AES128-GCM-SHA256"

    def __init__(self, handshake, side):
        client_random, master = map(bytes.fromhex, handshake.secrets["CLIENT_RANDOM"])
        block = _prf(master, b"key expansion" + handshake.received[11:43] + client_random, 40)
        self.key = AESGCM(block[16 * side : 16 * side + 16])
        self.salt = block[32 + 4 * side : 36 + 4 * side]
        self.number = 0

    def seal(self, kind, data):
        self.number += 1
        nonce = self.number.to_bytes(8)
        sealed = nonce + self.key.encrypt(self.salt + nonce, data, self._context(kind, len(data)))
        return bytes([kind]) + b"\x03\x03" + len(sealed).to_bytes(2) + sealed

    def open(self, record):
        self.number += 1
        context = self._context(record[0], len(record) - 5 - 8 - 16)
        return record[0], self.key.decrypt(self.salt + record[5:13], record[13:], context)

    def _context(self, kind, length):
        return self.number.to_bytes(8) + bytes([kind]) + b"\x03\x03" + length.to_bytes(2)


def read_record(file):
    head = file.read(5)
    return head + file.read(int.from_bytes(head[3:]))


def _prf(secret, seed, length):
    output, block = b"", seed
    while len(output) < length:
        block = hmac.digest(secret, block, "sha256")
        output += hmac.digest(secret, block + seed, "sha256")
    return output[:length]

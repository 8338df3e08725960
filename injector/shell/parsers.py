"""
Reading one HTTP request: waitress's parser, with what it lets pass in doubt refused. No sockets.

A request whose end can be read in two ways is how requests are smuggled, so framing is strict (RFC 9112): not both
Content-Length and Transfer-Encoding, one Transfer-Encoding and only ``chunked``, no folded header lines, HTTP/1.0
and 1.1 only, no control characters in the path.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from io import BytesIO

from waitress.adjustments import Adjustments
from waitress.parser import (
    HTTPRequestParser,
    ParsingError,
    TransferEncodingNotImplemented,
    crack_first_line,
    split_uri,
)
from waitress.receiver import ChunkedReceiver, FixedStreamReceiver
from waitress.rfc7230 import HEADER_FIELD_RE
from waitress.utilities import BadRequest

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


class Parser(HTTPRequestParser):
    """One request being received."""

    path = ""  # waitress sets it late, and logs it in any case
    completed: bool = False

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.started = time.monotonic()
        """When its first byte was read, on the monotonic clock."""

    @property
    def held(self) -> int:
        """Bytes of its body in memory."""
        return len(self.body_rcv) if self.body_rcv is not None else 0

    def received(self, data: bytes) -> int:
        """Take in bytes and return how many belong to this request."""
        consumed: int = super().received(data)
        if self.chunked and not self.completed and self._framing() > self.adj.max_request_header_size:
            self.error = BadRequest("a chunk's size line or the trailer is too long")
            self.completed = True
        if self.completed:
            self.expect_continue = False  # waitress would wait for the body of a refused or bodiless request
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Parse request line and header fields; ParsingError makes it a 400, TransferEncodingNotImplemented a 501."""
        line, *fields = header_plus.split(b"\r\n")
        start = _read_start(line)
        self.command, self.request_uri, self.version = start.command, start.target, start.version
        self.path, self.query, self.url_scheme = start.path, start.query, self.adj.url_scheme
        for name, value in filter(None, map(_read_field, filter(None, fields))):
            self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value
        self._find_end()
        self.expect_continue = self.version == "1.1" and self.headers.get("EXPECT", "").lower() == "100-continue"

    def _find_end(self) -> None:
        """Find out where the body ends, and prepare to receive it."""
        coding = self.headers.pop("TRANSFER_ENCODING", None)
        length = self.headers.get("CONTENT_LENGTH")
        if coding is not None:
            _check_coding(coding, self.version, length)
            self.chunked, self.body_rcv = True, ChunkedReceiver(_Body())
        elif length is not None:
            self.content_length = _read_length(length)
            if self.content_length:
                self.body_rcv = FixedStreamReceiver(self.content_length, _Body())

    def _framing(self) -> int:
        return len(self.body_rcv.control_line) + len(self.body_rcv.trailer)


@dataclass(frozen=True, slots=True)
class _Start:
    """A request line."""

    command: str
    target: str
    version: str
    path: str
    query: str


class _Body:
    """A body as waitress's receivers fill it: in memory, as the root file system is read-only."""

    def __init__(self) -> None:
        self._file = BytesIO()
        self._size = 0

    def append(self, data: bytes) -> None:
        self._file.write(data)
        self._size += len(data)

    def __len__(self) -> int:
        return self._size

    def getfile(self) -> BytesIO:
        return self._file

    def close(self) -> None:
        self._file.close()
        self._size = 0


def _read_start(line: bytes) -> _Start:
    """Take the request line to pieces; raises ParsingError."""
    line = line.rstrip()
    if b"\r" in line or b"\n" in line:
        raise ParsingError("Bare CR or LF found in HTTP message")
    command, target, version = (part.decode("latin-1") for part in crack_first_line(line))
    if not command:
        raise ParsingError("Start line is invalid")
    if version not in {"1.0", "1.1"}:
        raise ParsingError(f"HTTP version {version!r} is not spoken here; use HTTP/1.1")
    try:
        _, _, path, query, _ = split_uri(target.encode("latin-1"))
    except ValueError as error:  # "http://[" as the target
        raise ParsingError("the request target is malformed") from error
    if _CONTROL_CHARACTER.search(path):
        raise ParsingError("the path holds a control character")
    return _Start(command, target, version, path, query)


def _read_field(line: bytes) -> tuple[str, str] | None:
    """
    Return a header field's name as WSGI spells it, and its value; raises ParsingError.

    None is for a name with an underscore, which WSGI could not tell from one with a hyphen.
    """
    if b"\r" in line or b"\n" in line:
        raise ParsingError(f'Bare CR or LF found in header line "{line.decode("latin-1")}"')
    if line.startswith((b" ", b"\t")):
        raise ParsingError("a header field is folded over two lines")
    if not (found := HEADER_FIELD_RE.match(line)):
        raise ParsingError("Invalid header")
    name, value = found["name"].decode("latin-1"), found["value"].decode("latin-1")
    return None if "_" in name else (name.upper().replace("-", "_"), value.strip(" \t"))


def _check_coding(coding: str, version: str, length: str | None) -> None:
    """Raise an error unless a Transfer-Encoding tells where the body ends, and nothing else does."""
    words = [word.strip(" \t").lower() for word in coding.split(",") if word]
    if version == "1.1" and {*words} - {"chunked"}:
        raise TransferEncodingNotImplemented(coding)
    if length is not None:
        raise ParsingError("both Content-Length and Transfer-Encoding are given")
    if version == "1.0" or coding.lower() != "chunked":
        raise ParsingError("Transfer-Encoding may be given once, as chunked, and in HTTP/1.1 only")


def _read_length(length: str) -> int:
    """Return a Content-Length as a number; raises ParsingError."""
    if not length.isascii() or not length.isdigit():
        raise ParsingError("Content-Length is invalid")
    try:
        return int(length)
    except ValueError as error:  # more digits than Python reads
        raise ParsingError("Content-Length is invalid") from error

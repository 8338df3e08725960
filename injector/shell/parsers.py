"""
Reading one HTTP request: waitress's parser, with what it lets pass in doubt refused. No sockets.

A request whose end can be read in two ways is how requests are smuggled, so framing is strict (RFC 9112): not both
Content-Length and Transfer-Encoding, one Transfer-Encoding and only ``chunked``, no folded header lines, HTTP/1.0
and 1.1 only, no control characters in the path.
"""

from __future__ import annotations

import re
import time

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import BadRequest

_TRANSFER_ENCODING = re.compile(rb"\r\ntransfer-encoding[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_FOLDED_LINE = re.compile(rb"\r\n[ \t]")
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
        """Parse request line and header fields; ParsingError makes it a 400."""
        codings = _TRANSFER_ENCODING.findall(header_plus)
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a number of 5,000 digits, "http://[" as the target
            raise ParsingError("a number or the request target is malformed") from error
        if problem := self._ambiguity(header_plus, codings):
            raise ParsingError(problem)

    def _ambiguity(self, header_plus: bytes, codings: list[bytes]) -> str:
        if self.version not in {"1.0", "1.1"}:
            return f"HTTP version {self.version!r} is not spoken here; use HTTP/1.1"
        if _CONTROL_CHARACTER.search(self.path):
            return "the path holds a control character"
        if _FOLDED_LINE.search(header_plus):
            return "a header field is folded over two lines"
        if codings and "CONTENT_LENGTH" in self.headers:
            return "both Content-Length and Transfer-Encoding are given"
        if codings and (self.version == "1.0" or [coding.strip().lower() for coding in codings] != [b"chunked"]):
            return "Transfer-Encoding may be given once, as chunked, and in HTTP/1.1 only"
        return ""

    def _framing(self) -> int:
        return len(self.body_rcv.control_line) + len(self.body_rcv.trailer)

"""What is no clear request gets one sentence and an end, and no second answer is ever smuggled out of it."""

from __future__ import annotations

import pytest

from tests.server.clients import PATIENCE, Client, request

LONG = "x" * 20_000
SMUGGLED = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
BAD = "Bad request: "


def post(*headers, body="", version="HTTP/1.1"):
    return "\r\n".join([f"POST / {version}", "Host: x", *headers]) + "\r\n\r\n" + body


TABLE = {
    "length and coding": (
        post("Content-Length: 6", "Transfer-Encoding: chunked", body=SMUGGLED),
        (400, BAD + "both Content-Length and Transfer-Encoding are given."),
    ),
    "coding and length": (
        post("Transfer-Encoding: chunked", "Content-Length: 6", body=SMUGGLED),
        (400, BAD + "both Content-Length and Transfer-Encoding are given."),
    ),
    "length and coding, asking first": (
        post("Content-Length: 6", "Transfer-Encoding: chunked", "Expect: 100-continue", body=SMUGGLED),
        (400, BAD + "both Content-Length and Transfer-Encoding are given."),
    ),
    "coding twice": (
        post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=SMUGGLED),
        (400, BAD + "Transfer-Encoding may be given once, as chunked, and in HTTP/1.1 only."),
    ),
    "coding twice in a line": (
        post("Transfer-Encoding: chunked, chunked", body=SMUGGLED),
        (400, BAD + "Transfer-Encoding may be given once, as chunked, and in HTTP/1.1 only."),
    ),
    "coding in HTTP/1.0": (
        post("Transfer-Encoding: chunked", body=SMUGGLED, version="HTTP/1.0"),
        (400, BAD + "Transfer-Encoding may be given once, as chunked, and in HTTP/1.1 only."),
    ),
    "unknown coding": (
        post("Transfer-Encoding: gzip", body=SMUGGLED),
        (501, "The transfer coding is not supported; send Content-Length or Transfer-Encoding: chunked."),
    ),
    "coding in disguise": (
        post("Transfer-Encoding: \x0bchunked", body=SMUGGLED),
        (400, BAD + "Invalid header."),
    ),
    "two lengths": (post("Content-Length: 0", "Content-Length: 5"), (400, BAD + "Content-Length is invalid.")),
    "signed length": (post("Content-Length: +10"), (400, BAD + "Content-Length is invalid.")),
    "negative length": (post("Content-Length: -1"), (400, BAD + "Content-Length is invalid.")),
    "length of 5,000 digits": (
        post("Content-Length: " + "9" * 5000),
        (400, BAD + "Content-Length is invalid."),
    ),
    "chunk size in C": (
        post("Transfer-Encoding: chunked", body="0x0a\r\n"),
        (400, BAD + "Invalid chunk size."),
    ),
    "chunk without an end": (
        post("Transfer-Encoding: chunked", body="1\r\nab\r\n0\r\n\r\n"),
        (400, BAD + "Chunk not properly terminated."),
    ),
    "endless chunk size": (
        post("Transfer-Encoding: chunked", body=LONG),
        (400, BAD + "a chunk's size line or the trailer is too long."),
    ),
    "endless trailer": (
        post("Transfer-Encoding: chunked", body=f"0\r\nX: {LONG}"),
        (400, BAD + "a chunk's size line or the trailer is too long."),
    ),
    "body announced too large": (post("Content-Length: 9999999"), (413, "The body is larger than 2097152 bytes.")),
    "chunks too large": (
        post("Transfer-Encoding: chunked", body=f"300000\r\n{'x' * 0x300000}"),
        (413, "The body is larger than 2097152 bytes."),
    ),
    "header too large": (
        post(f"X: {LONG}"),
        (431, "The request line and header fields are larger than 16384 bytes."),
    ),
    "endless request line": (LONG, (431, "The request line and header fields are larger than 16384 bytes.")),
    "10,000 headers": (
        post(*(f"X-{n}: y" for n in range(10_000))),
        (431, "The request line and header fields are larger than 16384 bytes."),
    ),
    "folded header": (post("X: a", " b"), (400, BAD + "a header field is folded over two lines.")),
    "bare line feed": ("GET / HTTP/1.1\nHost: x\n\r\n\r\n", (400, BAD + "Bare CR or LF found in HTTP message.")),
    "bare line feed in a header": (
        post("X: a\nTransfer-Encoding: chunked"),
        (400, BAD + 'Bare CR or LF found in header line "X: a?Transfer-Encoding: chunked".'),
    ),
    "space before the colon": (post("Content-Length : 5"), (400, BAD + "Invalid header.")),
    "no request line": ("hello\r\n\r\n", (400, BAD + "Start line is invalid.")),
    "lower case method": ("get / HTTP/1.1\r\n\r\n", (400, BAD + 'Malformed HTTP method "get".')),
    "no version": ("GET /\r\n\r\n", (400, BAD + "HTTP version '' is not spoken here; use HTTP/1.1.")),
    "HTTP/2 preface": (
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        (400, BAD + "HTTP version '2.0' is not spoken here; use HTTP/1.1."),
    ),
    "NUL in the path": ("GET /a%00b HTTP/1.1\r\n\r\n", (400, BAD + "the path holds a control character.")),
    "line feed in the path": ("GET /a%0d%0ab HTTP/1.1\r\n\r\n", (400, BAD + "the path holds a control character.")),
    "broken target": ("GET http://[ HTTP/1.1\r\n\r\n", (400, BAD + "the request target is malformed.")),
}


@pytest.mark.parametrize(("raw", "expected"), TABLE.values(), ids=TABLE.keys())
def test_what_is_no_clear_request_gets_one_sentence_and_an_end(network, raw, expected):
    client: Client = network.tls(network.https(linger=PATIENCE))
    client.send(raw.encode("latin-1"))

    answer = client.read()
    assert expected == (answer.status, answer.body.decode().removesuffix("\n"))
    assert ("close", "text/plain; charset=utf-8") == (answer.headers["connection"], answer.headers["content-type"])
    assert "server" not in answer.headers
    assert b"" == client.rest()


def test_a_refused_request_is_the_last_one_of_its_connection(network):
    client = network.tls(network.https())
    client.send(request("/?1") + post("Content-Length: x").encode() + request("/?2"))

    assert [200, 400] == [client.read().status, client.read().status]
    assert b"" == client.rest()


def test_plain_http_gets_the_same_sentences(network):
    client = network.tcp(network.plain())
    client.send(b"GET / HTTP/3.0\r\n\r\n")

    answer = client.read()
    assert (400, b"Bad request: HTTP version '3.0' is not spoken here; use HTTP/1.1.\n") == (answer.status, answer.body)
    assert b"" == client.rest()

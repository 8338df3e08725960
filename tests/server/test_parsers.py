"""Our parser reads what waitress's reads, and refuses only what it says; twice the same line means the same."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from waitress.parser import HTTPRequestParser

from injector.shell.limits import Limits
from injector.shell.listeners import Listener
from injector.shell.parsers import Parser

ADJUSTMENTS = Listener._adjustments(Limits())
READ = ("command", "request_uri", "version", "path", "query", "url_scheme", "headers", "chunked", "content_length")
OURS = {
    "the path holds a control character",
    "a header field is folded over two lines",
    "both Content-Length and Transfer-Encoding are given",
    "Transfer-Encoding may be given once, as chunked, and in HTTP/1.1 only",
}
"""What we refuse and waitress does not, beside versions."""

STARTS = st.sampled_from(
    [
        "POST /mutate?timeout=5s HTTP/1.1",
        "GET /a%2fb?x#y HTTP/1.0",
        "GET //a?b=c#d HTTP/1.1",
        "GET http://a:1/b HTTP/1.1",
        "GET /%00 HTTP/1.1",
        "GET / HTTP/2.0",
        "GET /",
        "get / HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET http://[ HTTP/1.1",
    ]
)
FIELDS = st.sampled_from(
    [
        "Host: a",
        "host:\tb ",
        "Content-Length: 5",
        "Content-Length: 05",
        "content-length: 0",
        "Content-Length: +5",
        "Transfer-Encoding: chunked",
        "transfer-encoding: Chunked",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: ,chunked",
        "Transfer-Encoding:",
        "Transfer_Encoding: chunked",
        "Transfer-Encoding : chunked",
        "Expect: 100-Continue",
        "X-Y: é",
        " folded",
        "\tfolded",
        "",
        "X: a\rb",
        "X: a\nb",
        "no field",
        "Connection: close",
        "Accept: a, b",
        "Content-Length: ²",
    ]
)
NOISE = st.text("aA0 \t\r\n:_-/?#%,;\x00\x0b\x85é", max_size=12)


@st.composite
def requests(draw):
    lines = [draw(st.one_of(STARTS, STARTS, NOISE)), *draw(st.lists(st.one_of(FIELDS, FIELDS, NOISE), max_size=6))]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def read(parser_class, data):
    parser = parser_class(ADJUSTMENTS)
    try:
        parser.received(data)
    except ValueError:  # waitress lets it through
        return parser, "a malformed number or target"
    return parser, parser.error.body if parser.error else ""


@given(requests())
@example(b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n")
def test_what_we_accept_waitress_reads_the_same_and_what_it_accepts_we_do_or_say_why_not(data):
    ours, our_problem = read(Parser, data)
    theirs, their_problem = read(HTTPRequestParser, data)

    if their_problem or ours.empty:
        assert bool(their_problem) == bool(our_problem)
    elif our_problem:
        assert our_problem in OURS or our_problem.startswith("HTTP version ")
    else:
        assert {name: getattr(theirs, name) for name in READ} == {name: getattr(ours, name) for name in READ}
        assert theirs.body_rcv.__class__ is ours.body_rcv.__class__


@given(requests())
def test_what_was_read_before_changes_nothing(data):
    (first, problem), (second, same_problem) = read(Parser, data), read(Parser, data)

    assert problem == same_problem
    assert [getattr(first, name, None) for name in READ] == [getattr(second, name, None) for name in READ]

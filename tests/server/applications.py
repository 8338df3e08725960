"""The WSGI application that the servers under test serve: one path, one behaviour."""

from __future__ import annotations

import hashlib
import io
import threading

from tests.server.clients import PATIENCE

PATTERN = bytes(range(256)) * 256


class Application:
    """Answers by path; what a test must know or decide is an attribute."""

    def __init__(self):
        self.produced = 0
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.closed = threading.Event()

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read()
        answer = getattr(self, environ["PATH_INFO"].strip("/").replace("-", "_") or "echo")
        return answer(environ, start_response, body)

    def echo(self, environ, start_response, body):
        """Tell what has arrived."""
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"%s %d %s" % (hashlib.sha256(body).hexdigest().encode(), len(body), environ["QUERY_STRING"].encode())]

    def thread(self, _, start_response, _body):
        """Tell where it was answered."""
        start_response("200 OK", [])
        return [str(threading.get_ident()).encode()]

    inline = thread

    def started(self, environ, start_response, _body):
        """Tell when the request began."""
        start_response("200 OK", [])
        return [str(environ["pillion.started"]).encode()]

    def large(self, environ, start_response, _body):
        """Give as many bytes as the query says, and count those that were asked for."""
        size = int(environ["QUERY_STRING"])
        start_response("200 OK", [("Content-Length", str(size))])
        return self._pieces(size)

    inline_large = large

    def chunked(self, environ, start_response, _body):
        start_response("200 OK", [])
        return self._pieces(int(environ["QUERY_STRING"]))

    def file(self, environ, start_response, _body):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(PATTERN * 20))

    def wait(self, _, start_response, _body):
        """Answer when the test opens the gate."""
        self.entered.release()
        self.gate.wait(2 * PATIENCE)  # longer than any test waits for what must not wait for this
        start_response("200 OK", [])
        return [b"waited"]

    def pause(self, environ, start_response, _body):
        """Give as many bytes as the query says, wait for the test to open the gate, and give one more."""
        size = int(environ["QUERY_STRING"])
        start_response("200 OK", [("Content-Length", str(size + 1))])
        yield from self._pieces(size)
        self.gate.wait(PATIENCE)
        yield b"."

    def dated(self, _, start_response, _body):
        start_response("200 OK", [("date", "yesterday")])
        return [b"."]

    def fail(self, _, _start_response, _body):
        raise RuntimeError("the application failed")

    def fail_inline(self, environ, start_response, body):
        return self.fail(environ, start_response, body)

    def fail_halfway(self, _, start_response, _body):
        start_response("200 OK", [])
        yield b"half"
        raise RuntimeError("the application failed halfway")

    def text(self, _, start_response, _body):
        start_response("200 OK", [])
        return ["not bytes"]

    def _pieces(self, left):
        try:
            while left > 0:
                piece = PATTERN[:left]
                left -= len(piece)
                self.produced += len(piece)
                yield piece
        finally:
            self.closed.set()


def echo_of(body, query=""):
    return f"{hashlib.sha256(body).hexdigest()} {len(body)} {query}".encode()

"""
The HTTP face of admission: method, type, size, deadline and status. What is decided comes from reviewers.

``/mutate`` is answered by a plain function, as Flask costs as much as the whole engine; everything else is Flask's.
Every answer but an AdmissionReview is one sentence of plain text, which the API server shows to its user:

    200   the review is answered, whatever was decided
    400   the request is no usable AdmissionReview
    404, 405, 413, 415   it should not have come here, or not like this
    503   our own fault, overload and lack of time included: the webhook's ``failurePolicy`` decides
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs

import orjson
from flask import Flask, Response, request
from structlog.typing import FilteringBoundLogger
from werkzeug.exceptions import HTTPException, NotFound

from injector.core.admission import Answer
from injector.core.errors import OurFault, ReviewError, UnprovenPatch
from injector.shell import logs
from injector.shell.errors import UnknownNamespace
from injector.shell.probes import Phase
from injector.shell.telemetry import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MUTATE = "/mutate"
VALIDATE = "/validate"
FORECAST = "/validate-workloads"

SPARE = 0.1
"""The part of the API server's timeout that is left for the way back."""

Reviewer: TypeAlias = Callable[[bytes, Callable[[], bool]], Answer]
"""From the bytes of a review, and a function that tells whether its time is over, to the answer."""

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_LONGEST = 30.0  # seconds; what Kubernetes allows a webhook
_SECONDS_BETWEEN_MESSAGES = 10.0
_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path and who answers there."""

    path: str
    review: Reviewer
    observe: Callable[[Answer, float], None]
    """Called with each answer and the seconds that it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Under what conditions reviews are answered."""

    timeout: float
    """Seconds for a review whose URL names no timeout."""
    queue: int
    """Reviews that may wait behind one that is answered."""
    body_limit: int
    """Bytes."""
    namespace_wait: float = 0.5
    """Seconds that a review waits at most for its namespace to become known, counted from its first byte."""
    phase: Callable[[], Phase]
    metrics: Metrics
    log: FilteringBoundLogger


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: str
    body: bytes
    kind: str = _TEXT
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def code(self) -> int:
        """The status as a number."""
        return int(self.status[:3])


def build_application(endpoints: Iterable[Endpoint], conditions: Conditions) -> WSGIApplication:
    """Return the application of the HTTPS port; the endpoint ``/mutate`` does without Flask."""
    desks = {endpoint.path: Desk(endpoint, conditions) for endpoint in endpoints}
    hot, others = desks[MUTATE], _build_flask(desks, conditions)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != MUTATE:
            return others(environ, start_response)
        reply = hot.answer(environ)
        start_response(reply.status, [*_headers(reply)])
        return [reply.body]

    return application


class Desk:
    """Answers the requests of one endpoint; it never raises."""

    def __init__(self, endpoint: Endpoint, conditions: Conditions) -> None:
        self._endpoint = endpoint
        self._conditions = conditions
        self._complained = float("-inf")

    def answer(self, environ: Mapping[str, Any]) -> Reply:
        """Answer one request."""
        body = b""
        try:
            reply = _refuse(environ, self._conditions.body_limit)
            if reply is None:
                body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
                reply = self._review(environ, body)
        except ReviewError as error:
            reply = Reply("400 Bad Request", _sentence(str(error)))
            self._log_failure(error, body, 400)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is ours, and the API server needs an answer
            reply = self._unavailable(_excuse(error))
            self._log_failure(error, body, 503)
        self._conditions.metrics.answered(self._endpoint.path, reply.code)
        return reply

    def _review(self, environ: Mapping[str, Any], body: bytes) -> Reply:
        started = environ.get("pillion.started") or time.monotonic()
        end = started + (1 - SPARE) * parse_timeout(environ.get("QUERY_STRING", ""), self._conditions.timeout)

        def expired() -> bool:
            return time.monotonic() > end

        if self._conditions.phase() is Phase.STARTING:
            return self._unavailable("the server is starting")
        if environ.get("pillion.waiting", 0) > self._conditions.queue or expired():
            return self._shed()
        try:
            answer = self._endpoint.review(body, expired)
        except UnknownNamespace as error:
            environ.get("pillion.step_aside", bool)()  # the event loop waits for nobody: go on from here on a thread
            error.wait(max(0.0, min(end, started + self._conditions.namespace_wait) - time.monotonic()))
            answer = self._endpoint.review(body, expired)
        self._endpoint.observe(answer, time.monotonic() - started)
        return Reply("200 OK", answer.body, _JSON)

    def _shed(self) -> Reply:
        self._conditions.metrics.shed()
        now = time.monotonic()
        if now - self._complained > _SECONDS_BETWEEN_MESSAGES:
            self._complained = now
            self._conditions.log.warning("overload", path=self._endpoint.path, queue=self._conditions.queue)
        return self._unavailable("too many reviews are waiting")

    def _unavailable(self, text: str) -> Reply:
        passing = self._conditions.phase() is not Phase.SERVING
        return Reply("503 Service Unavailable", _sentence(text), headers=(("Retry-After", "1"),) if passing else ())

    def _log_failure(self, error: Exception, body: bytes, code: int) -> None:
        log = self._conditions.log.bind(path=self._endpoint.path, code=code, **_subject(body))
        if isinstance(error, ReviewError):
            log.warning("no usable review", error=type(error).__name__)
        else:
            log.error("review failed", **logs.describe(error))


@lru_cache(maxsize=64)
def parse_timeout(query: str, default: float) -> float:
    """Return the seconds of ``timeout=1m30s`` in a query string; raises ReviewError where they are no duration."""
    text = parse_qs(query).get("timeout", [""])[0]
    if not text:
        return default
    parts = _DURATION.findall(text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or not seconds > 0:
        raise ReviewError(f"the URL's timeout is {text[:40]!r}: expected a duration such as '5s'")
    return min(seconds, _LONGEST)


def _refuse(environ: Mapping[str, Any], limit: int) -> Reply | None:
    """Return the answer to a request that cannot hold a review, or None."""
    if environ["REQUEST_METHOD"] != "POST":
        return Reply("405 Method Not Allowed", b"send an AdmissionReview with POST\n", headers=(("Allow", "POST"),))
    kind = environ.get("CONTENT_TYPE", "")
    if kind != _JSON and kind.partition(";")[0].strip().lower() != _JSON:
        return Reply("415 Unsupported Media Type", _sentence(f"the content type is {kind[:80]!r}: expected {_JSON}"))
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isascii() or not length.isdigit() or len(length) > 12:
        return Reply("400 Bad Request", _sentence(f"Content-Length is {length[:40]!r}: expected a number of bytes"))
    if int(length) > limit:
        return Reply("413 Content Too Large", f"the body is larger than {limit} bytes\n".encode())
    return None


def _build_flask(desks: Mapping[str, Desk], conditions: Conditions) -> Flask:
    """Return everything but the hot path; nothing redirects, as the API server does not follow."""
    app = Flask(__name__, static_folder=None, template_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False

    def fail(error: HTTPException) -> Response:
        code = error.code or 500
        conditions.metrics.answered("other", code)
        text = f"there is nothing at this path; there are {', '.join(sorted(desks))}" if code == 404 else error.name
        headers = (("Allow", "POST"),) if code == 405 else ()
        return _to_flask(Reply(f"{code} {error.name}", _sentence(text), headers=headers))

    app.register_error_handler(HTTPException, fail)
    for path, desk in desks.items() - {(MUTATE, desks[MUTATE])}:
        app.add_url_rule(path, path, _view(path, desk), methods=[*_METHODS], provide_automatic_options=False)
    return app


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def _view(path: str, desk: Desk) -> Callable[[], Response]:
    def view() -> Response:
        if request.environ["PATH_INFO"] != path:  # werkzeug makes //validate the same as /validate
            raise NotFound
        return _to_flask(desk.answer(request.environ))

    return view


def _to_flask(reply: Reply) -> Response:
    return Response(reply.body, reply.status, [*_headers(reply)])


def _headers(reply: Reply) -> Iterable[tuple[str, str]]:
    return ("Content-Type", reply.kind), ("Content-Length", str(len(reply.body))), *reply.headers


def _excuse(error: Exception) -> str:
    """Return what may be told of our own fault: an unproven patch quotes the pod, and a bug anything."""
    known = isinstance(error, OurFault) and not isinstance(error, UnprovenPatch)
    return str(error) if known else "internal error; the server's log has the details"


def _sentence(text: str) -> bytes:
    """Return one printable line."""
    line = " ".join(text.split())[:1024]
    printable = "".join(character if character.isprintable() else "?" for character in line)
    return f"{printable}\n".encode(errors="replace")


def _subject(body: bytes) -> dict[str, str]:
    """Return what tells whose review failed, as far as the body can be read."""
    try:
        found = orjson.loads(body)["request"]
        return {key: found[key][:253] for key in ("uid", "namespace", "name") if isinstance(found.get(key), str)}
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}

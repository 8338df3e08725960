"""
Answering one HTTP request, and choosing where: in the event loop or on a thread. No sockets, no deadlines.

Tasks and dispatcher are waitress's. Ours write the head and the first piece of the body as one TLS record, close the
connection while the server drains, and turn every error of the server itself into one sentence of plain text.
"""

from __future__ import annotations

import threading
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from waitress.task import ErrorTask, Task, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import build_http_date

from injector.shell.limits import Limits

if TYPE_CHECKING:
    from injector.shell.channels import Channel


class SteppedAside(BaseException):
    """A request in the event loop has to wait for something: it is answered anew, on a thread. No error of anyone."""


class _ChannelTask(Task):
    """What answers and error answers have in common."""

    def write(self, data: bytes) -> None:
        """Send bytes of the body, the first time together with the head."""
        if not isinstance(data, bytes):
            raise TypeError(f"the application yielded {type(data).__name__}, not bytes")
        self.channel.write_as_one(super().write, data)

    def build_response_header(self) -> bytes:
        """Return the response head, with ``Connection: close`` where no further request is wanted."""
        if self.channel.last_response:
            self.request.headers["CONNECTION"] = "close"
        if not any(name.lower() == "date" for name, _ in self.response_headers):
            self.response_headers.append(("Date", _show_date(int(self.start_time))))
        head: bytes = super().build_response_header()
        return head


@lru_cache(maxsize=1)
def _show_date(seconds: int) -> str:
    return str(build_http_date(seconds))  # waitress would format it for each answer


class ApplicationTask(_ChannelTask, WSGITask):
    """An answer of the WSGI application."""

    def get_environment(self) -> dict[str, Any]:
        """
        Return the WSGI environment.

        ``pillion.started`` is the monotonic time of the request's first byte, ``pillion.waiting`` how many requests
        wait for their turn in the same place after this one. In the event loop there is ``pillion.step_aside``: called
        before the answer begins, it does not return, and the application is called again on a thread.
        """
        environ: dict[str, Any] = super().get_environment()
        environ["wsgi.input"].seek(0)  # the loop may have read it before
        if self.channel.server.task_dispatcher.in_loop():
            environ["pillion.step_aside"] = _step_aside
        environ["pillion.started"] = self.request.started
        environ["PATH_INFO"] = self.request.path  # as asked: waitress makes //mutate the same as /mutate
        environ["pillion.waiting"] = self.channel.server.task_dispatcher.waiting
        return environ


def _step_aside() -> None:
    raise SteppedAside


class RefusalTask(_ChannelTask, ErrorTask):
    """An answer of the server itself: the status and one sentence."""

    def execute(self) -> None:
        """Write the answer and close the connection after it."""
        error = self.request.error
        body = f"{sentence(error.code, str(error.body), self.channel.server.limits)}\n".encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "text/plain; charset=utf-8"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


def sentence(code: int, detail: str, limits: Limits) -> str:
    """Return one printable line for an error of the server itself."""
    match code:
        case 413:
            return f"The body is larger than {limits.body} bytes."
        case 431:
            return f"The request line and header fields are larger than {limits.header} bytes."
        case 500:
            return "Internal error; the server's log has the details."
        case 501:
            return "The transfer coding is not supported; send Content-Length or Transfer-Encoding: chunked."
    printable = "".join(character if character.isprintable() else "?" for character in detail)
    return f"Bad request: {printable[:200]}."


class Dispatcher(ThreadedTaskDispatcher):
    """
    Run requests for chosen paths in the event loop, all others on threads.

    A hand-over to a thread costs as much as a whole admission. What runs in the loop must be bounded, wait for
    nothing, and answer with much less than the high watermark of the output.
    """

    def __init__(self, inline_paths: frozenset[str], threads: int) -> None:
        super().__init__()
        self.inline_paths = inline_paths
        self.inline: deque[Channel] = deque()
        self.loop_thread: int | None = None
        self.set_thread_count(threads)

    def in_loop(self) -> bool:
        """Tell whether this is the thread of the event loop."""
        return threading.get_ident() == self.loop_thread

    def add_task(self, task: Channel) -> None:
        """Queue the channel's next request; its ``requests_lock`` is held, so it cannot be served right here."""
        request = task.requests[0]
        if self.in_loop() and (request.error is not None or request.path in self.inline_paths):
            self.inline.append(task)
        else:
            self._hand_over(task)

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn: in the loop, or for a thread, as does who asks."""
        return len(self.inline) if self.in_loop() else len(self.queue)

    def run_inline(self) -> None:
        """Serve what the event loop has queued for itself."""
        while self.inline:
            channel = self.inline.popleft()
            try:
                channel.service()
            except SteppedAside:
                self._hand_over(channel)
            except Exception:  # noqa: BLE001 - as the loop does with what a channel raises: it costs that one only
                channel.handle_error()

    def _hand_over(self, task: Channel) -> None:
        with self.lock:
            self.queue.append(task)
            self.queue_cv.notify()

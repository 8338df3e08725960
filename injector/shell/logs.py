"""
Log lines: one JSON object each, or one coloured line for people. What libraries log by ``logging`` joins them.

Nothing of a pod but its name may reach a line, so an exception is told by its class and its frames: its message may
quote what it choked on. A line that cannot be written is lost; it never fails a request.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable
from functools import lru_cache
from typing import Any, BinaryIO

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Writer:
    """Writes a line to a stream at once, in one piece."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: bytes | str) -> None:
        """Write one line, or lose it."""
        data = line if isinstance(line, bytes) else line.encode(errors="replace")
        try:
            self._stream.write(data + b"\n")
            self._stream.flush()
        except (OSError, ValueError):  # nobody reads any more
            return

    debug = info = warning = error = critical = write


def build_logger(level: str, form: str, stream: BinaryIO) -> FilteringBoundLogger:
    """
    Return a logger that writes lines of at least this level to the stream; ``form`` is ``json`` or ``console``.

    A line with many fields gives them as one, ``fields``: structlog hands keywords on three times, each time anew.
    """
    processors: list[Processor] = [_spread, structlog.processors.add_log_level, _add_time, _renderer(form, stream)]
    logger: FilteringBoundLogger = structlog.wrap_logger(
        Writer(stream),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
    ).bind()
    return logger


def adopt(logger: FilteringBoundLogger, level: str) -> Callable[[], None]:
    """Send what libraries log the same way; return a function that ends it."""
    root, handler = logging.getLogger(), _Forwarder(logger)
    before = root.level
    root.addHandler(handler)
    root.setLevel(LEVELS[level])
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a line for each request that waits

    def end() -> None:
        root.removeHandler(handler)
        root.setLevel(before)

    return end


def describe(error: BaseException) -> dict[str, str]:
    """Return an exception's class and where it came from, without its message."""
    return {"error": type(error).__name__, "traceback": "".join(traceback.format_tb(error.__traceback__)).rstrip()}


class _Forwarder(logging.Handler):
    """Hands records of ``logging`` on."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        error = record.exc_info[1] if record.exc_info else None
        details: dict[str, Any] = describe(error) if error else {}
        self._logger.log(record.levelno, record.getMessage(), logger=record.name, **details)


def _renderer(form: str, stream: BinaryIO) -> Processor:
    if form == "json":
        return _to_json
    return structlog.dev.ConsoleRenderer(colors=stream.isatty() and sys.platform != "win32", sort_keys=False)


def _spread(_: WrappedLogger, _level: str, line: EventDict) -> EventDict:
    return {**line.pop("fields"), **line} if "fields" in line else line


def _add_time(_: WrappedLogger, _level: str, line: EventDict) -> EventDict:
    """Add the time in UTC, as structlog's ``TimeStamper`` would, which costs as much as all the rest of a line."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    line["time"] = f"{_show_second(seconds)}.{nanoseconds // 1000:06}Z"
    return line


@lru_cache(maxsize=1)
def _show_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _to_json(_: WrappedLogger, _level: str, line: EventDict) -> bytes:
    try:
        return orjson.dumps(line, default=repr)
    except TypeError:  # half a surrogate pair, as in the name of a file that is no UTF-8
        return json.dumps(line, default=repr).encode()

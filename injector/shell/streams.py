"""An answer of an API server that never ends by itself: its lines as they arrive, until it is interrupted or silent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Self

import urllib3

from injector.shell import clusters
from injector.shell.clusters import Cluster
from injector.shell.errors import ClusterError

_CHUNK = 64 << 10


class Stream:
    """A watch's answer; close it."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response

    def lines(self) -> Iterator[bytes]:
        """Yield each line, an unfinished last one included; raises ClusterError if the connection is lost or silent."""
        rest = b""
        for chunk in self._chunks():
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def interrupt(self) -> None:
        """Have whoever reads get an error or the end at once; from any thread."""
        with suppress(OSError, RuntimeError, ValueError):  # it has ended already
            self._response.shutdown()

    def close(self) -> None:
        """Hang up, unless all was read."""
        self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _chunks(self) -> Iterator[bytes]:
        try:
            yield from self._response.stream(_CHUNK, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterError(0, "NoAnswer", f"the connection to the API server is lost: {error}") from error


def open_stream(cluster: Cluster, path: str, query: Mapping[str, str], silence: float) -> Stream:
    """Ask, and count *silence* seconds without a byte as the end; raises ClusterError, also for a refusal."""
    response = cluster.open("GET", path, query=query, read_timeout=silence, preload=False)
    if response.status == 200:
        return Stream(response)
    with Stream(response):
        raise clusters.refusal(response)

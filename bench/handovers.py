"""
The real server, but as waitress is meant: every review is handed over to a thread. All else is the product's.

    python -m bench.handovers serve …                    with the flags of ``pillion serve``
"""

from __future__ import annotations

from functools import partial
from typing import Any

from injector.cli.main import main
from injector.shell import servers
from injector.shell.servers import HttpsServer


def hand_over() -> None:
    """Have servers that are built from now on answer nothing in their event loop."""
    servers.build_https = partial(_build, servers.build_https)


def _build(build: Any, *arguments: Any, inline_paths: frozenset[str], **keywords: Any) -> HttpsServer:
    """Build a server, its ``inline_paths`` forgotten."""
    del inline_paths
    server: HttpsServer = build(*arguments, **keywords)
    return server


if __name__ == "__main__":
    hand_over()
    main()

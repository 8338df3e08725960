"""
The admission server of kopf with the tutorial's template, without an operator around it and without a cluster.

    python -m bench.kopfs CERTIFICATE KEY                in an environment with requirements/bench.txt

What kopf would have found out from a cluster, that there are pods, it is told; all else is its own.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
from functools import partial
from pathlib import Path
from typing import Any

import kopf
from kopf._cogs.structs.references import Insights, Resource
from kopf._core.engines.admission import serve_admission_request
from kopf._core.engines.indexing import OperatorIndexers
from kopf._core.intents.registries import OperatorRegistry
from kopf._core.reactor.inventory import ResourceMemories

from bench import tutorials

_PODS = Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True, preferred=True)


def register() -> OperatorRegistry:
    """Return a registry with the one handler."""
    registry = OperatorRegistry()

    @kopf.on.mutate("pods", id="mutate", registry=registry)  # the id is the path
    def inject(*, patch: kopf.Patch, namespace: str | None, **_: Any) -> None:
        patch.fns.append(partial(_inject, namespace or "default"))

    return registry


def _inject(namespace: str, pod: Any) -> None:
    pod.update(tutorials.inject(pod, namespace))


async def serve(certificate: Path, key: Path) -> None:
    """Serve until cancelled, after one line with the port."""
    insights = Insights()
    insights.webhook_resources.add(_PODS)
    memory: Any = kopf.Memo()
    review = partial(
        serve_admission_request,
        settings=kopf.OperatorSettings(),
        memories=ResourceMemories(),
        memobase=memory,
        registry=register(),
        insights=insights,
        indices=OperatorIndexers().indices,
    )
    port = _free_port()
    server = kopf.WebhookServer(addr="localhost", port=port, certfile=certificate, pkeyfile=key, cafile=certificate)
    async with server:
        async for _ in server(review):
            print(f'{{"event": "listening", "port": {port}}}', flush=True)


def _free_port() -> int:
    with socket.create_server(("localhost", 0)) as sock:
        return int(sock.getsockname()[1])


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("certificate", type=Path)
    parser.add_argument("key", type=Path)
    given = parser.parse_args()
    kopf.configure(verbose=False)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    asyncio.run(serve(given.certificate, given.key))


if __name__ == "__main__":
    main()

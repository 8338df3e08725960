"""A process that answers reviews, a line of JSON each: ``python -m tests.laws.echo``, for the law of purity."""

from __future__ import annotations

import sys

import orjson

from injector.core.model import Namespace, Policy
from tests import calls, strategies
from tests.strategies import Situation


def question(situation: Situation) -> bytes:
    """Everything that an answer depends on."""
    return orjson.dumps({
        "pod": situation.pod,
        "configmaps": [item.configmap for item in situation.written],
        "namespace": situation.namespace,
        "policy": {"native_sidecars": situation.policy.native_sidecars, "parameters": situation.policy.parameters},
    })  # fmt: skip


def answer(line: bytes) -> bytes:
    asked = orjson.loads(line)
    policy = Policy(**asked["policy"])
    catalog = strategies.catalog_of(asked["configmaps"], policy)
    return calls.send(asked["pod"], Namespace(**asked["namespace"]), catalog, policy).answer.body


if __name__ == "__main__":
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(answer(line) + b"\n")
        sys.stdout.buffer.flush()

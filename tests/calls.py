"""One pod through the engine as the API server sees it: bytes in, bytes out."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonpatch
import orjson

from injector.core import admission
from injector.core.admission import Answer
from injector.core.model import Namespace, Object, Policy, Verdict
from injector.core.selection import Catalog


@dataclass(frozen=True)
class Reply:
    """What came back for one pod."""

    answer: Answer
    received: Object
    """The pod, decoded anew from the bytes that were sent."""
    response: Object

    @property
    def verdict(self) -> Verdict:
        return self.answer.verdict

    @cached_property
    def patch(self) -> list[Object]:
        return orjson.loads(base64.b64decode(self.response["patch"])) if "patch" in self.response else []

    @cached_property
    def result(self) -> Object:
        """The pod with the patch applied by the library, as the API server would apply it."""
        return jsonpatch.apply_patch(self.received, self.patch)

    @property
    def denial(self) -> str:
        return self.response.get("status", {}).get("message", "")

    @property
    def warnings(self) -> list[str]:
        return self.response.get("warnings", [])


def body_of(pod: Object, namespace: str) -> bytes:
    """The review of a pod that is created."""
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    request: dict[str, Any] = {"uid": "0001", "kind": kind, "operation": "CREATE", "namespace": namespace}
    request |= {"userInfo": {"username": "ci"}, "object": pod}
    return orjson.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})


def send(pod: Object, namespace: Namespace, catalog: Catalog, policy: Policy) -> Reply:
    body = body_of(pod, namespace.name)
    answer = admission.answer(body, lambda _: namespace, catalog, policy, lambda: False)
    return Reply(answer, orjson.loads(body)["request"]["object"], orjson.loads(answer.body)["response"])

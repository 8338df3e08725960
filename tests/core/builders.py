"""Templates, pods and verdicts for the tests of the core, from as few words as possible."""

from __future__ import annotations

from typing import Any

from injector.core import templates
from injector.core.model import Namespace, Object, Policy, Template
from injector.core.selection import Catalog
from tests import calls
from tests.calls import Reply

POLICY = Policy()
OPTED_IN = Namespace(name="shop", labels={"pillion.dev/injection": "enabled"})


def configmap(name: str, data: Object, *, namespace: str = "pillion-system", **settings: str) -> Object:
    """A template as its author writes it; ``on_error="skip"`` is the annotation ``pillion.dev/on-error``."""
    annotations = {f"pillion.dev/{key.replace('_', '-')}": text for key, text in settings.items()}
    return {"metadata": {"name": name, "namespace": namespace, "annotations": annotations}, "data": data}


def template(name: str = "tool", data: Object | None = None, *, policy: Policy = POLICY, **settings: Any) -> Template:
    return templates.parse(configmap(name, data or {"labels": "team: core\n"}, **settings), policy)


def catalog(*stored: Any) -> Catalog:
    return Catalog({item.reference: item for item in stored})


def pod(*, labels: Object | None = None, annotations: Object | None = None, **spec: Any) -> Object:
    metadata = {"name": "web", "labels": labels or {}, "annotations": annotations or {}}
    containers = [{"name": "web", "image": "shop/web:1.4"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers, **spec}}


def send(sent: Object, *stored: Any, namespace: Namespace = OPTED_IN, policy: Policy = POLICY) -> Reply:
    return calls.send(sent, namespace, catalog(*stored), policy)

"""
Templates from a cluster: the labelled ConfigMaps of the release namespace, and all Namespaces, watched.

What is broken is quarantined, what is deleted stops at once, and while the API server is away all stays as it was.
Texts are compiled in a thread of their own: whoever waits for a new namespace does not wait for them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from injector.core.model import Namespace, Object, Policy
from injector.shell.clusters import Cluster
from injector.shell.errors import UnknownNamespace
from injector.shell.shelves import Shelf
from injector.shell.snapshots import Display, Snapshot
from injector.shell.watches import Collection, Timing, Watch

log = logging.getLogger("pillion.templates")

_RETRY_SECONDS = 5.0  # after which what could not be checked for a reason of ours is tried again
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # all of the object once more


class KubernetesStore:
    """The templates of a cluster."""

    def __init__(
        self,
        cluster: Cluster,
        policy: Policy,
        *,
        check: Callable[[Object], None] = lambda configmap: None,  # noqa: ARG005
        on_change: Callable[[Snapshot], None] = lambda snapshot: None,  # noqa: ARG005
        timing: Timing | None = None,
    ) -> None:
        """*check* and *on_change* are as for DirectoryStore."""
        self._shelf = Shelf(policy, check)
        self._display = Display(on_change)
        self._changed = threading.Event()
        self._stopped = threading.Event()
        self._arranged: Mapping[str, Object] | None = None
        self._then: Callable[[], None] | None = None
        watch = partial(Watch, cluster, on_change=self._changed.set, timing=timing)
        self._configmaps = watch(configmaps(policy))
        self._namespaces = watch(NAMESPACES)
        self._thread = threading.Thread(target=self._run, name="templates", daemon=True)

    @property
    def sources(self) -> Sequence[Watch]:
        """The two collections that are watched."""
        return self._configmaps, self._namespaces

    def begin(self, then: Callable[[], None]) -> None:
        """Watch, and call *then* in another thread as soon as both collections are known and compiled."""
        self._then = then
        for watch in self.sources:
            watch.start()
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        for watch in self.sources:
            watch.stop()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Try again what could not be compiled for a reason of ours; of changes the API server tells by itself."""
        self._changed.set()

    def snapshot(self) -> Snapshot:
        """Return what is in force now."""
        return self._display.snapshot

    def find_namespace(self, name: str) -> Namespace:
        """Return a namespace of the cluster; raises UnknownNamespace."""
        found = self._namespaces.view.get(name)
        if found is None:
            raise UnknownNamespace(name, partial(self._namespaces.wait_for, name))
        return Namespace(name=name, **found)

    def stuck(self) -> str:
        """Say which thread has ended by itself, or nothing."""
        for watch in self.sources:
            if watch.died:
                return f"the watch of {watch.name} has ended"
        ended = self._thread.ident is not None and not self._thread.is_alive() and not self._stopped.is_set()
        return "the thread that compiles templates has ended" if ended else ""

    def _run(self) -> None:
        while not self._stopped.is_set():
            done = self._try_to_arrange()
            self._changed.wait(None if done else _RETRY_SECONDS)
            self._changed.clear()

    def _try_to_arrange(self) -> bool:
        """Return whether nothing is left to be tried again."""
        try:
            self._arrange()
        except Exception:  # a bug, which must not end the thread: what is in force stays
            log.exception("taking up the templates of the cluster failed")
            return False
        return not self._shelf.needs_retry

    def _arrange(self) -> None:
        """Put in force what is known of the ConfigMaps, and say when all is known."""
        if not self._configmaps.listed:
            return
        view = self._configmaps.view
        if view is not self._arranged or self._shelf.needs_retry:
            self._display.replace(self._shelf.arrange_configmaps(view[key] for key in sorted(view)))
            self._arranged = view
        if self._then and self._namespaces.listed:
            then, self._then = self._then, None
            then()


def configmaps(policy: Policy) -> Collection:
    """The template ConfigMaps of the release namespace."""
    return Collection(
        name="configmaps",
        path=f"/api/v1/namespaces/{policy.release_namespace}/configmaps",
        selector=f"{policy.domain.template_label}=true",
        trim=_trim_configmap,
    )


def _trim_configmap(found: Object) -> Object:
    metadata = found["metadata"]
    annotations = {key: text for key, text in _texts(metadata, "annotations").items() if key != _LAST_APPLIED}
    kept = {key: metadata[key] for key in ("name", "namespace")}
    metadata = {**kept, "labels": _texts(metadata, "labels"), "annotations": annotations}
    bodies = {key: found[key] for key in ("data", "binaryData") if key in found}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata} | bodies


def _trim_namespace(found: Object) -> Object:
    return {key: _texts(found["metadata"], key) for key in ("labels", "annotations")}


def _texts(metadata: Object, key: str) -> dict[str, str]:
    found: dict[str, str] | None = metadata.get(key)
    return found or {}


NAMESPACES = Collection(name="namespaces", path="/api/v1/namespaces", trim=_trim_namespace)

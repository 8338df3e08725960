"""
The ``caBundle`` of every webhook entry that calls our Service, and of no other.

Each patch tests the version that was read, so that no other's change is lost, and each name, so that no entry is taken
for another. The field may be absent: it is added, which replaces as well.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any

from injector.shell.certs import bundles, calls
from injector.shell.certs.bundles import Authorities
from injector.shell.certs.calls import CONFLICT, INVALID, MISSING
from injector.shell.certs.faults import Permanent, Transient
from injector.shell.certs.options import Options
from injector.shell.certs.steps import Call, Kind, Pause, Plan, Tell
from injector.shell.clusters import Object
from injector.shell.errors import ClusterError

_TRIES = 5
_LOOK = 2.0  # seconds between looks for what is still to come


def read(options: Options) -> Plan[tuple[Object, ...]]:
    """Return those of the webhook configurations that exist."""
    found = []
    for kind, name in options.webhooks:
        config = yield from calls.find(kind, name, rights_wait=options.rights_wait)
        found += [config] if config else []
    return tuple(found)


def published(configs: tuple[Object, ...], options: Options) -> Authorities:
    """Return all authorities that any of our entries trusts."""
    return bundles.unite(*(trusted(entry) for config in configs for _, entry in owned(config, options)))


def owned(config: Object, options: Options) -> Iterator[tuple[int, Object]]:
    """Yield the entries that call our Service, with their places."""
    for place, entry in enumerate(config.get("webhooks") or ()):
        service = entry["clientConfig"].get("service") or {}
        if (service.get("name"), service.get("namespace")) == (options.service, options.namespace):
            yield place, entry


def trusted(entry: Object) -> Authorities:
    """Return the authorities of one entry."""
    try:
        return bundles.read(base64.b64decode(entry["clientConfig"].get("caBundle") or ""))
    except (binascii.Error, ValueError):
        return ()


def widen(options: Options, authorities: Authorities) -> Plan[bool]:
    """Let every entry trust these, too; what it trusts stays. Return whether anything changed."""
    return (yield from _publish(options, lambda before: bundles.unite(authorities, before)))


def inject(options: Options, authorities: Authorities) -> Plan[bool]:
    """Let every entry trust these and no other. Return whether anything changed."""
    return (yield from _publish(options, lambda _: authorities))


def missing(options: Options, authorities: Authorities) -> Plan[tuple[str, ...]]:
    """Return the names of the entries that trust none of these."""
    configs = yield from read(options)
    entries = [entry for config in configs for _, entry in owned(config, options)]
    return tuple(entry["name"] for entry in entries if not set(trusted(entry)) & set(authorities))


def _publish(options: Options, decide: Callable[[Authorities], Authorities]) -> Plan[bool]:
    changed = False
    for kind, name in options.webhooks:
        changed |= yield from _publish_in(kind, name, options, decide)
    return changed


def _publish_in(kind: Kind, name: str, options: Options, decide: Callable[[Authorities], Authorities]) -> Plan[bool]:
    refusal: ClusterError | None = None
    for turn in range(_TRIES + 1):
        config = yield from _await(kind, name, options)
        if config is None:
            return bool(turn)
        operations = _operations(config, options, decide)
        if not operations:
            return bool(turn)
        try:
            call = Call(verb="patch", kind=kind, name=name, body=operations)
            yield from calls.send(call, rights_wait=options.rights_wait, answers={MISSING, CONFLICT, INVALID})
            yield Tell("info", f"{kind.plural} {name!r} has a new caBundle")
        except ClusterError as error:
            refusal = error
    if refusal and refusal.status == INVALID:
        raise Permanent(f"{kind.plural} {name!r} takes no caBundle: {calls.error_text(refusal)}")
    raise Transient(f"{kind.plural} {name!r} is changed by another again and again: find who writes its caBundle")


def _await(kind: Kind, name: str, options: Options) -> Plan[Object | None]:
    """Return the configuration; if it must be there it is waited for, until the deadline."""
    while True:
        config = yield from calls.find(kind, name, rights_wait=options.rights_wait)
        if config is not None:
            if not any(owned(config, options)):
                raise Permanent(
                    f"{kind.plural} {name!r} has no webhook that calls Service {options.service!r} in"
                    f" {options.namespace!r}: check --service and --namespace"
                )
            return config
        if not options.require_webhooks:
            yield Tell("info", f"{kind.plural} {name!r} does not exist yet; run again once it does")
            return None
        yield Pause(_LOOK)


def _operations(config: Object, options: Options, decide: Callable[[Authorities], Authorities]) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = []
    for place, entry in owned(config, options):
        before = trusted(entry)
        wanted = decide(before)
        if set(before) != set(wanted):
            path = f"/webhooks/{place}"
            bundle = base64.b64encode(bundles.write(wanted)).decode()
            changes += [
                {"op": "test", "path": f"{path}/name", "value": entry["name"]},
                {"op": "add", "path": f"{path}/clientConfig/caBundle", "value": bundle},
            ]
    if not changes:
        return []
    version = config["metadata"]["resourceVersion"]
    return [{"op": "test", "path": "/metadata/resourceVersion", "value": version}, *changes]

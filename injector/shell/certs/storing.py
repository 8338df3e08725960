"""
A new pair, so that no moment is without trust: first whom to trust is written and published, then the pair is stored.

Whatever is left by a run that ends in between trusts too much, never too little.
"""

from __future__ import annotations

from dataclasses import replace

from injector.shell.certs import bundles, calls, records, webhooks
from injector.shell.certs.bundles import Authorities
from injector.shell.certs.calls import CONFLICT, MISSING
from injector.shell.certs.faults import Overtaken, Transient
from injector.shell.certs.options import Options
from injector.shell.certs.proofs import Proven
from injector.shell.certs.records import Maker, Stored
from injector.shell.certs.steps import Call, Pause, Plan, Tell
from injector.shell.clusters import Object
from injector.shell.errors import ClusterError


def store(
    options: Options, before: Stored | None, trusted: Authorities, proven: Proven, maker: Maker, now: float
) -> Plan[Stored]:
    """Publish the authority, then store the pair; raises Overtaken if the Secret changed meanwhile."""
    old = before.authorities if before else ()
    authorities = bundles.unite(proven.anchors, bundles.living(bundles.unite(old, trusted), now))
    if before and before.typed and set(authorities) != set(old):
        before = yield from announce(options, before, authorities)
    yield from _publish(options, authorities, proven.anchors, serving=bool(old or trusted))
    secret = records.build(options, proven, maker, authorities, before)
    written = yield from _write(options, before, secret)
    yield Tell("info", f"Secret {options.secret!r} has a new pair, mode {maker.mode}, until {_end(secret, options)}")
    return records.read(written, options)


def announce(options: Options, before: Stored, authorities: Authorities) -> Plan[Stored]:
    """Write other authorities to the Secret, before they are published: any run publishes what stands there."""
    wider = records.with_authorities(before.secret, authorities)
    return records.read((yield from _update(options, wider)), options)


def _publish(options: Options, authorities: Authorities, anchors: Authorities, *, serving: bool) -> Plan[None]:
    options_now = _without_waiting(options)
    changed = yield from webhooks.widen(options_now, authorities)
    if changed and serving:
        yield Pause(options.settle)
        blind = yield from webhooks.missing(options_now, anchors)
        if blind:
            raise Transient(f"webhook {blind[0]!r} lost the new authority: find who else writes its caBundle")


def _without_waiting(options: Options) -> Options:
    """Return options with which a webhook configuration that is not there is not waited for: nothing calls us then."""
    return replace(options, require_webhooks=False)


def _write(options: Options, before: Stored | None, secret: Object) -> Plan[Object]:
    if before and before.typed:
        return (yield from _update(options, secret))
    if before:  # a Secret's type cannot be changed
        yield from calls.remove(options.secrets, before.secret, rights_wait=options.rights_wait)
    call = Call(verb="create", kind=options.secrets, body=secret)
    try:
        return (yield from calls.send(call, rights_wait=options.rights_wait, answers={CONFLICT}))
    except ClusterError as error:
        raise Overtaken(f"another made Secret {options.secret!r} meanwhile") from error


def _update(options: Options, secret: Object) -> Plan[Object]:
    call = Call(verb="update", kind=options.secrets, name=options.secret, body=secret)
    try:
        return (yield from calls.send(call, rights_wait=options.rights_wait, answers={CONFLICT, MISSING}))
    except ClusterError as error:
        raise Overtaken(f"another changed Secret {options.secret!r} meanwhile") from error


def _end(secret: Object, options: Options) -> str:
    end: str = secret["metadata"]["annotations"][f"{options.domain}/certs-not-after"]
    return end

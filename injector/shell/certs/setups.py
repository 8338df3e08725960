"""
The whole way, the same for installation, upgrade and renewal; whatever is already done is not done again.

    inspect ─► judge ─┬─ good ────────────────────────────────────► publish ─► probe
                      └─ issue ─► prove ─► announce ─► store ───────┘
                           └─ not issued, not proven: self-signed, on record
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from injector.shell.certs import (
    bundles,
    calls,
    judging,
    minting,
    proofs,
    records,
    requests,
    storing,
    watching,
    webhooks,
)
from injector.shell.certs.bundles import Authorities
from injector.shell.certs.calls import MISSING
from injector.shell.certs.faults import Fault, Overtaken, Permanent, Stopped, Transient, Unfit, Unissued
from injector.shell.certs.judging import Verdict
from injector.shell.certs.minting import Key
from injector.shell.certs.options import Mode, Options
from injector.shell.certs.proofs import Pair, Proven
from injector.shell.certs.records import Maker, Stored
from injector.shell.certs.steps import Call, Knock, Now, Pause, Plan, Tell, config_maps_of, events_of
from injector.shell.clusters import Object
from injector.shell.errors import ClusterError

_TRIES = 4
_DAY = 86_400
_SHORT = 30  # days of a life that is worth a warning


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did, for its last line."""

    sentence: str


def set_up(options: Options) -> Plan[Outcome]:
    """Bring the pair and its trust to where they should be; raises Transient or Permanent."""
    if options.mode in (Mode.CERT_MANAGER, Mode.PROVIDED):
        return Outcome((yield from watching.wait(options)))
    for turn in range(_TRIES):
        try:
            return (yield from _go(options))
        except Overtaken as error:
            yield Tell("info", f"{error}: looking again")
            yield Pause(0.2 * (turn + 1))
    raise Transient(f"Secret {options.secret!r} is changed by another again and again: let one run at a time")


def _go(options: Options) -> Plan[Outcome]:
    stored = yield from _inspect(options)
    trusted = webhooks.published((yield from webhooks.read(options)), options)
    now: float = yield Now()
    verdict = judging.judge(stored, options, now)
    if verdict.issue:
        yield Tell("info", f"a new pair is made: {verdict.issue}")
        proven, maker = yield from _issue(options, now)
        stored = yield from storing.store(options, stored, trusted, proven, maker, now)
    else:
        stored = yield from _tidy(options, stored, verdict, now)
    yield from _publish(options, stored, now)
    if options.requests_certificates:
        yield from requests.sweep(options)
    yield from _probe(options, stored)
    what = "a new pair is stored and published" if verdict.issue else "the pair stays and is published"
    return Outcome(f"{what}: {_describe(stored, options)}")


def _inspect(options: Options) -> Plan[Stored | None]:
    secret = yield from calls.find(options.secrets, options.secret, rights_wait=options.rights_wait)
    if secret is None:
        return None
    stored = records.read(secret, options)
    if not stored.ours:
        raise Permanent(
            f"refusing to overwrite Secret {options.secret!r} in {options.namespace!r}: it lacks our label"
            f" {options.domain}/managed-by=certs; delete it, or name another with --secret"
        )
    return stored


def _issue(options: Options, now: float) -> Plan[tuple[Proven, Maker]]:
    key = minting.make_key(options.key)
    if not options.requests_certificates:
        rotated = options.mode is Mode.CSR
        cause = "renewed without a request, as the right to approve is not left standing; the next setup asks again"
        maker = Maker(mode=Mode.SELF_SIGNED, signer=options.signer, reason="rotation", cause=cause)
        return _sign_own(options, key, now), maker if rotated else Maker(mode=Mode.SELF_SIGNED)
    try:
        chain = yield from requests.issue(options, key)
        proven = yield from _prove(options, Pair(chain, minting.write_key(key)))
    except (Unissued, Unfit) as error:
        cause = str(error)
        yield from _fall_back(options, cause)
        maker = Maker(mode=Mode.SELF_SIGNED, signer=options.signer, reason="fallback", cause=cause)
        return _sign_own(options, key, (yield Now())), maker
    return proven, Maker(mode=Mode.CSR, signer=options.signer)


def _sign_own(options: Options, key: Key, now: float) -> Proven:
    chain, authority = minting.sign_own(key, options, now)
    return proofs.prove(Pair(chain, minting.write_key(key)), (authority,), options.host, now)


def _prove(options: Options, pair: Pair) -> Plan[Proven]:
    """Return the proof with the one authority to publish; raises Unfit if nobody known vouches for the certificate."""
    candidates = bundles.unite((yield from _candidates(options)), bundles.read(pair.chain)[1:])
    now: float = yield Now()
    try:
        proven = proofs.prove(pair, candidates, options.host, now)
    except Unfit as error:
        raise Unfit(f"signer {options.signer!r} issued what the API server would refuse: {error}") from error
    days = (proven.leaf.not_valid_after_utc.timestamp() - now) / _DAY
    if days < options.minimum_days:
        raise Unfit(f"signer {options.signer!r} issued for {days:.1f} days only, less than {options.minimum_days}")
    if days < _SHORT:
        yield Tell("warning", f"signer {options.signer!r} issues for {days:.0f} days only: see that renewals run daily")
    end = proven.leaf.not_valid_after_utc
    lasting = [anchor for anchor in proven.anchors if anchor.not_valid_after_utc >= end]
    if not lasting:
        raise Unfit(
            f"signer {options.signer!r} issued for longer than its authority lives, until {proofs.day(proven.leaf)}"
        )
    return replace(proven, anchors=(lasting[0],))


def _candidates(options: Options) -> Plan[Authorities]:
    """Return who may have signed: what was given, else what the cluster tells everybody. None of it is believed yet."""
    given = bundles.unite(*(bundles.read(text) for text in options.authorities))
    if given:
        return given
    call = Call(verb="get", kind=config_maps_of(options.namespace), name="kube-root-ca.crt")
    try:
        told: Object = yield from calls.send(call, rights_wait=0, answers={MISSING})
    except (ClusterError, Permanent):
        return ()
    return bundles.read((told.get("data") or {}).get("ca.crt", ""))


def _fall_back(options: Options, cause: str) -> Plan[None]:
    if options.fallback is None:
        raise Permanent(f"{cause}; nothing was written (--fallback self-signed would go on without the signer)")
    yield Tell("warning", f"falling back to a self-signed certificate: {cause}")
    event = Call(verb="create", kind=events_of(options.namespace), body=_event(options, cause, (yield Now())))
    try:
        yield from calls.send(event, rights_wait=0)
    except Stopped:
        raise
    except Fault as error:
        yield Tell("warning", f"the fallback is not on record as an Event: {error}")


def _event(options: Options, cause: str, now: float) -> Object:
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{options.secret}-", "namespace": options.namespace},
        "involvedObject": {
            "apiVersion": "v1", "kind": "Secret", "name": options.secret, "namespace": options.namespace,
        },
        "type": "Warning",
        "reason": "CertificateFallback",
        "message": f"self-signed instead of {options.mode}: {cause}"[:1024],
        "source": {"component": "pillion-certs"},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }  # fmt: skip


def _tidy(options: Options, stored: Stored | None, verdict: Verdict, now: float) -> Plan[Stored]:
    """Drop the authorities that are of no more use, now that the pair is good."""
    if stored is None or verdict.proven is None:  # a verdict without an issue has both
        raise Overtaken("the Secret is gone")
    kept = bundles.prune(bundles.living(stored.authorities, now), stored.used, verdict.proven.anchors)
    if set(kept) == set(stored.authorities):
        return stored
    return (yield from storing.announce(options, stored, kept))


def _publish(options: Options, stored: Stored, now: float) -> Plan[None]:
    """Let the webhooks trust what the Secret says; if the Secret changed meanwhile, say so."""
    changed = yield from webhooks.inject(options, bundles.living(stored.authorities, now))
    if not changed:
        return
    after = yield from calls.find(options.secrets, options.secret, rights_wait=options.rights_wait)
    if not after or after["metadata"]["resourceVersion"] != stored.secret["metadata"]["resourceVersion"]:
        raise Overtaken(f"another changed Secret {options.secret!r} while its authorities were published")


def _probe(options: Options, stored: Stored) -> Plan[None]:
    if not options.probe:
        return
    bundle, waited, problem = bundles.write(stored.authorities).decode(), 0.0, ""
    while True:
        problem = yield Knock(options.probe, options.host, bundle)
        if not problem or waited >= options.probe_timeout:
            break
        yield Pause(2.0)
        waited += 2.0
    if problem and options.probe_strict:
        raise Transient(f"{options.probe} does not serve the pair: {problem}")
    yield Tell("warning" if problem else "info", f"{options.probe}: {problem or 'serves what the webhooks trust'}")


def _describe(stored: Stored, options: Options) -> str:
    leaf = bundles.read(stored.pair.chain)[0]
    why = f" ({stored.reason})" if stored.reason else ""
    return f"Secret {options.secret!r}, {stored.mode}{why}, until {proofs.day(leaf)}"

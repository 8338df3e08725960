"""What there is: the pair, its story, its end, and whether every webhook entry trusts it. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from injector.shell.certs import bundles, calls, judging, proofs, records, webhooks
from injector.shell.certs.bundles import Authorities
from injector.shell.certs.faults import Unfit
from injector.shell.certs.options import Mode, Options
from injector.shell.certs.records import Stored
from injector.shell.certs.steps import Kind, Now, Plan
from injector.shell.clusters import Object


@dataclass(frozen=True, slots=True)
class Status:
    """All that there is to say."""

    facts: dict[str, str]
    """By name, for people and machines."""
    webhooks: dict[str, str]
    """By entry: ``trusts the pair``, or what is wrong."""
    findings: tuple[str, ...]
    """What somebody should look at."""


def look(options: Options) -> Plan[Status]:
    """Return the state of pair and trust."""
    secret = yield from calls.find(options.secrets, options.secret, rights_wait=options.rights_wait)
    configs = yield from webhooks.read(options)
    now: float = yield Now()
    absent = tuple(f"{kind.plural} {name!r} does not exist" for kind, name in _absent(options, configs))
    if secret is None:
        return Status({}, {}, (f"there is no Secret {options.secret!r} in {options.namespace!r}", *absent))
    stored = records.read(secret, options)
    entries = {entry["name"]: entry for config in configs for _, entry in webhooks.owned(config, options)}
    trusts = {name: _trust(stored, webhooks.trusted(entry), options, now) for name, entry in entries.items()}
    known = stored.authorities or webhooks.published(configs, options)
    distrust = tuple(f"webhook {name!r} {problem}" for name, problem in trusts.items() if problem)
    findings = (*_pair_findings(stored, known, options, now), *distrust, *absent)
    return Status(
        _facts(stored, options), {name: problem or "trusts the pair" for name, problem in trusts.items()}, findings
    )


def _absent(options: Options, configs: tuple[Object, ...]) -> Iterator[tuple[Kind, str]]:
    there = {(config["kind"].lower() + "s", config["metadata"]["name"]) for config in configs if "kind" in config}
    for kind, name in options.webhooks:
        if (kind.plural, name) not in there:
            yield kind, name


def _facts(stored: Stored, options: Options) -> dict[str, str]:
    facts = {"secret": f"{options.namespace}/{options.secret}", "mode": stored.mode or "made by another"}
    if stored.signer:
        facts["signer"] = stored.signer
    if stored.reason:
        facts[stored.reason] = stored.cause
    chain = bundles.read(stored.pair.chain)
    if chain:
        facts |= _dates(chain[0], renewed=stored.ours)
    for number, authority in enumerate(stored.authorities, 1):
        facts[f"authority {number}"] = f"{bundles.describe(authority)}, until {proofs.day(authority)}"
    return facts


def _dates(leaf: x509.Certificate, *, renewed: bool) -> dict[str, str]:
    dates = {"certificate": bundles.describe(leaf), "ends": proofs.day(leaf)}
    if renewed:
        dates["renewal from"] = datetime.fromtimestamp(judging.due(leaf), UTC).strftime("%Y-%m-%d %H:%M UTC")
    return dates


def _pair_findings(stored: Stored, known: Authorities, options: Options, now: float) -> Iterator[str]:
    if not stored.ours and options.mode in (Mode.CSR, Mode.SELF_SIGNED):
        yield f"Secret {options.secret!r} lacks our label {options.domain}/managed-by=certs"
    try:
        proven = proofs.prove(stored.pair, known, options.host, now)
    except Unfit as error:
        yield f"the pair does not serve: {error}"
        return
    grace = (proven.leaf.not_valid_after_utc.timestamp() - judging.due(proven.leaf)) / 2
    if now > judging.due(proven.leaf) + grace:
        yield f"the certificate ends on {proofs.day(proven.leaf)} and has not been renewed: see the CronJob"


def _trust(stored: Stored, authorities: Authorities, options: Options, now: float) -> str:
    if not authorities:
        return "has no caBundle"
    try:
        proofs.prove(stored.pair, authorities, options.host, now)
    except Unfit as error:
        return f"does not trust the pair: {error}"
    return ""

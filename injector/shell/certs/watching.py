"""Modes in which cert-manager or the operator makes the pair. We see that all of it fits, and write nothing."""

from __future__ import annotations

from injector.shell.certs import calls, proofs, records, webhooks
from injector.shell.certs.bundles import Authorities
from injector.shell.certs.faults import Permanent, Unfit
from injector.shell.certs.options import Mode, Options
from injector.shell.certs.steps import Now, Pause, Plan, Tell

_LOOK = 2.0


def wait(options: Options) -> Plan[str]:
    """
    Return a sentence once the pair serves and every webhook entry trusts it.

    cert-manager is given time, until the deadline; a pair that an operator provides is there and right, or Permanent.
    """
    said = ""
    while True:
        problem = yield from look(options)
        if not problem:
            return f"the pair of Secret {options.secret!r} serves and every webhook trusts it; nothing was written"
        if options.mode is Mode.PROVIDED:
            raise Permanent(problem)
        if problem != said:
            yield Tell("info", f"waiting for cert-manager: {problem}")
        said = problem
        yield Pause(_LOOK)


def look(options: Options) -> Plan[str]:
    """Return what is wrong with the pair of the Secret or the trust in it; empty: nothing."""
    secret = yield from calls.find(options.secrets, options.secret, rights_wait=options.rights_wait)
    if secret is None:
        return f"there is no Secret {options.secret!r} in {options.namespace!r}"
    stored = records.read(secret, options)
    configs = yield from webhooks.read(options)
    now: float = yield Now()
    if len(configs) < len(options.webhooks):
        if options.require_webhooks:
            return "a webhook configuration does not exist yet"
        return _fitness(stored, webhooks.published(configs, options) or stored.authorities, options, now)
    for config in configs:
        for _, entry in webhooks.owned(config, options):
            if problem := _fitness(stored, webhooks.trusted(entry), options, now):
                return f"webhook {entry['name']!r}: {problem}"
    return "" if configs else _fitness(stored, stored.authorities, options, now)


def _fitness(stored: records.Stored, authorities: Authorities, options: Options, now: float) -> str:
    try:
        proofs.prove(stored.pair, authorities, options.host, now)
    except Unfit as error:
        return f"the pair in Secret {options.secret!r}: {error}"
    return ""

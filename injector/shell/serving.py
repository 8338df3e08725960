"""
The server's life: certificate, templates, two ports, signals, and an end that loses nothing.

    SIGTERM, SIGINT   unready, serve on with ``Connection: close`` for a while, finish, exit 0; a second one: finish now
    SIGHUP            look at the certificate and the templates now
"""

from __future__ import annotations

import gc
import queue
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from structlog.typing import FilteringBoundLogger

from injector.core.admission import Answer
from injector.core.model import Object, Policy, Template
from injector.shell import app, certificates, logs, probes, servers, telemetry
from injector.shell.app import Conditions, Endpoint
from injector.shell.certificates import Certificate, Watch
from injector.shell.probes import Check, Health, Phase
from injector.shell.reviewers import Forecast, Mutation, Validation
from injector.shell.servers import HttpServer, HttpsServer
from injector.shell.settings import Settings
from injector.shell.snapshots import Snapshot
from injector.shell.stores import DirectoryStore, Source, Store
from injector.shell.telemetry import Metrics, Readings

STUCK_AFTER = 30.0
"""Seconds in which the event loop must come round: the longest time that Kubernetes gives a webhook."""


@dataclass(frozen=True, slots=True)
class Service:
    """A server that runs."""

    https: HttpsServer
    plain: HttpServer
    health: Health
    store: Store
    watch: Watch

    def reload(self) -> None:
        """Take up a new certificate and new templates now."""
        for _ in range(2):  # a change is acted on when it is seen twice
            self.watch.look()
            self.store.look()


def serve(settings: Settings, check: Callable[[Object], None]) -> int:
    """
    Serve until a signal and return the exit code; raises ShellError where it cannot start.

    ``check`` tries a template where it can do no harm, and raises TemplateError.
    """
    log = logs.build_logger(settings.log_level, settings.log_format, sys.stdout.buffer)
    signals = _catch_signals()
    with ExitStack() as stack:
        stack.callback(logs.adopt(log, settings.log_level))
        service = stack.enter_context(running(settings, log, check))
        log.info("listening", port=service.https.port, probe_port=service.plain.port)
        if not _wait(service, signals, log):
            log.error("the HTTPS server has ended by itself")
            return 1
        _drain(service, signals, settings.drain_seconds, log)
    log.info("stopped")
    return 0


@contextmanager
def running(settings: Settings, log: FilteringBoundLogger, check: Callable[[Object], None]) -> Iterator[Service]:
    """
    Start a server and, at the end, stop it; raises ShellError.

    With templates from a folder it is ready when the block is entered, else as soon as the cluster has told of all.
    """
    certificate = certificates.load(settings.files())
    with ExitStack() as stack:
        service = _build(settings, log, certificate, check)
        stack.enter_context(servers.running(service.plain))
        stack.enter_context(servers.running(service.https))
        stack.callback(service.store.stop)
        service.store.begin(partial(_open, service.health))
        service.watch.start()
        stack.callback(service.watch.stop)
        yield service


def _build(
    settings: Settings, log: FilteringBoundLogger, certificate: Certificate, check: Callable[[Object], None]
) -> Service:
    policy, metrics = settings.policy(), Metrics()
    store = _build_store(settings, policy, check)
    health = Health(lambda: _checks(watch.current, store), lambda: store.stuck() or _stuck(https))
    note, sources = partial(telemetry.log_review, log), (store.snapshot, store.find_namespace, policy)
    endpoints = (
        Endpoint(app.MUTATE, Mutation(*sources), _observe(metrics, store, log)),
        Endpoint(app.VALIDATE, Validation(policy, settings.release_name, check), note),
        Endpoint(app.FORECAST, Forecast(*sources), note),
    )
    https = servers.build_https(
        app.build_application(endpoints, _conditions(settings, health, metrics, log)),
        certificate.context,
        settings.limits(),
        host=settings.host,
        port=settings.port,
        inline_paths=frozenset({app.MUTATE}),
        client_names=settings.client_names,
    )
    watch = Watch(settings.files(), certificate, lambda new: https.replace_context(new.context))
    readings = Readings(
        store.snapshot,
        lambda: watch.current.not_after,
        lambda: watch.failures,
        lambda: https.counters,
        store.sources,
    )
    metrics.registry.register(readings)
    application = probes.build_probes(health, metrics.expose, telemetry.CONTENT_TYPE)
    plain = servers.build_plain(application, host=settings.probe_host, port=settings.probe_port)
    return Service(https, plain, health, store, watch)


def _build_store(settings: Settings, policy: Policy, check: Callable[[Object], None]) -> Store:
    if settings.store == "directory":
        return DirectoryStore(settings.templates, policy, check=check)
    from injector.shell import cluster_stores  # noqa: PLC0415  # 18 MiB that a folder of templates does without
    from injector.shell.clusters import Cluster  # noqa: PLC0415

    kubeconfig = str(settings.kubeconfig) if settings.kubeconfig else None
    return cluster_stores.KubernetesStore(Cluster(kubeconfig), policy, check=check)


def _conditions(settings: Settings, health: Health, metrics: Metrics, log: FilteringBoundLogger) -> Conditions:
    return Conditions(
        timeout=settings.timeout,
        queue=settings.queue,
        body_limit=settings.body_limit,
        namespace_wait=settings.namespace_wait,
        phase=lambda: health.phase,
        metrics=metrics,
        log=log,
    )


def _observe(metrics: Metrics, store: Store, log: FilteringBoundLogger) -> Callable[[Answer, float], None]:
    def observe(answer: Answer, seconds: float) -> None:
        metrics.decided(answer, store.snapshot().catalog.templates, seconds)
        telemetry.log_review(log, answer, seconds)

    return observe


def _checks(certificate: Certificate, store: Store) -> Iterator[Check]:
    yield _check_certificate(certificate)
    for source in store.sources:
        yield _check_source(source)
    yield from _check_templates(store.snapshot())


def _check_certificate(certificate: Certificate) -> Check:
    days = (certificate.not_after - time.time()) / 86400
    end = datetime.fromtimestamp(certificate.not_after, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Check("certificate", days > 0, f"for {', '.join(certificate.names)}, {days:.1f} days left, until {end}")


def _check_source(source: Source) -> Check:
    if not source.failure:
        return Check(source.name, ok=True, text=f"{source.size} known, last heard of {source.age:.0f} s ago")
    text = f"not watched: {source.failure}; {source.size} are known as of {source.age:.0f} s ago"
    return Check(source.name, ok=False, text=text)


def _check_templates(snapshot: Snapshot) -> Iterator[Check]:
    found = [template for template in snapshot.catalog.templates.values() if isinstance(template, Template)]
    yield Check("templates", ok=True, text=f"{len(found)} loaded")
    for template in sorted(found, key=lambda template: template.reference):
        yield Check(f"template {template.reference}", ok=True, text=f"revision {template.revision}")
    for problem in snapshot.problems:
        kept = "its last good version is served" if problem.keeps_last_good else "it is not served"
        yield Check(f"template {problem.template or problem.source}", ok=False, text=f"{problem.message} ({kept})")


def _stuck(https: HttpServer) -> str:
    if https.wait(0):
        return "the HTTPS server has ended"
    seconds = time.monotonic() - https.turned
    return f"the event loop has not come round for {seconds:.0f} seconds" if seconds > STUCK_AFTER else ""


def _open(health: Health) -> None:
    """Turn ready, and spare the garbage collector what was loaded and lives on."""
    gc.collect()
    gc.freeze()
    health.open()


def _catch_signals() -> queue.SimpleQueue[int]:
    """Have signals put into a queue, for the main thread to act on when it can."""
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda caught, _frame: signals.put(caught))
    return signals


def _wait(service: Service, signals: queue.SimpleQueue[int], log: FilteringBoundLogger) -> bool:
    """Act on signals until one says stop; return False if the server ended without one."""
    while not service.https.wait(0):
        number = _next(signals, 1.0)
        if number == signal.SIGHUP:
            log.info("reloading")
            service.reload()
        elif number:
            return True
    return False


def _drain(service: Service, signals: queue.SimpleQueue[int], seconds: float, log: FilteringBoundLogger) -> None:
    """Serve on while the cluster learns that this server goes; a second signal ends that."""
    if service.health.phase is Phase.STARTING:
        return  # nobody has been told to come here yet
    log.info("draining", seconds=seconds)
    service.health.drain()
    service.https.begin_drain()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if _next(signals, left) not in (0, signal.SIGHUP):
            return


def _next(signals: queue.SimpleQueue[int], seconds: float) -> int:
    try:
        return signals.get(timeout=seconds)
    except queue.Empty:
        return 0

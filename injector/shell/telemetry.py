"""
What is counted, measured and logged of reviews: the only place that does. It decides nothing.

Labels are bounded: reasons come from one enum, templates are those that exist, whatever a pod asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from structlog.typing import FilteringBoundLogger

from injector.core.admission import Answer
from injector.core.model import Review, Template
from injector.shell.servers import Counters
from injector.shell.snapshots import Snapshot
from injector.shell.stores import Source

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
UNKNOWN = "(unknown)"
"""Stands for a template that a pod asked for and that does not exist."""

_BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The numbers of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        decisions = Counter(
            "pillion_decisions_total",
            "Decisions on pods, by reason and template; the template is empty where the pod as a whole was decided on.",
            ("reason", "template"),
            registry=self.registry,
        )
        self._decisions = cache(decisions.labels)
        self._duration = Histogram(
            "pillion_review_duration_seconds",
            "Time from the first byte of a pod's review to its answer.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        requests = Counter(
            "pillion_requests_total",
            "Answers to HTTPS requests, by path and status.",
            ("path", "code"),
            registry=self.registry,
        )
        self._requests = cache(requests.labels)
        self._overload = Counter(
            "pillion_overload_total",
            "Reviews answered with status 503 because too many were waiting or their time was over before their turn.",
            registry=self.registry,
        )

    def decided(self, answer: Answer, known: Container[str], seconds: float) -> None:
        """Count what was decided on one pod, and how long it took."""
        self._duration.observe(seconds)
        verdict = answer.verdict
        if not verdict.decisions:
            self._decisions(verdict.reason, "").inc()
        for decision in verdict.decisions:
            template = decision.template
            name = template if not template or template in known else UNKNOWN
            self._decisions(decision.reason, name).inc()

    def answered(self, path: str, code: int) -> None:
        """Count one HTTP answer; *path* is one of the server's own or ``other``."""
        self._requests(path, code).inc()

    def shed(self) -> None:
        """Count one review that was turned away."""
        self._overload.inc()

    def expose(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class Readings(Collector):
    """What is read where it is kept, when somebody asks."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        expiry: Callable[[], float],
        spoilt: Callable[[], int],
        counters: Callable[[], Counters],
        sources: Iterable[Source] = (),
    ) -> None:
        """
        Take functions that tell the readings of the moment.

        ``expiry`` is the end of the certificate's validity in seconds since 1970, ``spoilt`` how many new ones were no
        good, ``sources`` what is watched.
        """
        self._snapshot = snapshot
        self._expiry = expiry
        self._spoilt = spoilt
        self._counters = counters
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Yield each metric."""
        yield from _of_templates(self._snapshot())
        yield from _of_sources(self._sources)
        yield from _of_server(self._counters())
        yield GaugeMetricFamily(
            "pillion_certificate_expiry_timestamp_seconds",
            "When the serving certificate ends, in seconds since 1970.",
            value=self._expiry(),
        )
        yield CounterMetricFamily(
            "pillion_certificate_failures_total",
            "New certificates that were no good, so that the old one stays.",
            value=self._spoilt(),
        )


def log_review(log: FilteringBoundLogger, answer: Answer, seconds: float) -> None:
    """Log one line on one review."""
    review, verdict = answer.review, answer.verdict
    fields = {
        "uid": review.uid,
        "kind": review.kind,
        "operation": review.operation,
        "namespace": review.namespace,
        "name": name_of(review),
        "templates": [decision.template for decision in verdict.decisions if decision.template],
        "reason": verdict.reason,
        "allowed": verdict.allowed,
        "dry_run": review.dry_run,
        "duration_ms": round(seconds * 1000, 3),
    }
    log.info("review", fields=fields)


def name_of(review: Review) -> str:
    """Return the object's name, or ``cart-7d9c5-*`` for one that is still to be named."""
    if review.name:
        return review.name
    metadata: Any = review.object.get("metadata")
    found = (metadata.get("name"), metadata.get("generateName")) if isinstance(metadata, dict) else (None, None)
    match found:
        case (str(name), _) if name:
            return name[:253]
        case (_, str(prefix)) if prefix:
            return f"{prefix[:253]}*"
    return ""


def _of_templates(snapshot: Snapshot) -> Iterator[Metric]:
    info = GaugeMetricFamily(
        "pillion_template_info", "1 for each template in force, with its revision.", labels=("template", "revision")
    )
    for template in snapshot.catalog.templates.values():
        if isinstance(template, Template):
            info.add_metric((template.reference, template.revision), 1)
    yield info
    problems = GaugeMetricFamily(
        "pillion_template_problems",
        "1 for each template that could not be loaded; serving is last-good where an older version lives on, or none.",
        labels=("template", "serving"),
    )
    for reference, serving in {
        p.template or p.source: "last-good" if p.keeps_last_good else "none" for p in snapshot.problems
    }.items():
        problems.add_metric((reference, serving), 1)
    yield problems


def _of_sources(sources: Iterable[Source]) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "pillion_watch_age_seconds",
        "Time since the API server was last heard of, by what is watched.",
        labels=("resource",),
    )
    failures = CounterMetricFamily(
        "pillion_watch_failures_total", "Lists and watches of the API server that failed.", labels=("resource",)
    )
    for source in sources:
        age.add_metric((source.name,), source.age)
        failures.add_metric((source.name,), source.failures)
    yield age
    yield failures


def _of_server(counters: Counters) -> Iterator[Metric]:
    yield GaugeMetricFamily("pillion_connections", "Connections to the HTTPS port now.", value=counters.open)
    yield CounterMetricFamily(
        "pillion_connections_refused_total", "Connections closed because too many were open.", value=counters.refused
    )
    overdue = CounterMetricFamily(
        "pillion_connections_overdue_total", "Connections closed at a deadline, by its name.", labels=("deadline",)
    )
    for deadline, number in counters.overdue.items():
        overdue.add_metric((deadline,), number)
    yield overdue
    yield CounterMetricFamily(
        "pillion_tls_failures_total",
        "Handshakes that failed and connections that broke the protocol.",
        value=counters.tls_failures,
    )

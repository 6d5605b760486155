"""
``/metrics`` in Prometheus' text format.

What the database knows is collected anew at each scrape, so every process tells the same and a
series ends with its object. Labels hold slugs, group names and words from fixed lists, never free
text. Probes are told in blackbox_exporter's names where those mean the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import psutil
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from checks.queries.metrics import CheckNumbers, Numbers, numbers
from checks.rules.status import Status
from dashboard.access import may_read

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

API_RESPONSE_SECONDS = Histogram(
    "api_response_seconds",
    "Time to answer a request to the JSON interface, by route template and HTTP status, in this process.",
    ("route", "code"),
    registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)

CHECK = ("check", "group", "kind")
REACHABLE = {Status.UP: 1.0, Status.DEGRADED: 1.0, Status.DOWN: 0.0}
HTTP_PHASES = {
    "dns": "resolve",
    "connect": "connect",
    "tls": "tls",
    "first_byte": "processing",
    "transfer": "transfer",
}
"""Our phases by blackbox_exporter's names for them."""
MEBIBYTE = 1024 * 1024


class Engine(Collector):
    """The numbers of the database, and this process's memory."""

    def collect(self) -> Iterator[Metric]:
        found = numbers(timezone.now())
        yield from _checks(found)
        yield from _probes(found)
        yield from _scheduling(found)
        yield CounterMetricFamily("events", "Events in the log.", value=found.events)
        yield GaugeMetricFamily(
            "memory_usage_mb",
            "Resident memory of this process, in mebibytes.",
            value=psutil.Process().memory_info().rss / MEBIBYTE,
        )


REGISTRY.register(Engine())


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything there is to scrape, in the text format that the scraper asks for."""
    if not may_read(request):
        return HttpResponse(
            "Sign in first: this dashboard is not public.\n", status=401, content_type="text/plain"
        )
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(REGISTRY), content_type=content_type, headers={"Cache-Control": "no-store"})


def _checks(found: Numbers) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "check_up",
        "1 while the check is up or degraded, 0 while down; no sample while unknown.",
        labels=CHECK,
    )
    status = GaugeMetricFamily(
        "check_status", "1 for the status that the check has, 0 for the others.", labels=(*CHECK, "status")
    )
    paused = GaugeMetricFamily("check_paused", "1 while the check is paused.", labels=CHECK)
    failures = GaugeMetricFamily(
        "check_consecutive_failures", "Results in a row that were down.", labels=CHECK
    )
    last_run = GaugeMetricFamily(
        "check_last_run_timestamp_seconds", "When the newest probe began.", labels=CHECK
    )
    last_ok = GaugeMetricFamily(
        "check_last_ok_timestamp_seconds", "When a probe last found the target up.", labels=CHECK
    )
    duration = GaugeMetricFamily(
        "check_duration_seconds",
        "Latency of the target at the newest probe that got an answer.",
        labels=CHECK,
    )
    for check in found.checks:
        labels = _labels(check)
        if check.status in REACHABLE:
            up.add_metric(labels, REACHABLE[check.status])
        for possible in Status:
            status.add_metric([*labels, possible], float(check.status is possible))
        paused.add_metric(labels, float(check.paused))
        failures.add_metric(labels, check.consecutive_failures)
        _add_time(last_run, labels, check.last_run_at)
        _add_time(last_ok, labels, check.last_ok_at)
        if check.latency_seconds is not None:
            duration.add_metric(labels, check.latency_seconds)
    yield from (up, status, paused, failures, last_run, last_ok, duration)


def _probes(found: Numbers) -> Iterator[Metric]:
    success = GaugeMetricFamily("probe_success", "1 if the newest probe succeeded.", labels=CHECK)
    duration = GaugeMetricFamily(
        "probe_duration_seconds", "How long the newest probe took, name lookup included.", labels=CHECK
    )
    lookup = GaugeMetricFamily(
        "probe_dns_lookup_time_seconds", "How long the newest probe's name lookup took.", labels=CHECK
    )
    http = GaugeMetricFamily(
        "probe_http_duration_seconds", "The newest HTTP probe's duration by phase.", labels=(*CHECK, "phase")
    )
    for check in found.checks:
        labels, phases = _labels(check), check.phases_seconds
        if check.last_verdict:
            success.add_metric(labels, float(check.last_verdict in ("up", "degraded")))
        if phases or check.latency_seconds is not None:
            duration.add_metric(labels, _whole(phases, check.latency_seconds))
        if "dns" in phases:
            lookup.add_metric(labels, phases["dns"])
        if "first_byte" in phases:
            for ours, theirs in HTTP_PHASES.items():
                http.add_metric([*labels, theirs], phases.get(ours, 0.0))
    yield from (success, duration, lookup, http)


def _scheduling(found: Numbers) -> Iterator[Metric]:
    oldest = GaugeMetricFamily(
        "scheduler_oldest_due_seconds",
        "How long the oldest due slot of a location has waited for a worker; 0 when none is due.",
        labels=("location",),
    )
    for location, seconds in found.oldest_due_seconds.items():
        oldest.add_metric([location], seconds)
    worker = ("worker", "location")
    seen = GaugeMetricFamily(
        "worker_last_seen_seconds",
        "Seconds since a worker (or beat) gave its last sign of life.",
        labels=worker,
    )
    in_flight = GaugeMetricFamily(
        "worker_probes_in_flight", "Probes that a worker is running.", labels=worker
    )
    lateness = GaugeMetricFamily(
        "scheduler_lateness_seconds",
        "From the wanted instant to the beginning of a worker's recent probes.",
        labels=(*worker, "quantile"),
    )
    retries = CounterMetricFamily(
        "retry_attempts", "Confirmation retries since the worker started.", labels=("worker",)
    )
    for name, count in {sign.worker: sign.retries for sign in found.workers}.items():
        retries.add_metric([name], count)
    for sign in found.workers:
        labels = [sign.worker, sign.location]
        seen.add_metric(labels, sign.last_seen_seconds)
        in_flight.add_metric(labels, sign.in_flight)
        if sign.lateness_p99_seconds is not None:
            lateness.add_metric([*labels, "0.99"], sign.lateness_p99_seconds)
    yield from (oldest, seen, in_flight, lateness, retries)


def _labels(check: CheckNumbers) -> list[str]:
    return [check.slug, check.group, check.kind]


def _add_time(metric: GaugeMetricFamily, labels: list[str], moment: datetime | None) -> None:
    if moment is not None:
        metric.add_metric(labels, moment.timestamp())


def _whole(phases: Mapping[str, float], latency_seconds: float | None) -> float:
    return sum(phases.values()) if phases else latency_seconds or 0.0

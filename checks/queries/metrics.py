"""Numbers for a metrics scrape: the state of each check, and of Breakwater itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, OuterRef, Subquery

from checks.events import store
from checks.models import CheckState, Result, WorkerSign
from checks.rules.status import Status

PHASES_NOT_OLDER_THAN = timedelta(days=1)
"""Phases are read from the newest stored result; looking further back would touch every day's partition."""


@dataclass(frozen=True, slots=True)
class CheckNumbers:
    """
    Attributes:
        last_verdict: Of the newest probe; empty before the first.
        latency_seconds: Of the newest probe; None when nothing answered.
        phases_seconds: By phase, for kinds that have phases.
        last_run_at: When the newest probe began; None before the first.
    """

    slug: str
    group: str
    kind: str
    status: Status
    paused: bool
    last_verdict: str
    latency_seconds: float | None
    phases_seconds: Mapping[str, float]
    last_run_at: datetime | None
    last_ok_at: datetime | None
    consecutive_failures: int


@dataclass(frozen=True, slots=True)
class WorkerNumbers:
    """
    Attributes:
        lateness_p99_seconds: From the wanted instant to the probe's beginning; None without probes.
        retries: Confirmation retries since the worker started, over all its locations.
    """

    worker: str
    location: str
    last_seen_seconds: float
    in_flight: int
    lateness_p99_seconds: float | None
    retries: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """
    Attributes:
        oldest_due_seconds: By location, how long the oldest due slot has waited to be taken; 0 for none.
        events: How many events the log holds.
    """

    checks: tuple[CheckNumbers, ...]
    workers: tuple[WorkerNumbers, ...]
    oldest_due_seconds: Mapping[str, float]
    events: int


def numbers(now: datetime) -> Numbers:
    """Everything a scrape tells, in four queries whatever the number of checks."""
    return Numbers(_checks(now), _workers(now), _oldest_due(now), store.head())


def _checks(now: datetime) -> tuple[CheckNumbers, ...]:
    newest = Result.objects.filter(
        check_id=OuterRef("pk"), slot__gte=now - PHASES_NOT_OLDER_THAN, slot__lte=now
    ).order_by("-slot")
    rows = (
        CheckState.objects.annotate(detail=Subquery(newest.values("detail")[:1]))
        .order_by("check_ref__slug")
        .values_list(
            "check_ref__slug",
            "check_ref__group",
            "check_ref__kind",
            "status",
            "paused",
            "last_verdict",
            "last_latency_ms",
            "detail",
            "last_run_at",
            "last_ok_at",
            "failures",
        )
    )
    return tuple(
        CheckNumbers(
            slug=slug,
            group=group,
            kind=kind,
            status=Status(status),
            paused=paused,
            last_verdict=verdict,
            latency_seconds=None if latency_ms is None else latency_ms / 1000,
            phases_seconds={phase: ms / 1000 for phase, ms in ((detail or {}).get("phases") or {}).items()},
            last_run_at=last_run_at,
            last_ok_at=last_ok_at,
            consecutive_failures=failures,
        )
        for (
            slug, group, kind, status, paused, verdict, latency_ms, detail, last_run_at, last_ok_at, failures,
        ) in rows
    )  # fmt: skip


def _workers(now: datetime) -> tuple[WorkerNumbers, ...]:
    return tuple(
        WorkerNumbers(
            worker=sign.worker,
            location=sign.location,
            last_seen_seconds=max(0.0, (now - sign.seen_at).total_seconds()),
            in_flight=sign.in_flight,
            lateness_p99_seconds=None if sign.lateness_p99_ms is None else sign.lateness_p99_ms / 1000,
            retries=sign.retries,
        )
        for sign in WorkerSign.objects.order_by("location", "worker")
    )


def _oldest_due(now: datetime) -> dict[str, float]:
    # Filtered, a location without anything due would lose its series instead of saying 0.
    oldest = (
        CheckState.objects.filter(paused=False, leased_slot__isnull=True)
        .values_list("location")
        .annotate(oldest=Min("next_due_at"))
    )
    return {location: max(0.0, (now - due).total_seconds()) if due else 0.0 for location, due in oldest}

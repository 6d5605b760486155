"""The state of all checks at one moment, as alerting and status readers want it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, Subquery

from checks.models import CheckState, Event, WorkerSign
from checks.queries.health import BEAT
from checks.rules.freshness import beat_is_silent, is_stale
from checks.rules.status import Status, worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    Which checks to report. An empty collection puts no limit; several values of one field mean *any of*.

    Attributes:
        tags: A check counts when it has at least one of them.
    """

    statuses: Collection[str] = ()
    groups: Collection[str] = ()
    tags: Collection[str] = ()
    slugs: Collection[str] = ()
    kinds: Collection[str] = ()


EVERYTHING = Wanted()


@dataclass(frozen=True, slots=True)
class CheckStatus:
    """
    Where one check stands.

    Attributes:
        id: Stays the same for as long as the check exists, whatever is changed about it.
        status: After thresholds.
        since: When it took this status.
        next_run_at: The next slot; None while paused.
        consecutive_failures: Results in a row that were down.
        latency_ms: Of the last probe; None when nothing answered.
        output: The last probe's sentence.
        stale: See `checks.rules.freshness`.
    """

    id: str
    slug: str
    name: str
    group: str
    tags: tuple[str, ...]
    kind: str
    status: Status
    since: datetime
    last_ok_at: datetime | None
    last_run_at: datetime | None
    next_run_at: datetime | None
    consecutive_failures: int
    latency_ms: float | None
    output: str
    stale: bool
    paused: bool


@dataclass(frozen=True, slots=True)
class StatusReport:
    """
    Attributes:
        status: The worst of the checks; ``unknown`` when there are none.
        position: The log's newest position when the report was begun: follow the log from here
            and no change is missed.
        counts: Checks by status, and ``total``, ``paused`` and ``stale``.
    """

    status: Status
    generated_at: datetime
    position: int
    counts: Mapping[str, int]
    checks: tuple[CheckStatus, ...]


COLUMNS = (
    "check_ref__id",
    "check_ref__slug",
    "check_ref__name",
    "check_ref__group",
    "check_ref__kind",
    "check_ref__definition",
    "check_ref__created_at",
    "status",
    "since",
    "last_ok_at",
    "last_run_at",
    "next_due_at",
    "failures",
    "last_latency_ms",
    "last_output",
    "paused",
)


def status_report(*, now: datetime, wanted: Wanted = EVERYTHING) -> StatusReport:
    """The wanted checks by group and name, in two queries whatever their number."""
    position, beat_seen_at = _log_and_beat()
    beat_silent = beat_is_silent(beat_seen_at, now)
    rows = (
        CheckState.objects.filter(_condition(wanted))
        .order_by("check_ref__group", "check_ref__name", "check_ref__slug")
        .values_list(*COLUMNS)
    )
    checks = [_check_status(row, now, beat_silent) for row in rows]
    if wanted.tags:
        # Tags live in the definition's JSON, which SQLite cannot search for a list's member.
        checks = [check for check in checks if not set(wanted.tags).isdisjoint(check.tags)]
    return StatusReport(
        status=worst(check.status for check in checks),
        generated_at=now,
        position=position,
        counts=_counts(checks),
        checks=tuple(checks),
    )


def _log_and_beat() -> tuple[int, datetime | None]:
    """The log's newest position and beat's last sign; read before the states, so never ahead of them."""
    beat = WorkerSign.objects.filter(worker=BEAT).order_by("-seen_at").values("seen_at")[:1]
    newest = Event.objects.order_by("-position").annotate(beat_seen_at=Subquery(beat))
    # Without events there are no checks, and then beat's sign tells nothing.
    return newest.values_list("position", "beat_seen_at").first() or (0, None)


def _condition(wanted: Wanted) -> Q:
    fields = {
        "status": wanted.statuses,
        "check_ref__group": wanted.groups,
        "check_ref__slug": wanted.slugs,
        "check_ref__kind": wanted.kinds,
    }
    return Q(**{f"{field}__in": list(values) for field, values in fields.items() if values})


def _check_status(row: tuple[Any, ...], now: datetime, beat_silent: bool) -> CheckStatus:
    (
        id_, slug, name, group, kind, definition, created_at, status, since,
        last_ok_at, last_run_at, next_due_at, failures, latency_ms, output, paused,
    ) = row  # fmt: skip
    return CheckStatus(
        id=str(id_),
        slug=slug,
        name=name,
        group=group,
        tags=tuple(definition.get("tags", ())),
        kind=kind,
        status=Status(status),
        since=since,
        last_ok_at=last_ok_at,
        last_run_at=last_run_at,
        next_run_at=next_due_at,
        consecutive_failures=failures,
        latency_ms=latency_ms,
        output=output,
        stale=is_stale(
            now=now,
            interval=interval_of(definition),
            last_run_at=last_run_at,
            waiting_since=created_at,
            next_due_at=next_due_at,
            beat_silent=beat_silent,
            paused=paused,
        ),
        paused=paused,
    )


def interval_of(definition: Mapping[str, Any]) -> timedelta | None:
    """The interval of a stored definition; None for a cron schedule."""
    if definition.get("cron"):
        return None
    return timedelta(seconds=definition.get("interval", 60))


def _counts(checks: Collection[CheckStatus]) -> dict[str, int]:
    by_status = Counter(check.status for check in checks)
    return {
        "total": len(checks),
        **{status.value: by_status[status] for status in Status},
        "paused": sum(check.paused for check in checks),
        "stale": sum(check.stale for check in checks),
    }

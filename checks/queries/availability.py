"""How much of the time a check's target served."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from checks.models import Result, Rollup
from checks.queries.history import layers
from checks.rules import rollup
from checks.rules.outcome import Verdict

WINDOWS = (
    ("24h", timedelta(hours=24)),
    ("7d", timedelta(days=7)),
    ("30d", timedelta(days=30)),
    ("90d", timedelta(days=90)),
)
COUNTS = ("up", "degraded", "down", "blocked", "skipped", "unknown", "missed")


ONE = {str(verdict): rollup.of([rollup.Sample(verdict)]) for verdict in Verdict}
"""A single result by its verdict."""


@dataclass(frozen=True, slots=True)
class Availability:
    """
    Attributes:
        share: Of the measurements, from 0 to 1; None when nothing was measured.
        failed: Measurements that were down.
        measured: Those that speak about the target.
        gaps: Slots that do not: missed, blocked, skipped, or we could not measure.
    """

    window: str
    share: float | None
    failed: int
    measured: int
    gaps: int


def availability_of(check_id: int, *, now: datetime) -> tuple[Availability, ...]:
    """For 24 h, 7 d, 30 d and 90 d: hours for all but the longest, whose days are enough."""
    oldest = dict(WINDOWS)
    hours = _counts(check_id, Rollup.HOUR, now - oldest["30d"], now)
    days = _counts(check_id, Rollup.DAY, now - oldest["90d"], now)
    return tuple(
        _summed(window, days if window == "90d" else hours, now - length) for window, length in WINDOWS
    )


Counted = list[tuple[datetime, rollup.Rollup]]


def _counts(check_id: int, coarsest: int, since: datetime, now: datetime) -> Counted:
    to_read, raw_since = layers(coarsest, since, now)
    found: Counted = []
    for layer in to_read:
        rows = Rollup.objects.filter(
            check_id=check_id, span_minutes=layer.span, start__gte=layer.since, start__lt=layer.until
        ).values_list("start", *COUNTS)
        found.extend(
            (start, rollup.Rollup(**dict(zip(COUNTS, counts, strict=True)))) for start, *counts in rows
        )
    results = Result.objects.filter(check_id=check_id, slot__gte=raw_since, slot__lte=now)
    for slot, verdict in results.values_list("slot", "verdict"):
        found.append((slot, ONE[verdict]))
    return found


def _summed(window: str, counted: Counted, since: datetime) -> Availability:
    # A span that begins before the window would bring in what happened before it.
    inside = [sums for start, sums in counted if start >= since]
    down = sum(sums.down for sums in inside)
    measured = down + sum(sums.up + sums.degraded for sums in inside)
    return Availability(
        window=window,
        share=(measured - down) / measured if measured else None,
        failed=down,
        measured=measured,
        gaps=sum(sums.total for sums in inside) - measured,
    )

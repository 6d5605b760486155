"""What the charts of one check draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from checks.queries.history import floor, spans_of
from checks.rules import rollup

RANGES: Mapping[str, tuple[timedelta, int]] = {
    "1h": (timedelta(hours=1), 1),
    "24h": (timedelta(hours=24), 10),
    "7d": (timedelta(days=7), 60),
    "30d": (timedelta(days=30), 240),
}
"""By name: how far back, and the minutes that one point sums."""
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 720, 1440)
"""Minutes a point may sum: each divides a day."""


@dataclass(frozen=True, slots=True)
class Point:
    """
    One span of time.

    Attributes:
        p50_ms, p95_ms, p99_ms: Latency; None when nothing answered.
        phases_ms: Mean milliseconds by phase.
        measured: Results that speak about the target; with 0 the span is a gap.
        failed: Those that were down.
        gaps: Slots without such a result.
    """

    start: datetime
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    phases_ms: Mapping[str, float]
    measured: int
    failed: int
    gaps: int


@dataclass(frozen=True, slots=True)
class History:
    """
    Attributes:
        known_since: When the check was defined; before it nothing could be measured.
        points: One per step, oldest first, without holes; the last span is still open.
    """

    name: str
    since: datetime
    until: datetime
    known_since: datetime
    step: timedelta
    points: tuple[Point, ...]


def history(
    check_id: int, name: str, *, now: datetime, interval: timedelta | None, known_since: datetime
) -> History:
    """
    The range called `name`, one of `RANGES`.

    Args:
        interval: Of the check: a point sums at least one slot, or every other would look like a gap.
    """
    length, minutes = RANGES[name]
    if interval is not None:
        slowest = interval / timedelta(minutes=1)
        minutes = max(minutes, next((step for step in STEPS if step >= slowest), STEPS[-1]))
    step = timedelta(minutes=minutes)
    until = floor(now, minutes) + step
    since = until - max(length, step)
    spans = spans_of(check_id, since=since, now=now, minutes=minutes)
    starts = [since + number * step for number in range(round((until - since) / step))]
    points = tuple(_point(start, spans.get(start, rollup.EMPTY)) for start in starts)
    return History(name, since, until, known_since, step, points)


def _point(start: datetime, sums: rollup.Rollup) -> Point:
    measured = sums.up + sums.degraded + sums.down
    timed = sums.latency_count
    return Point(
        start=start,
        p50_ms=rollup.quantile(sums, 0.5),
        p95_ms=rollup.quantile(sums, 0.95),
        p99_ms=rollup.quantile(sums, 0.99),
        phases_ms={phase: total / timed for phase, total in sums.phases_ms.items()} if timed else {},
        measured=measured,
        failed=sums.down,
        gaps=sums.total - measured,
    )

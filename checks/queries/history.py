"""
A check's past as rollups of any length, up to the present.

Rollups are written once their span is closed. So a past is read in layers: the coarsest rows that
fit, then finer ones for what they do not reach yet, then raw results for the last minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from checks.models import Checkpoint, Result, Rollup, rollup_rows
from checks.rules import rollup
from checks.rules.outcome import Verdict

NAMES = {"rollup-day": Rollup.DAY, "rollup-hour": Rollup.HOUR, "rollup-minute": Rollup.MINUTE}
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Layer:
    """Rollups of `span` minutes whose start lies from `since` until `until`."""

    span: int
    since: datetime
    until: datetime


def layers(coarsest: int, since: datetime, now: datetime) -> tuple[list[Layer], datetime]:
    """
    What to read to cover `since` until `now`, and from when on only raw results tell.

    Args:
        coarsest: The longest span that may be used, in minutes; `since` is rounded down to it.
    """
    reached = dict(Checkpoint.objects.filter(name__in=NAMES).values_list("name", "reached"))
    found = []
    start = floor(since, coarsest)
    for name, span in NAMES.items():
        until = min(reached.get(name, start), now)
        if span <= coarsest and until > start:
            found.append(Layer(span, start, until))
            start = until
    return found, start


def spans_of(check_id: int, *, since: datetime, now: datetime, minutes: int) -> dict[datetime, rollup.Rollup]:
    """Rollups of `minutes` each by their start; a span in which nothing was due is left out."""
    coarsest = max(span for span in NAMES.values() if minutes % span == 0)
    spans: dict[datetime, rollup.Rollup] = {}
    for start, sums in _pieces(check_id, coarsest, since, now):
        key = floor(start, minutes)
        spans[key] = rollup.merge(spans[key], sums) if key in spans else sums
    return spans


def _pieces(
    check_id: int, coarsest: int, since: datetime, now: datetime
) -> Iterator[tuple[datetime, rollup.Rollup]]:
    to_read, raw_since = layers(coarsest, since, now)
    for layer in to_read:
        rows = Rollup.objects.filter(
            check_id=check_id, span_minutes=layer.span, start__gte=layer.since, start__lt=layer.until
        ).values_list("start", *rollup_rows.COLUMNS)
        for start, *columns in rows:
            yield start, rollup_rows.from_row(columns)
    samples: dict[datetime, list[rollup.Sample]] = {}
    results = Result.objects.filter(check_id=check_id, slot__gte=raw_since, slot__lte=now)
    for slot, verdict, latency_ms, detail in results.values_list("slot", "verdict", "latency_ms", "detail"):
        sample = rollup.Sample(Verdict(verdict), latency_ms, detail.get("phases", {}))
        samples.setdefault(rollup.floor_minute(slot), []).append(sample)
    for start, some in samples.items():
        yield start, rollup.of(some)


def floor(instant: datetime, minutes: int) -> datetime:
    """The start of the span of `minutes` that holds the instant, on a grid that begins at midnight UTC."""
    return instant - (instant - BEGINNING) % timedelta(minutes=minutes)

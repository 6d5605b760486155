"""Stored results of one check, newest first, in pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from checks.errors import NotFound
from checks.models import Check, Result
from checks.rules.outcome import ConditionResult


@dataclass(frozen=True, slots=True)
class ResultRow:
    """
    Attributes:
        slot: The scheduled instant; no two results of a check share one.
        latency_ms: The target's share; None when nothing answered.
        late_ms: Our share: from the slot to the probe's beginning.
        attempts: 1, or more when a confirmation retry was made inside the slot.
        phases_ms: Milliseconds per phase, in order; empty for kinds without phases.
    """

    slot: datetime
    started_at: datetime
    verdict: str
    latency_ms: float | None
    late_ms: float
    attempts: int
    output: str
    phases_ms: Mapping[str, float]
    conditions: tuple[ConditionResult, ...]


@dataclass(frozen=True, slots=True)
class ResultPage:
    """
    Attributes:
        next_before: Ask with `before` set to this for the older page; None on the last.
    """

    results: tuple[ResultRow, ...]
    next_before: datetime | None


def results_of(slug: str, *, limit: int = 100, before: datetime | None = None) -> ResultPage:
    """
    One page of a check's results.

    Args:
        before: Only slots earlier than this; None begins with the newest.
    Raises:
        NotFound: There is no such check.
    """
    check_id = Check.objects.filter(slug=slug).values_list("pk", flat=True).first()
    if check_id is None:
        raise NotFound(f"There is no check {slug!r}.")
    rows = Result.objects.filter(check_id=check_id).order_by("-slot")
    if before is not None:
        rows = rows.filter(slot__lt=before)
    found = list(rows[: limit + 1])
    shown = tuple(_result_row(row) for row in found[:limit])
    return ResultPage(shown, shown[-1].slot if len(found) > limit else None)


def _result_row(row: Result) -> ResultRow:
    return ResultRow(
        slot=row.slot,
        started_at=row.started_at,
        verdict=row.verdict,
        latency_ms=row.latency_ms,
        late_ms=row.late_ms,
        attempts=row.attempts,
        output=row.output,
        phases_ms=row.detail.get("phases", {}),
        conditions=tuple(ConditionResult(**seen) for seen in row.detail.get("conditions", ())),
    )

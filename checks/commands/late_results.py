"""Results that arrive after their minute was summed are added to its sum, so that none is ever left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from checks.commands.rollups import CLOSED_AFTER, rolled_until, save
from checks.models import Rollup, rollup_rows
from checks.rules import rollup
from checks.runner.assignment import Observation

MARGIN = timedelta(seconds=60)
"""A transaction that began before its minute was summed may commit after it; it takes less than this."""
FLOORS = {Rollup.MINUTE: rollup.floor_minute, Rollup.HOUR: rollup.floor_hour, Rollup.DAY: rollup.floor_day}


def merge_late(observations: Sequence[Observation], now: datetime) -> None:
    """
    Add observations of spans that are summed already; nearly always there are none.

    The checkpoints' locks decide which spans are: summing waits for this transaction, or this one for it.
    """
    surely_open = now - CLOSED_AFTER[Rollup.MINUTE] + MARGIN
    late = [item for item in observations if item.assignment.slot < surely_open]
    if not late:
        return
    for span, floor in FLOORS.items():
        until = rolled_until(span, locked=True)
        if until is None:
            continue
        samples: defaultdict[tuple[datetime, int], list[rollup.Sample]] = defaultdict(list)
        for item in late:
            if (start := floor(item.assignment.slot)) < until:
                samples[start, item.assignment.check_id].append(
                    rollup.Sample(item.outcome.verdict, item.latency_ms, item.outcome.phases_ms)
                )
        for (start, check_id), some in samples.items():
            save(span, start, {check_id: rollup.merge(_summed(span, start, check_id), rollup.of(some))})


def _summed(span: int, start: datetime, check_id: int) -> rollup.Rollup:
    found = Rollup.objects.filter(check_id=check_id, span_minutes=span, start=start)
    row = found.values_list(*rollup_rows.COLUMNS).first()
    return rollup_rows.from_row(row) if row is not None else rollup.Rollup()

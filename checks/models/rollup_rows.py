"""Between a rollup's row and its value in rules.rollup: one list of columns for both directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checks.rules import rollup

KEY = ("check_id", "span_minutes", "start")
COLUMNS = (
    "up",
    "degraded",
    "down",
    "blocked",
    "skipped",
    "unknown",
    "missed",
    "latency_count",
    "latency_sum_ms",
    "latency_min_ms",
    "latency_max_ms",
    "sketch",
    "phases_ms",
)


def to_row(value: rollup.Rollup) -> tuple[Any, ...]:
    """The value's columns, in the order of `COLUMNS`."""
    columns = {name: getattr(value, name) for name in COLUMNS}
    columns["sketch"] = rollup.encode(value.sketch)
    columns["phases_ms"] = dict(value.phases_ms)
    return tuple(columns.values())


def from_row(row: Sequence[Any]) -> rollup.Rollup:
    """The value of a row that was read in the order of `COLUMNS`."""
    columns = dict(zip(COLUMNS, row, strict=True))
    columns["sketch"] = rollup.decode(columns["sketch"])
    return rollup.Rollup(**columns)

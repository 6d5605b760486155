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
    return (
        value.up,
        value.degraded,
        value.down,
        value.blocked,
        value.skipped,
        value.unknown,
        value.missed,
        value.latency_count,
        value.latency_sum_ms,
        value.latency_min_ms,
        value.latency_max_ms,
        rollup.encode_sketch(value.sketch),
        dict(value.phases_ms),
    )


def from_row(row: Sequence[Any]) -> rollup.Rollup:
    """The value of a row that was read in the order of `COLUMNS`."""
    *numbers, sketch, phases_ms = row
    return rollup.Rollup(*numbers, sketch=rollup.decode_sketch(sketch), phases_ms=phases_ms)

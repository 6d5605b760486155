"""
What is left of many results: counts, and latencies that can still be asked for any percentile.

`merge` is associative and commutative, exactly: minutes make hours and hours make days in any
order, a rollup rebuilt from raw results equals the one that grew beside them, and two workers may
each bring a part. For that, times are kept to the 1024th of a millisecond: sums of such numbers
lose nothing in a float.

The latency sketch is DDSketch's logarithmic mapping (Charles Masson, Jee E. Rim, Homin K. Lee,
"DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", PVLDB 12(12),
2019): bucket i holds what lies in (g^(i-1), g^i] milliseconds, with g chosen so that the bucket's
middle is within `RELATIVE_ACCURACY` of everything in it. Buckets without entries are not stored; a
day of one check has a few dozen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil, floor, log
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from checks.rules.outcome import Verdict

RELATIVE_ACCURACY = 0.02

_GAMMA = (1 + RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY)
_PER_BUCKET = 1 / log(_GAMMA)
_MIDDLE = 2 / (1 + _GAMMA)
_STEPS_PER_MS = 1024

_Key = TypeVar("_Key")
_Number = TypeVar("_Number", int, float)

_EMPTY_SKETCH: Mapping[int, int] = MappingProxyType({})
_NO_PHASES: Mapping[str, float] = MappingProxyType({})


class Sample(NamedTuple):
    """
    One result, as far as a rollup cares.

    Attributes:
        latency_ms: None when nothing was timed. Below a 1024th of a millisecond counts as that.
        phases_ms: Milliseconds per phase.
    """

    verdict: Verdict
    latency_ms: float | None = None
    phases_ms: Mapping[str, float] = _NO_PHASES


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """
    Results of one span of time.

    Attributes:
        up, degraded, down, blocked, skipped, unknown: Results by verdict.
        missed: Slots that passed without a run.
        latency_count: How many of the results were timed.
        latency_sum_ms, latency_min_ms, latency_max_ms: Over those; min and max are None without any.
        sketch: Timed results by logarithmic bucket; see `quantile`.
        phases_ms: Sum of milliseconds by phase.
    """

    up: int = 0
    degraded: int = 0
    down: int = 0
    blocked: int = 0
    skipped: int = 0
    unknown: int = 0
    missed: int = 0
    latency_count: int = 0
    latency_sum_ms: float = 0.0
    latency_min_ms: float | None = None
    latency_max_ms: float | None = None
    sketch: Mapping[int, int] = field(default_factory=lambda: _EMPTY_SKETCH)
    phases_ms: Mapping[str, float] = field(default_factory=lambda: _NO_PHASES)

    @property
    def total(self) -> int:
        """All slots: with a result, and missed."""
        return self.up + self.degraded + self.down + self.blocked + self.skipped + self.unknown + self.missed


EMPTY = Rollup()


def of(samples: Iterable[Sample]) -> Rollup:
    """
    Roll up results.

    Raises:
        ValueError, OverflowError: A time is not a finite number.
    """
    counts: dict[Verdict, int] = {}
    latencies: list[float] = []
    sketch: dict[int, int] = {}
    phases: dict[str, float] = {}
    for verdict, latency_ms, phases_ms in samples:
        counts[verdict] = counts.get(verdict, 0) + 1
        if latency_ms is not None:
            exact = max(round(latency_ms * _STEPS_PER_MS), 1) / _STEPS_PER_MS
            latencies.append(exact)
            bucket = ceil(log(exact) * _PER_BUCKET)
            sketch[bucket] = sketch.get(bucket, 0) + 1
        for phase, phase_ms in phases_ms.items():
            phases[phase] = phases.get(phase, 0.0) + round(phase_ms * _STEPS_PER_MS) / _STEPS_PER_MS
    return Rollup(
        up=counts.get(Verdict.UP, 0),
        degraded=counts.get(Verdict.DEGRADED, 0),
        down=counts.get(Verdict.DOWN, 0),
        blocked=counts.get(Verdict.BLOCKED, 0),
        skipped=counts.get(Verdict.SKIPPED, 0),
        unknown=counts.get(Verdict.UNKNOWN, 0),
        latency_count=len(latencies),
        latency_sum_ms=sum(latencies),
        latency_min_ms=min(latencies, default=None),
        latency_max_ms=max(latencies, default=None),
        sketch=sketch,
        phases_ms=phases,
    )


def merge(a: Rollup, b: Rollup) -> Rollup:
    """Both together. Associative, commutative, and `EMPTY` changes nothing."""
    return Rollup(
        up=a.up + b.up,
        degraded=a.degraded + b.degraded,
        down=a.down + b.down,
        blocked=a.blocked + b.blocked,
        skipped=a.skipped + b.skipped,
        unknown=a.unknown + b.unknown,
        missed=a.missed + b.missed,
        latency_count=a.latency_count + b.latency_count,
        latency_sum_ms=a.latency_sum_ms + b.latency_sum_ms,
        latency_min_ms=_least(a.latency_min_ms, b.latency_min_ms),
        latency_max_ms=_most(a.latency_max_ms, b.latency_max_ms),
        sketch=_sums(a.sketch, b.sketch),
        phases_ms=_sums(a.phases_ms, b.phases_ms),
    )


def quantile(rollup: Rollup, q: float) -> float | None:
    """
    A percentile of the latency in milliseconds, within 2 % of the exact one; None without latencies.
    The fastest and the slowest are exact.

    Args:
        q: From 0 (the fastest) to 1 (the slowest).
    """
    low, high = rollup.latency_min_ms, rollup.latency_max_ms
    if low is None or high is None:
        return None
    rank = floor(q * (rollup.latency_count - 1))
    if rank <= 0:
        return low
    if rank >= rollup.latency_count - 1:
        return high
    seen = 0
    for bucket in sorted(rollup.sketch):
        seen += rollup.sketch[bucket]
        if seen > rank:
            return min(max(_GAMMA**bucket * _MIDDLE, low), high)
    return high


def mean(rollup: Rollup) -> float | None:
    """The mean latency in milliseconds; None without latencies."""
    return rollup.latency_sum_ms / rollup.latency_count if rollup.latency_count else None


def availability(rollup: Rollup) -> float | None:
    """
    The share of measurements in which the target served, from 0 to 1; None when nothing was measured.

    Degraded is served. What was blocked, skipped, unknown or missed says nothing about the target
    and is left out.
    """
    served = rollup.up + rollup.degraded
    measured = served + rollup.down
    return served / measured if measured else None


def encode(sketch: Mapping[int, int]) -> str:
    """A sketch as text, ``bucket:count`` by spaces, in order: equal sketches give equal texts."""
    return " ".join(f"{bucket}:{sketch[bucket]}" for bucket in sorted(sketch))


def decode(text: str) -> Mapping[int, int]:
    """
    The sketch that `encode` wrote.

    Raises:
        ValueError: The text was not written by `encode`.
    """
    sketch: dict[int, int] = {}
    for entry in text.split():
        bucket, _, count = entry.partition(":")
        sketch[int(bucket)] = int(count)
    return sketch


def floor_minute(instant: datetime) -> datetime:
    """The start of the instant's minute, in UTC."""
    return _in_utc(instant).replace(second=0, microsecond=0)


def floor_hour(instant: datetime) -> datetime:
    """The start of the instant's hour, in UTC."""
    return _in_utc(instant).replace(minute=0, second=0, microsecond=0)


def floor_day(instant: datetime) -> datetime:
    """The start of the instant's day, in UTC."""
    return _in_utc(instant).replace(hour=0, minute=0, second=0, microsecond=0)


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is UTC:
        return instant
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no time zone.")
    return instant.astimezone(UTC)


def _least(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else min(a, b)


def _most(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)


def _sums(a: Mapping[_Key, _Number], b: Mapping[_Key, _Number]) -> Mapping[_Key, _Number]:
    if not a or not b:
        return a or b
    sums = dict(a)
    for key, value in b.items():
        sums[key] = sums[key] + value if key in sums else value
    return sums

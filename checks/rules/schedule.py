"""
When a check is due: on a grid of fixed seconds, or by a cron expression on a zone's wall clock.

All slots are instants in UTC, and `next_slot` is strictly monotone: no slot comes twice and none
lies before the one it follows. Spans are half open throughout, ``(after, until]``.

What happens to a cron expression when clocks change is told in `checks.rules.cron`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from checks.rules import cron
from checks.rules.cron import Cron, parse_cron

__all__ = [
    "LATE_RUN_LIMIT",
    "PHASE_STEP_MS",
    "CatchUp",
    "Cron",
    "Every",
    "Schedule",
    "Slots",
    "catch_up",
    "next_slot",
    "offset_ms",
    "parse_cron",
    "slots_between",
]

PHASE_STEP_MS = 100
"""Offsets are multiples of this, so that checks which start close together share one wake-up."""

LATE_RUN_LIMIT = timedelta(minutes=5)
"""A missed slot older than this is not run late any more."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Every:
    """
    A stable grid from the Unix epoch: slot = k * seconds + offset.

    Attributes:
        seconds: Distance between two slots.
        offset_ms: Where in the interval the slots lie, in milliseconds; see `offset_ms`.
    """

    seconds: int
    offset_ms: int = 0


Schedule = Every | Cron


@dataclass(frozen=True, slots=True)
class Slots:
    """How many slots a span holds, and the newest of them; None when it holds none."""

    count: int
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class CatchUp:
    """
    What to do about a check that is due. The run and the missed slots together are all slots.

    Attributes:
        run: The slot to run now; None when all are too old, or nothing is due yet.
        missed: How many slots pass without a run.
        first_missed: The oldest of them.
        last_missed: The newest of them.
        next_due: The first slot after now.
    """

    run: datetime | None
    missed: int
    first_missed: datetime | None
    last_missed: datetime | None
    next_due: datetime


def offset_ms(key: str, interval: timedelta) -> int:
    """
    Where in its interval a check runs, in milliseconds: the same for the same key at all times and
    on all machines, so that checks neither start together nor wander when Breakwater restarts.
    """
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    steps = max(1, interval // timedelta(milliseconds=PHASE_STEP_MS))
    return int.from_bytes(digest, "big") % steps * PHASE_STEP_MS


def next_slot(schedule: Schedule, after: datetime) -> datetime:
    """
    The first slot strictly after an instant, in UTC.

    Raises:
        InvalidInput: A cron expression or zone that `parse_cron` would have refused.
    """
    if isinstance(schedule, Cron):
        return cron.next_slot(schedule, after)
    step, offset = schedule.seconds * 1000, schedule.offset_ms
    now_ms = (after - _EPOCH) // _MILLISECOND
    return _instant(((now_ms - offset) // step + 1) * step + offset)


def slots_between(schedule: Schedule, after: datetime, until: datetime, limit: int | None = None) -> Slots:
    """
    The slots later than `after` and not later than `until`.

    Args:
        limit: The count goes no higher than this. The newest slot is exact all the same.
    Raises:
        InvalidInput: As `next_slot`.
    """
    if isinstance(schedule, Cron):
        count, newest = cron.slots_between(schedule, after, until)
    else:
        step, offset = schedule.seconds * 1000, schedule.offset_ms
        last = ((until - _EPOCH) // _MILLISECOND - offset) // step
        count = max(0, last - ((after - _EPOCH) // _MILLISECOND - offset) // step)
        newest = _instant(last * step + offset) if count else None
    return Slots(count if limit is None else min(count, limit), newest)


def catch_up(schedule: Schedule, due_at: datetime, now: datetime) -> CatchUp:
    """
    The missed-run policy: at most one late run, and every other slot accounted for.

    Of all slots from `due_at` to `now` only the newest can still run, and only while it is younger
    than the interval and `LATE_RUN_LIMIT`. An outage of a day is followed by one run and a count,
    not by a day's worth of runs.

    Args:
        due_at: The slot that was waited for. It counts as one even if the schedule has been
            changed since and would not have it any more.
    Raises:
        InvalidInput: As `next_slot`.
    """
    if due_at > now:
        return CatchUp(None, 0, None, None, due_at)
    next_due = next_slot(schedule, due_at)
    if next_due > now:
        newest, earlier = due_at, 0
    else:
        later = slots_between(schedule, due_at, now)
        newest, earlier = later.newest or due_at, later.count
        next_due = next_slot(schedule, now)
    if now - newest >= min(next_due - newest, LATE_RUN_LIMIT):
        return CatchUp(None, earlier + 1, due_at, newest, next_due)
    if earlier == 0:
        return CatchUp(newest, 0, None, None, next_due)
    before = slots_between(schedule, due_at, newest - timedelta(microseconds=1)).newest or due_at
    return CatchUp(newest, earlier, due_at, before, next_due)


def _instant(epoch_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=epoch_ms)

"""When what we know about a check is too old to be relied on."""

from __future__ import annotations

from datetime import datetime, timedelta

BEAT_SILENT = timedelta(seconds=15)
"""Beat ticks every second and signs at least every 5 s: this long without a sign means it has stopped."""
GRACE = timedelta(seconds=30)
"""What a probe's own time, a restart or a busy minute may cost before anything is called stale."""


def beat_is_silent(beat_seen_at: datetime | None, now: datetime) -> bool:
    return beat_seen_at is None or now - beat_seen_at > BEAT_SILENT


def is_stale(
    *,
    now: datetime,
    interval: timedelta | None,
    last_run_at: datetime | None,
    waiting_since: datetime,
    next_due_at: datetime | None,
    beat_silent: bool,
    paused: bool,
) -> bool:
    """
    Whether a status no longer speaks about the present.

    Args:
        interval: Between two slots; None for a cron schedule, whose slots lie unevenly: there the
            slot that nobody has taken tells.
        last_run_at: When the last probe began; None before the first.
        waiting_since: When the check was defined: from then on a first run can be expected.
        next_due_at: The next slot that nobody has taken; None while the check is paused.
        beat_silent: Nothing is being run at all, so everything grows stale, whatever its interval.
        paused: A paused check is old on purpose, and says so by its flag.
    """
    if paused:
        return False
    if beat_silent:
        return True
    if interval is None:
        return next_due_at is not None and now - next_due_at > GRACE
    return now - (last_run_at or waiting_since) > max(3 * interval, interval + GRACE)

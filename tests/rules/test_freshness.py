"""When a status is too old to be relied on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from checks.rules.freshness import BEAT_SILENT, beat_is_silent, is_stale

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def stale(*, interval=60, ran=None, defined=86_400, due=None, silent=False, paused=False):
    """All times in seconds before noon; `interval` None for cron."""

    def before(seconds):
        return None if seconds is None else NOON - timedelta(seconds=seconds)

    return is_stale(
        now=NOON,
        interval=None if interval is None else timedelta(seconds=interval),
        last_run_at=before(ran),
        waiting_since=before(defined),
        next_due_at=before(due),
        beat_silent=silent,
        paused=paused,
    )


@pytest.mark.parametrize(
    ("interval", "ran", "expected"),
    [(60, 179, False), (60, 181, True), (1, 30, False), (1, 32, True), (604_800, 1_814_000, False)],
)
def test_interval__of_three_without_a_run__is_stale_but_short_ones_get_some_grace(interval, ran, expected):
    assert stale(interval=interval, ran=ran) is expected


def test_new_check__has_the_same_time_for_its_first_run():
    assert stale(defined=100) is False
    assert stale(defined=200) is True


def test_cron__is_stale_when_its_slot_stays_untaken():
    assert stale(interval=None, ran=86_000, due=-3_600) is False
    assert stale(interval=None, ran=86_000, due=31) is True


def test_silent_beat__makes_everything_stale_but_what_is_paused():
    assert stale(ran=1, silent=True) is True
    assert stale(ran=1, silent=True, paused=True) is False


def test_beat__is_silent_before_its_first_sign_and_long_after_its_last():
    assert beat_is_silent(None, NOON) is True
    assert beat_is_silent(NOON - BEAT_SILENT, NOON) is False
    assert beat_is_silent(NOON - BEAT_SILENT - timedelta(seconds=1), NOON) is True

"""Rollups: every result is in exactly one minute, hour and day, however late it came."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from checks import bus
from checks.commands import rollups
from checks.commands.actor import SYSTEM
from checks.commands.late_results import merge_late
from checks.commands.rollups import ForgetOld, RollUp
from checks.models import Result, Rollup, partitions, rollup_rows
from checks.rules.outcome import Outcome
from checks.rules.status import Standing, Status
from checks.runner.assignment import Assignment, Observation

pytestmark = pytest.mark.django_db

UNKNOWN = Standing(Status.UNKNOWN)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def at(monkeypatch):
    """Set the database's clock, as far as rollups look at it."""

    def at(now: datetime) -> None:
        monkeypatch.setattr(rollups, "database_now", lambda: now)

    return at


def stored(check_id: int, slot: datetime, verdict: str = "up", latency_ms: float | None = 10) -> None:
    Result.objects.create(
        check_id=check_id,
        slot=slot,
        started_at=slot,
        verdict=verdict,
        latency_ms=latency_ms,
        late_ms=0,
        detail={"phases": {"dns": 1.0, "connect": 2.0}},
    )


def late(check_id: int, slot: datetime) -> Observation:
    assignment = Assignment(
        check_id=check_id,
        slug="api",
        slot=slot,
        start_at=slot,
        next_due_at=slot,
        fence=1,
        standing=UNKNOWN,
        strip="",
        prepared=None,
    )
    return Observation(
        assignment=assignment,
        started_at=slot,
        ended_at=slot,
        late_ms=0,
        latency_ms=30,
        attempts=1,
        outcome=Outcome.up("late", phases_ms={"dns": 1.0}),
    )


def sums(span: int) -> dict[datetime, tuple[int, int, int]]:
    rows = Rollup.objects.filter(span_minutes=span).order_by("start")
    return {row.start: (row.up, row.down, row.latency_count) for row in rows}


def test_roll_up__closed_minute__is_summed_and_an_open_one_waits(define, at):
    check_id = define().pk
    for second in range(0, 120, 10):
        stored(check_id, MIDNIGHT + timedelta(seconds=second), "down" if second == 30 else "up")
    at(MIDNIGHT + timedelta(minutes=1) + rollups.CLOSED_AFTER[Rollup.MINUTE])
    bus.handle(RollUp(), actor=SYSTEM)
    assert sums(Rollup.MINUTE) == {MIDNIGHT: (5, 1, 6)}
    row = Rollup.objects.get()
    assert row.phases_ms == {"dns": 6.0, "connect": 12.0}


def test_roll_up__a_day_in_pieces__hours_and_day_agree_with_the_raw_results(define, at):
    check_id = define().pk
    for minute in range(0, 24 * 60, 20):
        stored(check_id, MIDNIGHT + timedelta(minutes=minute))
    now = MIDNIGHT + timedelta(days=1, minutes=15)
    at(now)
    while bus.handle(RollUp(), actor=SYSTEM):
        pass
    assert sum(up for up, _, _ in sums(Rollup.MINUTE).values()) == 72
    assert sums(Rollup.HOUR) == {MIDNIGHT + timedelta(hours=hour): (3, 0, 3) for hour in range(24)}
    assert sums(Rollup.DAY) == {MIDNIGHT: (72, 0, 72)}


def test_roll_up__again__changes_nothing(define, at):
    stored(define().pk, MIDNIGHT)
    at(MIDNIGHT + timedelta(minutes=10))
    bus.handle(RollUp(), actor=SYSTEM)
    before = list(Rollup.objects.values_list(*rollup_rows.COLUMNS))
    assert bus.handle(RollUp(), actor=SYSTEM) == 0
    assert list(Rollup.objects.values_list(*rollup_rows.COLUMNS)) == before


def test_late_result__of_a_summed_span__is_added_to_each_sum(define, at):
    check_id = define().pk
    stored(check_id, MIDNIGHT)
    at(MIDNIGHT + timedelta(days=1, minutes=15))
    while bus.handle(RollUp(), actor=SYSTEM):
        pass
    slot = MIDNIGHT + timedelta(seconds=30)
    merge_late([late(check_id, slot)], MIDNIGHT + timedelta(days=1, minutes=15))
    for span in (Rollup.MINUTE, Rollup.HOUR, Rollup.DAY):
        assert sums(span) == {MIDNIGHT: (2, 0, 2)}


def test_late_result__its_transaction_began_before_its_minute_was_summed__is_added(define, at):
    check_id = define().pk
    stored(check_id, MIDNIGHT)
    at(MIDNIGHT + timedelta(minutes=1) + rollups.CLOSED_AFTER[Rollup.MINUTE])
    bus.handle(RollUp(), actor=SYSTEM)
    began_at = MIDNIGHT + timedelta(seconds=59) + rollups.CLOSED_AFTER[Rollup.MINUTE]
    merge_late([late(check_id, MIDNIGHT + timedelta(seconds=59))], began_at)
    assert sums(Rollup.MINUTE) == {MIDNIGHT: (2, 0, 2)}


def test_forget__after_an_outage_longer_than_the_retention__waits_for_the_sums(define, at, settings):
    check_id = define().pk
    stopped_at = MIDNIGHT + timedelta(hours=11, minutes=30)
    for minutes in range(-60, 0, 10):
        stored(check_id, stopped_at + timedelta(minutes=minutes))
    at(stopped_at - timedelta(minutes=5))
    while bus.handle(RollUp(), actor=SYSTEM):
        pass
    settings.MINUTE_RETENTION = settings.RESULT_RETENTION = timedelta(hours=1)
    at(stopped_at + timedelta(hours=6))
    bus.handle(ForgetOld(), actor=SYSTEM)
    while bus.handle(RollUp(), actor=SYSTEM):
        bus.handle(ForgetOld(), actor=SYSTEM)
    assert sums(Rollup.HOUR) == {
        MIDNIGHT + timedelta(hours=10): (3, 0, 3),
        MIDNIGHT + timedelta(hours=11): (3, 0, 3),
    }


def test_forget__old_results_and_rollups__go_and_recent_ones_stay(define, at, settings):
    check_id = define().pk
    now = MIDNIGHT + timedelta(days=30, hours=12)
    for days in (0, 20, 29):
        stored(check_id, MIDNIGHT + timedelta(days=days))
        Rollup.objects.create(
            check_id=check_id, span_minutes=Rollup.MINUTE, start=MIDNIGHT + timedelta(days=days)
        )
    at(now)
    settings.RESULT_RETENTION = settings.MINUTE_RETENTION = timedelta(days=7)
    bus.handle(ForgetOld(), actor=SYSTEM)
    if connection.vendor == "sqlite":
        assert [row.slot for row in Result.objects.all()] == [MIDNIGHT + timedelta(days=29)]
    assert [row.start for row in Rollup.objects.all()] == [MIDNIGHT + timedelta(days=29)]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has partitions")
def test_forget__on_postgresql__makes_coming_days_and_drops_old_ones(define, at, settings):
    check_id = define().pk
    now = MIDNIGHT + timedelta(hours=12)
    stored(check_id, MIDNIGHT + timedelta(hours=1))
    at(now)
    bus.handle(ForgetOld(), actor=SYSTEM)
    assert partitions.days(connection) == [(MIDNIGHT + timedelta(days=days)).date() for days in range(3)]
    assert Result.objects.count() == 1
    at(now + timedelta(days=30))
    settings.RESULT_RETENTION = timedelta(days=7)
    bus.handle(ForgetOld(), actor=SYSTEM)
    assert Result.objects.count() == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has partitions")
@pytest.mark.django_db(transaction=True)
def test_forget__two_at_once__make_each_day_once(define, at):
    """As a second beat has it."""
    at(MIDNIGHT)
    failed, start = [], threading.Barrier(2)

    def forget() -> None:
        start.wait()
        try:
            bus.handle(ForgetOld(), actor=SYSTEM)
        except Exception as error:  # noqa: BLE001
            failed.append(error)
        finally:
            connection.close()

    both = [threading.Thread(target=forget) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert failed == []
    assert len(partitions.days(connection)) == 3
    for day in partitions.days(connection):
        partitions.drop_day(connection, day)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has partitions")
def test_forget__old_result_that_came_late__goes_from_the_default_partition_too(define, at, settings):
    stored(define().pk, MIDNIGHT - timedelta(days=30))
    settings.RESULT_RETENTION = timedelta(days=7)
    at(MIDNIGHT)
    bus.handle(ForgetOld(), actor=SYSTEM)
    assert Result.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_roll_up__two_at_once_while_a_late_result_comes__sum_it_once(define, at, observe):
    check_id = define().pk
    for minute in range(10):
        stored(check_id, MIDNIGHT + timedelta(minutes=minute))
    at(MIDNIGHT + timedelta(minutes=30))
    failed, start = [], threading.Barrier(3)
    slot = MIDNIGHT + timedelta(minutes=5, seconds=30)

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001
            failed.append(error)
        finally:
            connection.close()

    def come_late() -> None:
        with transaction.atomic():
            stored(check_id, slot)
            merge_late([late(check_id, slot)], MIDNIGHT + timedelta(minutes=30))

    work = (lambda: bus.handle(RollUp(), actor=SYSTEM), lambda: bus.handle(RollUp(), actor=SYSTEM), come_late)
    threads = [threading.Thread(target=run, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sum(up for up, _, _ in sums(Rollup.MINUTE).values()) == 11

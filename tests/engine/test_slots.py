"""Slots: claimed once, accounted for always."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from checks import bus
from checks.commands import slots
from checks.commands.actor import SYSTEM
from checks.commands.checks import PauseCheck, RunCheckNow
from checks.commands.results import RecordResults
from checks.commands.slots import ClaimSlots, ReleaseSlots, WriteOffLostSlots
from checks.errors import Conflict
from checks.events import store
from checks.models import CheckState, Result
from checks.rules.outcome import Outcome
from checks.rules.schedule import Every, next_slot, offset_ms

pytestmark = pytest.mark.django_db


def claim(worker: str = "one", limit: int = 100):
    return bus.handle(ClaimSlots(location="default", worker=worker, limit=limit), actor=SYSTEM)


def record(*observations):
    return bus.handle(RecordResults(observations=observations, worker="one"), actor=SYSTEM)


def events(slug: str = "api") -> list[tuple[str, dict]]:
    return [(event.type, dict(event.data)) for event in store.read_stream(f"check-{slug}")]


def types(slug: str = "api") -> list[str]:
    return [type_ for type_, _ in events(slug)]


def test_claim__due_check__is_leased_to_one_worker_only(define):
    define()
    (assignment,) = claim("one")
    assert assignment.slug == "api"
    assert claim("two") == []
    state = CheckState.objects.get()
    assert (state.leased_slot, state.leased_by) == (assignment.slot, "one")
    assert state.next_due_at > assignment.slot


def test_claim__slot_of_the_next_tick__is_handed_out_with_its_exact_instant(define):
    state = define(due=timedelta(seconds=1.5))
    (assignment,) = claim()
    assert assignment.start_at == assignment.slot == state.next_due_at


def test_claim__slot_beyond_the_look_ahead__waits(define):
    define(due=timedelta(seconds=30))
    assert claim() == []


def test_claim__more_than_the_limit__leaves_the_rest_for_others(define):
    for number in range(5):
        define(f"c{number}")
    first, rest = claim(limit=3), claim("two")
    assert {item.slug for item in first} | {item.slug for item in rest} == {
        f"c{number}" for number in range(5)
    }
    assert len(first) == 3


def test_claim__after_an_outage__runs_once_and_says_what_was_missed(define):
    define(interval=60, due=-timedelta(hours=1))
    (assignment,) = claim()
    now = datetime.now(UTC)
    assert now - assignment.slot < timedelta(seconds=60)
    ((_, missed),) = [event for event in events() if event[0] == "SlotsMissed"]
    assert missed["count"] in (59, 60)
    assert CheckState.objects.get().strip == "-" * 60 or CheckState.objects.get().strip == "-" * 59


def test_claim__newest_missed_slot_too_old__runs_none_and_goes_on_at_the_next(define, monkeypatch):
    define(interval=7200)
    slot = next_slot(Every(7200, offset_ms("api", timedelta(hours=2))), datetime.now(UTC))
    CheckState.objects.update(next_due_at=slot)
    monkeypatch.setattr(slots, "database_now", lambda: slot + timedelta(minutes=20))
    assert claim() == []
    after = CheckState.objects.get()
    assert "SlotsMissed" in types()
    assert after.leased_slot is None
    assert after.next_due_at == slot + timedelta(hours=2)


def test_claim__definition_that_cannot_be_carried_out__is_unknown_not_down(define, monkeypatch, observe):
    monkeypatch.setenv("TARGET_HOST", "127.0.0.1")
    define(host="${TARGET_HOST}")
    monkeypatch.delenv("TARGET_HOST")
    (assignment,) = claim()
    assert assignment.prepared is None
    assert "TARGET_HOST" in assignment.defect
    record(observe(assignment, Outcome.unknown(assignment.defect), latency_ms=None))
    assert Result.objects.get().verdict == "unknown"


@pytest.mark.django_db(transaction=True)
def test_claim__many_workers_at_once__each_slot_has_one_owner(define):
    for number in range(40):
        define(f"c{number}")
    claimed: list[str] = []
    start = threading.Barrier(4)

    def work(name: str) -> None:
        start.wait()
        try:
            for _ in range(10):
                claimed.extend(item.slug for item in claim(name, limit=5))
        finally:
            connection.close()

    workers = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(claimed) == sorted(f"c{number}" for number in range(40))


def test_record__result__is_stored_and_frees_the_check(define, observe):
    define()
    (assignment,) = claim()
    record(observe(assignment))
    result = Result.objects.get()
    assert (result.slot, result.verdict, result.latency_ms) == (assignment.slot, "up", 12.5)
    state = CheckState.objects.get()
    assert (state.status, state.strip, state.leased_slot) == ("up", "u", None)


def test_record__transition__is_one_event_with_its_reason(define, observe):
    define(failure_threshold=1)
    (assignment,) = claim()
    record(observe(assignment, Outcome.down("refused"), latency_ms=None))
    ((_, data),) = [event for event in events() if event[0] == "StatusChanged"]
    assert (data["before"], data["after"], data["reason"]) == (
        "unknown",
        "down",
        "failures_reached_threshold",
    )


def test_record__same_result_twice__counts_once(define, observe):
    define()
    (assignment,) = claim()
    record(observe(assignment))
    record(observe(assignment))
    assert Result.objects.count() == 1
    assert CheckState.objects.get().strip == "u"


def test_record__after_the_lease_was_written_off__is_refused(define, observe):
    define()
    (assignment,) = claim()
    bus.handle(WriteOffLostSlots(all_leases=True), actor=SYSTEM)
    record(observe(assignment))
    assert not Result.objects.exists()
    assert "SlotLost" in types()


def test_record__after_a_pause__is_refused(define, observe):
    define()
    (assignment,) = claim()
    bus.handle(PauseCheck(slug="api"), actor=SYSTEM)
    record(observe(assignment))
    assert not Result.objects.exists()


def test_record__run_that_went_on_past_its_next_slot__is_an_overrun(define, observe):
    define(due=-timedelta(milliseconds=10))
    (assignment,) = claim()
    next_due_at = assignment.slot + timedelta(milliseconds=1)
    CheckState.objects.update(next_due_at=next_due_at)
    record(observe(replace(assignment, next_due_at=next_due_at), lasted=timedelta(milliseconds=5)))
    ((_, overrun),) = [event for event in events() if event[0] == "SlotOverrun"]
    assert overrun["count"] == 1
    state = CheckState.objects.get()
    assert state.strip == "u-"
    assert state.next_due_at > assignment.slot + timedelta(milliseconds=1)


def test_record__next_slot_is_near__is_claimed_along_with_it(define, observe):
    define(interval=1, timeout=1)
    (assignment,) = claim()
    (near,) = record(observe(assignment))
    assert assignment.slot < near.slot <= assignment.slot + timedelta(seconds=1)
    assert near.fence == assignment.fence + 1
    assert claim("two") == []


def test_release__unbegun_slot__is_due_again_and_leaves_no_trace(define, observe):
    define()
    (assignment,) = claim()
    bus.handle(ReleaseSlots(assignments=[assignment]), actor=SYSTEM)
    (again,) = claim("two")
    assert again.slot == assignment.slot
    assert set(types()) == {"CheckDefined"}
    record(observe(assignment))
    assert not Result.objects.exists()


def test_write_off__lease_still_running__is_left_alone(define):
    define()
    claim()
    assert bus.handle(WriteOffLostSlots(), actor=SYSTEM) == 0


def test_write_off__lease_run_out__is_accounted_for_and_due_again(define):
    define(interval=1, timeout=1)
    (assignment,) = claim()
    CheckState.objects.update(leased_until=datetime.now(UTC) - timedelta(seconds=1))
    assert bus.handle(WriteOffLostSlots(), actor=SYSTEM) == 1
    ((_, lost),) = [event for event in events() if event[0] == "SlotLost"]
    assert lost["slot"] == assignment.slot.isoformat()
    assert CheckState.objects.get().strip == "-"
    assert len(claim("two")) == 1


def test_run_now__idle_check__is_due_at_once(define):
    define(due=timedelta(minutes=10))
    bus.handle(RunCheckNow(slug="api"), actor=SYSTEM)
    assert len(claim()) == 1


def test_run_now__running_check__is_told(define):
    define()
    claim()
    with pytest.raises(Conflict, match="running"):
        bus.handle(RunCheckNow(slug="api"), actor=SYSTEM)

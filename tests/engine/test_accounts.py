"""Whatever happens between a claim and its result, each slot that came has one end, and the log knows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from checks import bus
from checks.commands import results, slots
from checks.commands.actor import SYSTEM
from checks.commands.checks import DefineCheck, PauseCheck, RemoveCheck, RunCheckNow
from checks.commands.results import RecordResults
from checks.commands.slots import ClaimSlots
from checks.events import store
from checks.models import Check, CheckState, Result
from checks.rules.outcome import Outcome
from tests.engine.accounting import account_of

pytestmark = pytest.mark.django_db

TCP = {"kind": "tcp", "host": "127.0.0.1", "port": 9}


def claim(worker: str = "one"):
    return bus.handle(ClaimSlots(location="default", worker=worker, limit=100), actor=SYSTEM)


def record(*observations):
    return bus.handle(RecordResults(observations=observations, worker="one"), actor=SYSTEM)


def change(slug: str = "api", **definition) -> None:
    bus.handle(DefineCheck(slug=slug, definition=TCP | definition, source="admin"), actor=SYSTEM)


def told(type_: str, slug: str = "api") -> list[dict]:
    return [dict(event.data) for event in store.read_stream(f"check-{slug}") if event.type == type_]


@pytest.fixture
def clock(monkeypatch) -> Callable[[datetime], None]:
    """Set the database's clock, as far as claims and results look at it."""

    def clock(now: datetime) -> None:
        monkeypatch.setattr(slots, "database_now", lambda: now)
        monkeypatch.setattr(results, "database_now", lambda: now)

    return clock


def test_definition_changes_while_a_slot_runs__result_counts_and_the_new_grid_goes_on_after_it(
    define, observe
):
    define(interval=1, timeout=1, due=timedelta(seconds=1))
    (assignment,) = claim()
    change(interval=2, timeout=1)
    due_at = CheckState.objects.get().next_due_at
    assert due_at > assignment.slot, "two results of one slot, one of them lost"
    record(observe(assignment))
    assert Result.objects.get().slot == assignment.slot
    assert CheckState.objects.get().strip == "u"


def test_definition_changes_while_slots_are_overdue__they_are_missed_not_forgotten(define):
    define(interval=60, due=-timedelta(minutes=30))
    change(interval=120)
    claim()
    (missed,) = told("SlotsMissed")
    assert missed["count"] in (14, 15, 16)


def test_run_now__slots_are_overdue__they_are_missed_not_forgotten(define):
    define(interval=60, due=-timedelta(minutes=30))
    bus.handle(RunCheckNow(slug="api"), actor=SYSTEM)
    assert len(claim()) == 1
    (missed,) = told("SlotsMissed")
    assert missed["count"] in (29, 30)


def test_pause__slot_is_running__the_log_says_what_became_of_it(define, observe):
    define()
    (assignment,) = claim()
    bus.handle(PauseCheck(slug="api"), actor=SYSTEM)
    (missed,) = told("SlotsMissed")
    assert (missed["first"], missed["why"]) == (assignment.slot.isoformat(), "paused while it ran")
    record(observe(assignment))
    assert (Result.objects.count(), CheckState.objects.get().strip) == (0, "-")


def test_pause__slots_are_overdue__they_are_missed(define):
    define(interval=60, due=-timedelta(minutes=30))
    bus.handle(PauseCheck(slug="api"), actor=SYSTEM)
    (missed,) = told("SlotsMissed")
    assert missed["count"] in (30, 31)


def test_remove__slot_is_running__its_result_is_refused_and_others_are_stored(define, observe):
    define("gone"), define("stays")
    both = claim()
    bus.handle(RemoveCheck(slug="gone"), actor=SYSTEM)
    record(*map(observe, both))
    assert [result.check_id for result in Result.objects.all()] == [Check.objects.get(slug="stays").pk]


def test_overrun_of_a_second_for_a_week__is_counted_at_once(define, observe, clock):
    """The database was away; counting slot by slot would hold its lock for minutes."""
    define(interval=1, timeout=1)
    (assignment,) = claim()
    week_later = assignment.slot + timedelta(days=7)
    clock(week_later)
    record(observe(assignment, lasted=timedelta(seconds=1.5)))
    (overrun,) = told("SlotOverrun")
    assert overrun["count"] in (7 * 86_400, 7 * 86_400 - 1)
    assert week_later < CheckState.objects.get().next_due_at <= week_later + timedelta(seconds=3)


def test_overrun_by_the_workers_clock_alone__slot_can_still_be_run_in_time(define, observe, clock):
    define(interval=60)
    (assignment,) = claim()
    clock(assignment.slot)
    record(observe(assignment, lasted=timedelta(minutes=5)))  # its clock goes wrong, or ours does
    assert told("SlotOverrun") == []
    assert CheckState.objects.get().next_due_at == assignment.next_due_at


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), -timedelta(minutes=5)])
def test_claim__clock_of_the_worker_is_wrong__probe_begins_when_the_database_says(define, clock, ahead):
    """Else it would begin minutes early, or wait until its lease has run out."""
    here = datetime.now(UTC)
    define(due=-ahead)
    clock(here - ahead)
    (assignment,) = claim()
    assert assignment.slot == CheckState.objects.get().leased_slot
    assert abs(assignment.start_at - here) < timedelta(seconds=2)


@pytest.mark.parametrize("planted", [None, [], "text", 5, {"kind": None}, {"kind": "strange"}])
def test_claim__row_that_no_command_wrote__is_misconfigured_and_stops_nobody(
    define, observe, planted, caplog
):
    planted_id = define("planted").pk
    define("sound")
    Check.objects.filter(pk=planted_id).update(definition=planted if planted is not None else "null")
    claimed = {item.slug: item for item in claim()}
    assert claimed["sound"].prepared is not None
    assert claimed["planted"].defect.startswith("misconfigured: ")
    record(*(observe(item, Outcome.unknown(item.defect)) for item in claimed.values()))
    assert Result.objects.get(check_id=planted_id).verdict == "unknown"


def test_check_that_cannot_be_carried_out_for_long__does_not_stay_up(define, observe, monkeypatch):
    monkeypatch.setenv("TARGET_HOST", "127.0.0.1")
    define(host="${TARGET_HOST}")
    record(observe(claim()[0]))
    monkeypatch.delenv("TARGET_HOST")
    slots._known.clear()
    for _ in range(3):
        CheckState.objects.update(next_due_at=datetime.now(UTC))
        (assignment,) = claim()
        record(observe(assignment, Outcome.unknown(assignment.defect), latency_ms=None))
    assert CheckState.objects.get().status == "unknown"


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome.down("the banner was \ud800 \x00"),
        Outcome.down("slow", phases_ms={"connect": float("nan")}),
    ],
)
def test_record__value_that_no_database_holds__costs_neither_its_verdict_nor_the_others(
    define, observe, outcome, caplog
):
    for number in range(5):
        define(f"c{number}")
    claimed = claim()
    odd = claimed[2].check_id
    record(*(observe(item, outcome if item.check_id == odd else None) for item in claimed))
    assert Result.objects.count() == 5
    assert Result.objects.get(check_id=odd).verdict == "down"
    assert CheckState.objects.filter(leased_slot=None).count() == 5


def test_cron__claimed_and_recorded__keeps_to_its_wall_clock(define, observe):
    define(cron="*/5 * * * *", timezone="Europe/Berlin", due=-timedelta(seconds=1))
    (assignment,) = claim()
    record(observe(assignment))
    state = CheckState.objects.get()
    assert (state.next_due_at.minute % 5, state.next_due_at.second) == (0, 0)
    assert Result.objects.get().slot == assignment.slot


def test_batches_doubled_and_out_of_order__change_nothing(define, observe, clock):
    define(interval=60)
    batches = []
    for _ in range(5):
        clock(CheckState.objects.get().next_due_at)
        batches.append([observe(item) for item in claim()])
        record(*batches[-1])
        record(*batches[-1], *batches[0])
    assert claim("two") == [], "a doubled wake-up claims nothing twice"
    for batch in reversed(batches):
        record(*batch, *batch)
    account = account_of(Check.objects.get())
    assert (account.results, account.unaccounted, account.contradictory) == (5, [], [])
    assert CheckState.objects.get().strip == "uuuuu"

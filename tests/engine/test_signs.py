"""Signs of life, and what they show: a beat that is silent, a clock that was set back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from checks import bus
from checks.commands import signs
from checks.commands.actor import SYSTEM
from checks.commands.clock_steps import STREAM
from checks.commands.signs import GiveSign
from checks.commands.slots import ClaimSlots
from checks.events import store
from checks.models import Checkpoint, CheckState, WorkerSign

pytestmark = pytest.mark.django_db


@pytest.fixture
def sign(monkeypatch) -> Callable[..., None]:
    """A worker's sign at an instant of the database's clock."""

    def sign(now: datetime, worker: str = "one", beat_seen_ago: timedelta | None = None) -> None:
        monkeypatch.setattr(signs, "database_now", lambda: now)
        wanted = GiveSign(
            worker=worker,
            locations=["default"],
            started_at=now,
            in_flight=0,
            lateness_p99_ms=None,
            retries=0,
            beat_seen_ago=beat_seen_ago,
        )
        bus.handle(wanted, actor=SYSTEM)

    return sign


def steps() -> list[float]:
    return [event.data["back_by_seconds"] for event in store.read_stream(STREAM)]


def test_beat__was_seen_by_one_of_two_workers__is_not_silent(sign):
    now = datetime.now(UTC)
    sign(now, "one", timedelta(0))
    sign(now, "two", timedelta(minutes=5))
    assert WorkerSign.objects.get(worker="beat").seen_at == now


def test_clock__set_back_an_hour__checks_go_on_at_once_and_leases_keep_their_length(define, sign):
    now = datetime.now(UTC)
    define("often", interval=60, due=timedelta(seconds=30))
    define("daily", interval=86_400, due=timedelta(hours=20))
    define("wall-clock", cron="*/5 * * * *", due=timedelta(minutes=3))
    define("leased", due=timedelta(0))
    (leased,) = bus.handle(ClaimSlots(location="default", worker="one", limit=9), actor=SYSTEM)
    Checkpoint.objects.create(name="rollup-minute", reached=now.replace(second=0, microsecond=0))
    sign(now)
    back = now - timedelta(hours=1)
    sign(back + timedelta(seconds=5))
    sign(back + timedelta(seconds=10), "two")
    due = dict(CheckState.objects.values_list("check_ref__slug", "next_due_at"))
    assert due["often"] <= back + timedelta(seconds=66)
    assert due["wall-clock"] <= back + timedelta(minutes=6)
    assert due["daily"] <= back + timedelta(days=1)
    assert CheckState.objects.get(pk=leased.check_id).leased_until < now
    assert Checkpoint.objects.get().reached <= back + timedelta(seconds=5)
    assert steps() == [3595.0]


def test_clock__corrected_by_seconds_or_set_forward__is_no_step_back(define, sign):
    now = datetime.now(UTC)
    state = define(interval=60, due=timedelta(seconds=30))
    sign(now)
    sign(now - timedelta(seconds=3))
    sign(now + timedelta(hours=1))
    assert steps() == []
    assert CheckState.objects.get().next_due_at == state.next_due_at

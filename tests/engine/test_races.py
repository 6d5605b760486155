"""Claims, results and changes at the same moment: nobody waits for ever, and nobody fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from django.db import connection

from checks import bus
from checks.commands.actor import SYSTEM
from checks.commands.checks import DefineCheck, PauseCheck, RemoveCheck, ResumeCheck, RunCheckNow
from checks.commands.results import RecordResults
from checks.commands.rollups import ForgetOld, RollUp
from checks.commands.slots import ClaimSlots, WriteOffLostSlots
from checks.errors import Conflict, IllegalMove
from checks.events import store
from checks.models import CheckState, Event, partitions
from checks.rules.outcome import Outcome
from checks.runner.assignment import Observation

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 2.0
TCP = {"kind": "tcp", "host": "127.0.0.1", "port": 9, "timeout": 1}


def handle(command: object) -> object:
    return bus.handle(command, actor=SYSTEM)


def probe(worker: str, turn: int) -> None:
    claimed = handle(ClaimSlots(location="default", worker=worker, limit=4))
    outcome = Outcome.up() if turn % 3 else Outcome.down("refused")  # so that there are transitions
    observations = [
        Observation(
            assignment=item,
            started_at=item.start_at,
            ended_at=datetime.now(UTC),
            late_ms=0,
            latency_ms=1,
            attempts=1,
            outcome=outcome,
        )
        for item in claimed
    ]
    handle(RecordResults(observations=observations, worker=worker))


def change(turn: int) -> None:
    slug = f"c{turn % 6}"
    definition = TCP | {"interval": 1 + turn % 2, "failure_threshold": 1, "success_threshold": 1}
    handle(DefineCheck(slug=slug, definition=definition, source="admin"))
    with suppress(Conflict, IllegalMove):
        handle((RunCheckNow, PauseCheck, ResumeCheck)[turn % 3](slug=slug))
    if turn % 10 == 9:
        handle(RemoveCheck(slug=slug))


def keep_house(turn: int) -> None:
    handle((WriteOffLostSlots, RollUp, ForgetOld)[turn % 3]())


@pytest.fixture
def days_of_before() -> Iterator[None]:
    """Leave the partitions as they were: making one is committed at once."""
    yield
    if connection.vendor == "postgresql":
        for day in partitions.days(connection):
            partitions.drop_day(connection, day)


@pytest.mark.usefixtures("days_of_before")
def test_claims_results_changes_and_housekeeping_race__nobody_fails(define):
    for number in range(6):
        define(f"c{number}", interval=1, timeout=1)
    failed: list[BaseException] = []
    until = time.monotonic() + SECONDS

    def keep(work: Callable[[int], None]) -> None:
        turn = 0
        try:
            while time.monotonic() < until:
                work(turn)
                turn += 1
        except Exception as error:  # noqa: BLE001
            failed.append(error)
        finally:
            connection.close()

    work = (lambda turn: probe("one", turn), lambda turn: probe("two", turn), change, keep_house)
    threads = [threading.Thread(target=keep, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert [event.position for event in store.read_all(limit=100_000)] == list(range(1, store.head() + 1))
    assert Event.objects.filter(type="StatusChanged").exists()
    assert not CheckState.objects.filter(paused=True, leased_slot__isnull=False).exists()

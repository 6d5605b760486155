"""
Any history of claims, results, losses, pauses and outages accounts for every slot.

Workers are played by the test: what they hold they may record late, twice, give back, or take to their
graves. The clock is the test's too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from checks import bus
from checks.commands import checks, results, slots
from checks.commands.actor import SYSTEM
from checks.commands.checks import PauseCheck, ResumeCheck, RunCheckNow
from checks.commands.results import RecordResults
from checks.commands.slots import ClaimSlots, ReleaseSlots, WriteOffLostSlots
from checks.errors import Conflict, IllegalMove
from checks.models import Check, CheckState, Result
from checks.rules.outcome import Outcome
from checks.runner.assignment import Assignment, Observation
from tests.engine.accounting import account_of

pytestmark = pytest.mark.django_db

INTERVALS = {"second": 1, "three": 3, "minute": 60}
TURNS = 250


class Players:
    """Two workers, an impatient person, and a clock."""

    def __init__(self, chance: Random, now: datetime) -> None:
        self.chance = chance
        self.now = now
        self.held: list[Assignment] = []
        self.recorded: list[Observation] = []

    def time_passes(self) -> None:
        self.now += timedelta(seconds=self.chance.choice((0.01, 0.3, 1, 1, 2, 7, 400)))

    def claim(self) -> None:
        worker = self.chance.choice(("one", "two"))
        wanted = ClaimSlots(location="default", worker=worker, limit=self.chance.choice((1, 10)))
        self.held += bus.handle(wanted, actor=SYSTEM)

    def record(self) -> None:
        ready = [item for item in self.held if item.start_at <= self.now]
        self._record([item for item in ready if self.chance.random() < 0.8])

    def _record(self, some: list[Assignment]) -> None:
        observations = [self._observed(item) for item in some]
        self.held = [item for item in self.held if item not in some]
        self.recorded += observations
        batch = RecordResults(observations=observations, worker="one")
        self.held += bus.handle(batch, actor=SYSTEM)

    def _observed(self, assignment: Assignment) -> Observation:
        return Observation(
            assignment=assignment,
            started_at=assignment.start_at,
            ended_at=min(self.now, assignment.start_at + timedelta(seconds=self.chance.choice((0.02, 1.3)))),
            late_ms=0,
            latency_ms=1,
            attempts=1,
            outcome=self.chance.choice((Outcome.up(), Outcome.down("refused"))),
        )

    def record_again(self) -> None:
        batch = self.recorded[-5:]
        self.held += bus.handle(RecordResults(observations=batch, worker="two"), actor=SYSTEM)

    def give_back(self) -> None:
        some = [item for item in self.held if self.chance.random() < 0.3]
        self.held = [item for item in self.held if item not in some]
        bus.handle(ReleaseSlots(assignments=some), actor=SYSTEM)

    def die(self) -> None:
        self.held.clear()

    def sweep(self) -> None:
        bus.handle(WriteOffLostSlots(), actor=SYSTEM)

    def act(self) -> None:
        command = self.chance.choice((PauseCheck, ResumeCheck, ResumeCheck, RunCheckNow, RunCheckNow))
        with suppress(Conflict, IllegalMove):  # it may not be the moment for that
            bus.handle(command(slug=self.chance.choice(list(INTERVALS))), actor=SYSTEM)

    def come_to_rest(self) -> None:
        """All that is left comes to its end."""
        self.now += timedelta(minutes=1)
        for item in self.held:
            self._record([item])
        self.now += timedelta(minutes=1)
        self.sweep()
        for slug in CheckState.objects.filter(paused=True).values_list("check_ref__slug", flat=True):
            bus.handle(ResumeCheck(slug=slug), actor=SYSTEM)
        self.now += timedelta(minutes=2)
        self.held = bus.handle(ClaimSlots(location="default", worker="one", limit=10), actor=SYSTEM)
        self.now += timedelta(minutes=1)
        self._record(self.held)


@pytest.mark.parametrize("seed", range(8))
def test_any_history__every_slot_has_exactly_one_end(define: Callable[..., CheckState], monkeypatch, seed):
    players = Players(Random(seed), datetime.now(UTC))
    for module in (slots, results, checks):
        monkeypatch.setattr(module, "database_now", lambda: players.now)
    monkeypatch.setattr(slots, "_skew", lambda now: timedelta(0))
    for slug, seconds in INTERVALS.items():
        define(slug, due=None, interval=seconds, timeout=1)
    moves = (
        *(players.time_passes, players.claim, players.record) * 4,
        players.record_again, players.give_back, players.die, players.sweep, players.sweep,
        *(players.act,) * 3,
    )  # fmt: skip
    for _ in range(TURNS):
        players.chance.choice(moves)()
    players.come_to_rest()
    for check in Check.objects.all():
        account = account_of(check)
        assert (account.unaccounted, account.contradictory) == ([], []), (seed, check.slug)
        assert account.results == Result.objects.filter(check_id=check.pk).count() > 0

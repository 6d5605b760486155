"""
Results: a batch is one transaction that judges, stores, and appends an event for each transition.

A result counts only while its lease is the newest for its check: one that comes from a worker
that had been given up, twice, or after a pause is refused and said so in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, transaction

from checks.commands.actor import Actor
from checks.commands.late_results import merge_late
from checks.commands.slots import LOOK_AHEAD, ClaimSlots, claim_slots
from checks.events import store
from checks.events.store import Append, NewEvent
from checks.models import CheckState, Result, bulk, leases
from checks.models.clock import database_now
from checks.rules import schedule, strip
from checks.rules.outcome import Outcome, Verdict
from checks.rules.status import Thresholds, judge
from checks.runner.assignment import Assignment, Observation

log = logging.getLogger(__name__)

UNSTORABLE = (DataError, IntegrityError, ValueError)
"""What databases and their drivers raise for a value they cannot hold: a NUL, half a character, a NaN."""
UNPREPARED = Thresholds()
"""For a check that cannot be carried out: what it has been told about thresholds cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordResults:
    """Store what a worker has observed."""

    observations: Sequence[Observation]
    worker: str


RESULT = (
    "check_id",
    "slot",
    "started_at",
    "verdict",
    "latency_ms",
    "late_ms",
    "attempts",
    "output",
    "detail",
)


def record_results(command: RecordResults, actor: Actor) -> list[Assignment]:
    """
    Store the batch, and claim what has come due meanwhile and will be before beat's next tick.

    The latter lets a check with a short interval keep its time whatever the tick's phase.
    """
    observations = _store(list(command.observations), actor)
    now = database_now()
    near = {
        item.assignment.prepared.definition.location
        for item in observations
        if item.assignment.prepared is not None and item.assignment.next_due_at <= now + LOOK_AHEAD
    }
    claims = [
        ClaimSlots(location=location, worker=command.worker, limit=len(observations)) for location in near
    ]
    return [assignment for claim in claims for assignment in claim_slots(claim, actor)]


def _store(observations: list[Observation], actor: Actor) -> list[Observation]:
    """Store those that count, and return them. One that the database cannot hold is found and pared down."""
    try:
        while not _stored(observations, actor):
            observations = _still_held(observations)
    except UNSTORABLE:
        if len(observations) > 1:
            half = len(observations) // 2
            return _store(observations[:half], actor) + _store(observations[half:], actor)
        (item,) = observations
        if (less := _pared_down(item)) == item:
            raise
        log.exception("result.unstorable", extra={"check": item.assignment.slug})
        return _store([less], actor)
    return observations


def _pared_down(item: Observation) -> Observation:
    """The verdict and its sentence in plain characters, which every database holds."""
    sentence = item.outcome.output.encode("ascii", "backslashreplace").decode("ascii").replace("\0", "\\0")
    return replace(item, outcome=Outcome(verdict=item.outcome.verdict, output=sentence), latency_ms=None)


def _stored(observations: Sequence[Observation], actor: Actor) -> bool:
    """Store all, or nothing and return False when some of them do not count any more."""
    now = database_now()
    with transaction.atomic():
        appends: list[Append] = []
        settled = [_settled(item, appends) for item in observations]
        if leases.settle(settled) != len(settled):
            transaction.set_rollback(True)
            return False
        bulk.insert(Result, RESULT, map(_result, observations))
        _go_on_after_overrun(observations, now, appends)
        store.append_all(appends, now=now, metadata=actor.metadata())
        merge_late(observations, now)
    return True


def _still_held(observations: Sequence[Observation]) -> list[Observation]:
    """Those whose lease holds; the others are refused, and the log says so."""
    held = leases.held(item.assignment.check_id for item in observations)
    counting: dict[int, Observation] = {}
    for item in observations:
        wanted = item.assignment
        if held.get(wanted.check_id) == (wanted.fence, wanted.slot) and wanted.check_id not in counting:
            counting[wanted.check_id] = item
        else:
            log.warning("result.refused", extra={"check": wanted.slug, "slot": wanted.slot.isoformat()})
    return list(counting.values())


def _settled(item: Observation, appends: list[Append]) -> tuple[Any, ...]:
    """What ends the lease; the event of a transition is added to `appends`."""
    assignment, outcome = item.assignment, item.outcome
    thresholds = assignment.prepared.thresholds if assignment.prepared is not None else UNPREPARED
    judged = judge(assignment.standing, outcome.verdict, assignment.slot, thresholds)
    standing, since = judged.standing, None
    if (moved := judged.transition) is not None:
        since = standing.since
        data = {
            "before": str(moved.before),
            "after": str(moved.after),
            "reason": moved.reason,
            "slot": assignment.slot.isoformat(),
            "output": outcome.output[:500],
        }
        appends.append(Append(f"check-{assignment.slug}", [NewEvent("StatusChanged", data)]))
    served = outcome.verdict in (Verdict.UP, Verdict.DEGRADED)
    return (
        assignment.check_id,
        assignment.fence,
        assignment.slot,
        None,
        None,
        "",
        strip.extended(assignment.strip, outcome.verdict),
        str(standing.status),
        since,
        standing.failures,
        standing.impaired,
        standing.recoveries,
        standing.successes,
        standing.blameless,
        item.started_at,
        item.started_at if served else None,
        str(outcome.verdict),
        item.latency_ms,
        outcome.output,
    )


def _go_on_after_overrun(observations: Sequence[Observation], now: datetime, appends: list[Append]) -> None:
    """Where a run went on past its next slot, that slot is accounted for and the one after it is due."""
    for item in observations:
        assignment = item.assignment
        # The database's clock decides too: what it has not reached yet can still be run in time.
        if assignment.prepared is None or assignment.next_due_at >= min(item.ended_at, now):
            continue
        due_at, overrun = _after_overrun(assignment.prepared.schedule, assignment.next_due_at, now)
        recent = strip.gapped(strip.extended(assignment.strip, item.outcome.verdict), overrun["count"])
        # Somebody may have given the check another schedule meanwhile: then its next slot is theirs.
        found = CheckState.objects.filter(pk=assignment.check_id, next_due_at=assignment.next_due_at)
        if found.update(next_due_at=due_at, strip=recent):
            appends.append(Append(f"check-{assignment.slug}", [NewEvent("SlotOverrun", overrun)]))


def _after_overrun(
    plan: schedule.Schedule, due_at: datetime, now: datetime
) -> tuple[datetime, dict[str, Any]]:
    """The next slot still to come, and what the log says of those that the run went on through."""
    later = schedule.slots_between(plan, due_at, now)
    last = later.newest or due_at
    overrun = {"count": 1 + later.count, "first": due_at.isoformat(), "last": last.isoformat()}
    return schedule.next_slot(plan, now), overrun


def _result(item: Observation) -> tuple[Any, ...]:
    outcome = item.outcome
    return (
        item.assignment.check_id,
        item.assignment.slot,
        item.started_at,
        str(outcome.verdict),
        item.latency_ms,
        item.late_ms,
        item.attempts,
        outcome.output,
        _detail(outcome),
    )


def _detail(outcome: Outcome) -> dict[str, Any]:
    detail: dict[str, Any] = {}
    if outcome.phases_ms:
        detail["phases"] = {phase: round(value, 3) for phase, value in outcome.phases_ms.items()}
    if outcome.conditions:
        detail["conditions"] = [
            {
                "condition": result.condition,
                "explained": result.explained,
                "met": result.met,
                "degrades_only": result.degrades_only,
            }
            for result in outcome.conditions
        ]
    return detail

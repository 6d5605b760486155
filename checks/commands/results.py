"""
Results: a batch is one transaction that judges, stores, and appends an event for each transition.

A result counts only while its lease is the newest for its check: one that comes from a worker
that had been given up, twice, or after a pause is refused and said so in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from checks.commands.actor import Actor
from checks.commands.late_results import merge_late
from checks.commands.slots import LOOK_AHEAD, Claimable, lease, write_leases
from checks.events import store
from checks.events.store import Append, NewEvent
from checks.models import CheckState, Result, bulk
from checks.models.clock import database_now
from checks.rules import schedule, strip
from checks.rules.outcome import Outcome, Verdict
from checks.rules.status import Standing, Status, judge
from checks.runner.assignment import Assignment, Observation

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordResults:
    """Store what a worker has observed."""

    observations: Sequence[Observation]
    worker: str


class Row(NamedTuple):
    """What recording reads of a check's state, in the order of `READ`."""

    check_id: int
    version: int
    leased_slot: datetime | None
    fence: int
    next_due_at: datetime | None
    strip: str
    status: str
    since: datetime
    failures: int
    impaired: int
    recoveries: int
    successes: int
    blameless: int
    last_ok_at: datetime | None


READ = ("pk", "check_ref__version", *Row._fields[2:])
WRITTEN = (
    "leased_slot",
    "leased_until",
    "leased_by",
    "next_due_at",
    "strip",
    "status",
    "since",
    "failures",
    "impaired",
    "recoveries",
    "successes",
    "blameless",
    "last_run_at",
    "last_ok_at",
    "last_verdict",
    "last_latency_ms",
    "last_output",
)
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
    Store the batch, and claim along with it the slots that are due before beat's next tick.

    The latter lets a check with a short interval keep its time whatever the tick's phase.
    """
    with transaction.atomic():
        now = database_now()
        rows = _locked_rows([item.assignment.check_id for item in command.observations])
        accepted: list[tuple[Observation, Row]] = []
        for item in command.observations:
            row = rows.get(item.assignment.check_id)
            if row is None or row.fence != item.assignment.fence or row.leased_slot != item.assignment.slot:
                log.warning(
                    "result.refused",
                    extra={"check": item.assignment.slug, "slot": item.assignment.slot.isoformat()},
                )
                continue
            accepted.append((item, row))
        appends: list[Append] = []
        updates = [_update(item, row, now, appends) for item, row in accepted]
        bulk.insert(Result, RESULT, (_result(item) for item, _ in accepted))
        bulk.update(CheckState, "check_id", WRITTEN, updates)
        store.append_all(appends, now=now, metadata=actor.metadata())
        merge_late([item for item, _ in accepted], now)
        return _claim_near(accepted, updates, command.worker, now, actor)


def _locked_rows(check_ids: list[int]) -> dict[int, Row]:
    found = CheckState.objects.filter(pk__in=check_ids)
    if connection.features.has_select_for_update:
        # In one order everywhere, so that two batches never wait for each other in a circle.
        found = found.order_by("pk").select_for_update(of=("self",))
    return {row[0]: Row(*row) for row in found.values_list(*READ)}


def _update(item: Observation, row: Row, now: datetime, appends: list[Append]) -> tuple[Any, ...]:
    """The state's new columns; events that come of the result are added to `appends`."""
    assignment, outcome = item.assignment, item.outcome
    events: list[NewEvent] = []
    standing = Standing(
        Status(row.status),
        row.since,
        row.failures,
        row.impaired,
        row.recoveries,
        row.successes,
        row.blameless,
    )
    prepared = assignment.prepared
    if prepared is not None:
        verdict_on = judge(standing, outcome.verdict, assignment.slot, prepared.thresholds)
        standing = verdict_on.standing
        if (moved := verdict_on.transition) is not None:
            events.append(
                NewEvent(
                    "StatusChanged",
                    {
                        "before": str(moved.before),
                        "after": str(moved.after),
                        "reason": moved.reason,
                        "slot": assignment.slot.isoformat(),
                        "output": outcome.output[:500],
                    },
                )
            )
    recent = strip.extended(row.strip, outcome.verdict)
    next_due_at = row.next_due_at
    if prepared is not None and next_due_at is not None and next_due_at < item.ended_at:
        next_due_at, overrun = _after_overrun(prepared.schedule, next_due_at, now)
        recent = strip.gapped(recent, overrun["count"])
        events.append(NewEvent("SlotOverrun", overrun))
    if events:
        appends.append(Append(f"check-{assignment.slug}", events))
    good = outcome.verdict in (Verdict.UP, Verdict.DEGRADED)
    return (
        row.check_id,
        None,
        None,
        "",
        next_due_at,
        recent,
        str(standing.status),
        standing.since or now,
        standing.failures,
        standing.impaired,
        standing.recoveries,
        standing.successes,
        standing.blameless,
        item.started_at,
        item.started_at if good else row.last_ok_at,
        str(outcome.verdict),
        item.latency_ms,
        outcome.output,
    )


def _after_overrun(
    plan: schedule.Schedule, due_at: datetime, now: datetime
) -> tuple[datetime, dict[str, Any]]:
    """The next slot still to come, and what the log says of those that the run went on through."""
    first = last = due_at
    count = 0
    while due_at <= now:
        count, last = count + 1, due_at
        due_at = schedule.next_slot(plan, due_at)
    return due_at, {"count": count, "first": first.isoformat(), "last": last.isoformat()}


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


def _claim_near(
    accepted: Sequence[tuple[Observation, Row]],
    updates: Sequence[tuple[Any, ...]],
    worker: str,
    now: datetime,
    actor: Actor,
) -> list[Assignment]:
    horizon = now + LOOK_AHEAD
    leases = []
    for (item, row), update in zip(accepted, updates, strict=True):
        next_due_at, recent = update[NEXT_DUE_AT], update[STRIP]
        prepared = item.assignment.prepared
        # A definition that has changed since is left to the next claim, which reads it anew.
        if (
            prepared is None
            or next_due_at is None
            or next_due_at > horizon
            or row.version != item.assignment.version
        ):
            continue
        claimable = Claimable(row.check_id, item.assignment.slug, row.version, next_due_at, row.fence, recent)
        leases.append(lease(claimable, prepared, now))
    return write_leases(leases, worker, now, actor)


NEXT_DUE_AT = 1 + WRITTEN.index("next_due_at")
STRIP = 1 + WRITTEN.index("strip")

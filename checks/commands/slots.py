"""
Slots: claimed with a lease, given back, or written off when a worker was lost.

Workers claim for themselves; a message from beat only says that it is time to look. A claim sees
a little further than the next tick, so that each probe begins at its exact instant. Every slot
ends as a result or as an event that says why there is none.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from checks.commands.actor import Actor
from checks.errors import InvalidInput
from checks.events import store
from checks.events.store import Append, NewEvent
from checks.models import Check, CheckState, bulk, leases
from checks.models.clock import database_now
from checks.models.leases import Due
from checks.rules import schedule, strip
from checks.rules.status import Standing, Status
from checks.runner.assignment import Assignment
from checks.runner.prepared import Prepared, prepare

log = logging.getLogger(__name__)

LOOK_AHEAD = timedelta(seconds=2)
"""Beat's tick is a second; the rest is room for a late tick and a slow broker."""
LEASE_MARGIN = timedelta(seconds=10)
"""A lease outlasts the probe's own deadline by this much, for waiting and storing."""
CATCH_UP_SPREAD = timedelta(seconds=10)
"""Runs that are caught up after an outage are spread over this long, or over half their interval."""
CLOCKS_AGREE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSlots:
    """Claim up to `limit` due slots of one location for one worker."""

    location: str
    worker: str
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSlots:
    """Give back slots that were claimed and not begun: they are due again, as if never claimed."""

    assignments: Sequence[Assignment]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOffLostSlots:
    """
    Account for slots whose worker let its lease run out.

    Attributes:
        all_leases: Every lease counts as lost, run out or not: for the start of the only process
            that can hold any.
    """

    all_leases: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """
    A claim that has been decided on but not yet written.

    Attributes:
        assignment: What to run; None when every due slot was too old and the next is not near.
        missed: The event about slots that pass without a run; None when there are none.
    """

    check_id: int
    assignment: Assignment | None
    fence: int
    leased_until: datetime | None
    next_due_at: datetime
    strip: str
    missed: Append | None


def claim_slots(command: ClaimSlots, actor: Actor) -> list[Assignment]:
    """Return what was claimed, soonest first; rows that another worker holds are passed over."""
    with transaction.atomic():
        now = database_now()
        skew = _skew(now)
        rows = leases.due(command.location, now + LOOK_AHEAD, command.limit)
        decided = [
            lease(row, prepared, now, skew) for row, prepared in zip(rows, prepared_for(rows), strict=True)
        ]
        leases.take(
            (
                item.check_id,
                item.next_due_at,
                item.assignment.slot if item.assignment else None,
                item.leased_until,
                command.worker if item.assignment else "",
                item.fence,
                item.strip,
            )
            for item in decided
        )
        missed = [item.missed for item in decided if item.missed is not None]
        store.append_all(missed, now=now, metadata=actor.metadata())
    return [item.assignment for item in decided if item.assignment is not None]


def _skew(now: datetime) -> timedelta:
    """How far this machine's clock is ahead of the database's; what may be the query's own time is none."""
    skew = datetime.now(UTC) - now
    return skew if abs(skew) > CLOCKS_AGREE else timedelta(0)


def lease(row: Due, prepared: Prepared | str, now: datetime, skew: timedelta) -> Lease:
    """
    Decide what becomes of a due row, by the missed-run policy.

    Args:
        prepared: How to probe, or the sentence that says why that cannot be done.
        skew: How far the clock of whoever probes is ahead of `now`.
    """
    if isinstance(prepared, str):
        return _defective_lease(row, prepared, now, skew)
    plan = schedule.catch_up(prepared.schedule, row.due_at, now)
    missed = _missed(row.slug, plan) if plan.missed else None
    recent = strip.gapped(row.strip, plan.missed)
    slot = plan.run if plan.run is not None else plan.next_due
    if slot > now + LOOK_AHEAD:
        return Lease(row.check_id, None, row.fence, None, slot, recent, missed)
    definition = prepared.definition
    next_due_at = plan.next_due if plan.run is not None else schedule.next_slot(prepared.schedule, slot)
    start_at = slot
    if slot < now - LOOK_AHEAD:
        spread = (
            CATCH_UP_SPREAD if definition.interval is None else min(CATCH_UP_SPREAD, definition.interval / 2)
        )
        start_at = now + timedelta(milliseconds=schedule.offset_ms(row.slug, spread))
    return Lease(
        row.check_id,
        Assignment(
            check_id=row.check_id,
            slug=row.slug,
            slot=slot,
            start_at=start_at + skew,
            next_due_at=next_due_at,
            fence=row.fence + 1,
            standing=_standing(row),
            strip=recent,
            prepared=prepared,
        ),
        row.fence + 1,
        max(start_at, now) + definition.timeout * (definition.retries + 1) + LEASE_MARGIN,
        next_due_at,
        recent,
        missed,
    )


def _standing(row: Due) -> Standing:
    return Standing(
        Status(row.status),
        row.since,
        row.failures,
        row.impaired,
        row.recoveries,
        row.successes,
        row.blameless,
    )


def _missed(slug: str, plan: schedule.CatchUp) -> Append:
    first, last = plan.first_missed, plan.last_missed
    data = {
        "count": plan.missed,
        "first": first.isoformat() if first else "",
        "last": last.isoformat() if last else "",
        "why": "nobody claimed them in time",
    }
    return Append(f"check-{slug}", [NewEvent("SlotsMissed", data)])


def _defective_lease(row: Due, defect: str, now: datetime, skew: timedelta) -> Lease:
    # It is asked again every minute: the mend (a variable, a library) may come without a change here.
    again_at = max(row.due_at, now) + timedelta(minutes=1)
    assignment = Assignment(
        check_id=row.check_id,
        slug=row.slug,
        slot=row.due_at,
        start_at=now + skew,
        next_due_at=again_at,
        fence=row.fence + 1,
        standing=_standing(row),
        strip=row.strip,
        prepared=None,
        defect=defect,
    )
    return Lease(row.check_id, assignment, row.fence + 1, now + LEASE_MARGIN, again_at, row.strip, None)


_known: dict[int, tuple[int, Prepared | str]] = {}
"""Check id → (version, prepared): definitions are read and validated once per version and process."""


def prepared_for(rows: Sequence[Due]) -> list[Prepared | str]:
    """How to probe each row's check, or the sentence that says why that cannot be done."""
    unknown = [row.check_id for row in rows if _known.get(row.check_id, (0, ""))[0] != row.version]
    if unknown:
        found = Check.objects.filter(pk__in=unknown).values_list("pk", "slug", "version", "definition")
        for check_id, slug, version, definition in found:
            try:
                _known[check_id] = (version, prepare(slug, definition, environ=os.environ))
            except InvalidInput as error:
                _known[check_id] = (version, f"misconfigured: {'; '.join(map(str, error.problems))}")
            except Exception as error:
                # A row that no command wrote, or a bug: one check must not stop the claims of all.
                log.exception("definition.unreadable", extra={"check": slug})
                _known[check_id] = (version, f"misconfigured: {type(error).__name__}: {error}")
    answers = [_known[row.check_id][1] for row in rows]
    for row, answer in zip(rows, answers, strict=True):
        if isinstance(answer, str):
            del _known[row.check_id]
    return answers


def release_slots(command: ReleaseSlots, actor: Actor) -> None:
    with transaction.atomic():
        for assignment in command.assignments:
            CheckState.objects.filter(
                pk=assignment.check_id, fence=assignment.fence, leased_slot=assignment.slot
            ).update(
                next_due_at=assignment.slot,
                leased_slot=None,
                leased_until=None,
                leased_by="",
                fence=assignment.fence + 1,
            )


def write_off_lost_slots(command: WriteOffLostSlots, actor: Actor) -> int:
    """Return how many slots were lost. Their checks are due again at their next slot."""
    with transaction.atomic():
        now = database_now()
        lost = CheckState.objects.filter(leased_until__isnull=False)
        if not command.all_leases:
            lost = lost.filter(leased_until__lt=now)
        if connection.features.has_select_for_update_skip_locked:
            lost = lost.select_for_update(skip_locked=True, of=("self",))
        columns = ("pk", "check_ref__slug", "leased_slot", "leased_by", "fence", "strip")
        rows = list(lost.values_list(*columns))
        bulk.update(
            CheckState,
            ("check_id",),
            ("leased_slot", "leased_until", "leased_by", "fence", "strip"),
            ((pk, None, None, "", fence + 1, strip.gapped(row, 1)) for pk, _, _, _, fence, row in rows),
        )
        store.append_all(
            (
                Append(
                    f"check-{slug}",
                    [
                        NewEvent(
                            "SlotLost", {"slot": slot.isoformat(), "worker": worker, "why": "worker lost"}
                        )
                    ],
                )
                for _, slug, slot, worker, _, _ in rows
            ),
            now=now,
            metadata=actor.metadata(),
        )
    return len(rows)

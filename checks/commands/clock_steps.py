"""
A clock that was set back: what lies in a future that will come a second time is taken back.

Without this no check would run until the clock has caught up with where it was. Set forward, it needs
nothing: then slots have been missed, and the claims account for them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from checks.commands.actor import Actor
from checks.commands.rollups import NAMES
from checks.commands.slots import prepared_for
from checks.events import store
from checks.events.store import NewEvent
from checks.models import Checkpoint, CheckState, Rollup, WorkerSign, bulk, leases
from checks.rules import rollup, schedule

STEP = timedelta(seconds=5)
"""Less is a correction, and passes by itself."""
STREAM = "clock"
FLOORS = {Rollup.MINUTE: rollup.floor_minute, Rollup.HOUR: rollup.floor_hour, Rollup.DAY: rollup.floor_day}


def go_on_after_step(now: datetime, actor: Actor) -> bool:
    """Look whether some worker was last seen in the future; if so, let everything go on from `now`."""
    ahead = WorkerSign.objects.filter(seen_at__gt=now + STEP)
    if not ahead.exists():
        return False
    with transaction.atomic():
        seen = list(ahead.select_for_update().order_by("pk").values_list("seen_at", flat=True))
        if not seen:
            return False  # another worker was first
        newest = max(seen)
        ahead.update(seen_at=now)
        CheckState.objects.filter(leased_until__isnull=False).update(
            leased_until=F("leased_until") - (newest - now)
        )
        count = _take_back_slots(now)
        for span, floor in FLOORS.items():
            # The spans that come a second time are summed a second time, from all there is.
            Checkpoint.objects.filter(name=NAMES[span], reached__gt=now).update(reached=floor(now))
        data = {"back_by_seconds": round((newest - now).total_seconds(), 1), "checks": count}
        store.append(
            STREAM,
            [NewEvent("ClockStepped", data)],
            expected_version=store.ANY,
            now=now,
            metadata=actor.metadata(),
        )
    return True


def _take_back_slots(now: datetime) -> int:
    rows = leases.waiting(now)
    moved = []
    for row, prepared in zip(rows, prepared_for(rows), strict=True):
        # One that cannot be carried out is asked every minute anyway.
        due_at = (
            now + timedelta(minutes=1)
            if isinstance(prepared, str)
            else schedule.next_slot(prepared.schedule, now)
        )
        if due_at < row.due_at:
            moved.append((row.check_id, due_at))
    return bulk.update(CheckState, ("check_id",), ("next_due_at",), moved)

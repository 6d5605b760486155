"""Signs of life: what tells a silent worker from a healthy one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from checks.commands.actor import Actor
from checks.commands.clock_steps import go_on_after_step
from checks.models import WorkerSign
from checks.models.clock import database_now

FORGET_AFTER = timedelta(days=1)
BEAT = "beat"
SYSTEM_LOCATION = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveSign:
    """
    A worker process says that it is alive.

    Attributes:
        beat_seen_ago: How long ago this worker got its last wake-up from beat; None before the first.
        lateness_p99_ms: Of its recent starts.
        retries: Confirmation retries since it started.
    """

    worker: str
    locations: Sequence[str]
    started_at: datetime
    in_flight: int
    lateness_p99_ms: float | None
    retries: int
    beat_seen_ago: timedelta | None


def give_sign(command: GiveSign, actor: Actor) -> None:
    now = database_now()
    go_on_after_step(now, actor)
    for location in command.locations:
        WorkerSign.objects.update_or_create(
            worker=command.worker,
            location=location,
            defaults={
                "seen_at": now,
                "started_at": command.started_at,
                "in_flight": command.in_flight,
                "lateness_p99_ms": command.lateness_p99_ms,
                "retries": command.retries,
            },
        )
    if command.beat_seen_ago is not None:
        # By the database's clock, and never later than now; a worker that beat has not woken for long
        # does not know better than the others.
        seen_at = now - command.beat_seen_ago
        beat = {"worker": BEAT, "location": SYSTEM_LOCATION}
        if not WorkerSign.objects.filter(**beat, seen_at__lt=seen_at).update(seen_at=seen_at):
            WorkerSign.objects.get_or_create(**beat, defaults={"seen_at": seen_at, "started_at": seen_at})
    WorkerSign.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()

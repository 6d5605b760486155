"""Signs of life: what tells a silent worker from a healthy one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from checks.commands.actor import Actor
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
        beat_seen_at: When this worker last got a wake-up from beat; None before the first.
        lateness_p99_ms: Of its recent starts.
        retries: Confirmation retries since it started.
    """

    worker: str
    locations: Sequence[str]
    started_at: datetime
    in_flight: int
    lateness_p99_ms: float | None
    retries: int
    beat_seen_at: datetime | None


def give_sign(command: GiveSign, actor: Actor) -> None:
    now = database_now()
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
    if command.beat_seen_at is not None:
        WorkerSign.objects.update_or_create(
            worker=BEAT,
            location=SYSTEM_LOCATION,
            defaults={"seen_at": command.beat_seen_at, "started_at": command.beat_seen_at},
        )
    WorkerSign.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()

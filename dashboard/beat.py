"""The timer: django-celery-beat's, which also forgets, and asks the database less often."""

from __future__ import annotations

import time

from django_celery_beat.schedulers import DatabaseScheduler

from dashboard.celery import RUN_DUE

LOOK_EVERY_SECONDS = 5.0


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """
    Keeps the database's entries equal to `beat_schedule`.

    Without this, a location taken out of LOCATIONS would be woken for ever, into a queue that nobody reads.
    """

    looked_at = 0.0  # on the monotonic clock

    def setup_schedule(self) -> None:
        self.Model.objects.filter(name__startswith=RUN_DUE).exclude(
            name__in=self.app.conf.beat_schedule
        ).delete()
        super().setup_schedule()

    def adjust(self, n: float | None, drift: float = 0.001) -> float | None:
        """Wake just after an entry is due: 10 ms before, as Celery has it, beat spins until it is."""
        return n + drift if n and n > 0 else n

    def schedule_changed(self) -> bool:
        """Asked several times a tick, each a query; the periodic tasks change about never."""
        now = time.monotonic()
        if now - self.looked_at < LOOK_EVERY_SECONDS:
            return False
        self.looked_at = now
        return bool(super().schedule_changed())

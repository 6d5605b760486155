"""The timer: django-celery-beat's, which also forgets."""

from __future__ import annotations

from django_celery_beat.schedulers import DatabaseScheduler

from dashboard.celery import RUN_DUE


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """
    Keeps the database's entries equal to `beat_schedule`.

    Without this, a location taken out of LOCATIONS would be woken for ever, into a queue that nobody reads.
    """

    def setup_schedule(self) -> None:
        self.Model.objects.filter(name__startswith=RUN_DUE).exclude(
            name__in=self.app.conf.beat_schedule
        ).delete()
        super().setup_schedule()

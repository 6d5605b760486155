from __future__ import annotations

from django.db import models


class WorkerSign(models.Model):
    """The last sign of life of one worker process at one location."""

    worker = models.CharField(max_length=100)
    location = models.CharField(max_length=60)
    seen_at = models.DateTimeField()
    started_at = models.DateTimeField()
    in_flight = models.PositiveIntegerField(default=0)
    lateness_p99_ms = models.FloatField(null=True)
    retries = models.PositiveBigIntegerField(default=0)
    """Confirmation retries since the worker started."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=("worker", "location"), name="checks_worker_location"),)

    def __str__(self) -> str:
        return f"{self.worker} at {self.location}"

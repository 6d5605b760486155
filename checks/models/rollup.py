from __future__ import annotations

from django.db import models


class Rollup(models.Model):
    """Results of one check summed over a minute, an hour or a day; see rules.rollup for the arithmetic."""

    MINUTE, HOUR, DAY = 1, 60, 1440
    """`span_minutes`, the resolutions that are kept."""

    pk = models.CompositePrimaryKey("check_id", "span_minutes", "start")
    check_id = models.BigIntegerField()
    span_minutes = models.PositiveSmallIntegerField()
    start = models.DateTimeField()

    up = models.PositiveIntegerField(default=0)
    degraded = models.PositiveIntegerField(default=0)
    down = models.PositiveIntegerField(default=0)
    blocked = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField(default=0)
    latency_count = models.PositiveIntegerField(default=0)
    latency_sum_ms = models.FloatField(default=0)
    latency_min_ms = models.FloatField(null=True)
    latency_max_ms = models.FloatField(null=True)
    sketch = models.TextField(blank=True)
    phases_ms = models.JSONField(default=dict)

    class Meta:
        indexes = (models.Index(fields=("span_minutes", "start"), name="checks_rollup_time"),)

    def __str__(self) -> str:
        return f"{self.check_id} from {self.start:%Y-%m-%d %H:%M} for {self.span_minutes} min"

from __future__ import annotations

from django.db import models


class Result(models.Model):
    """
    A stored outcome. One per check and slot: the key itself refuses a second.

    On PostgreSQL the table is partitioned by day of `slot` and dropped by partition; on SQLite
    it is thinned in small slices.
    """

    pk = models.CompositePrimaryKey("check_id", "slot")
    check_id = models.BigIntegerField()
    slot = models.DateTimeField()
    """The scheduled instant (for a run on demand: the instant it was asked for)."""
    started_at = models.DateTimeField()
    verdict = models.CharField(max_length=10)
    latency_ms = models.FloatField(null=True)
    """The target's share: from the first byte sent to the whole answer; null when nothing answered."""
    late_ms = models.FloatField()
    """Our share: how long after its slot the probe began."""
    attempts = models.PositiveSmallIntegerField(default=1)
    output = models.TextField(blank=True)
    detail = models.JSONField(default=dict)
    """``phases`` (ms by phase) and ``conditions`` ([{condition, explained, met, degrades_only}])."""

    def __str__(self) -> str:
        return f"{self.check_id} at {self.slot:%Y-%m-%d %H:%M:%S}: {self.verdict}"

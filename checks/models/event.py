from __future__ import annotations

from django.db import models


class Event(models.Model):
    """
    One thing that happened. Appended by events.store only; the database refuses change and removal.

    Positions are gap-free and in commit order, because appends hold one lock until they commit.
    """

    position = models.BigIntegerField(primary_key=True)
    stream = models.CharField(max_length=200)
    version = models.PositiveIntegerField()
    """Place in the stream, counted from 1."""
    type = models.CharField(max_length=80)
    data = models.JSONField()
    metadata = models.JSONField()
    """``actor``, ``command_id``, ``correlation_id``, ``causation_id``: those that are known."""
    recorded_at = models.DateTimeField()
    hash = models.CharField(max_length=64)
    """SHA-256 over this event and the hash before it."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("stream", "version"), name="checks_event_stream_version"),
        )
        indexes = (
            models.Index(fields=("type", "position"), name="checks_event_type"),
            models.Index(fields=("recorded_at",), name="checks_event_time"),
        )

    def __str__(self) -> str:
        return f"{self.position} {self.type} {self.stream}@{self.version}"

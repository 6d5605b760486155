from __future__ import annotations

from django.db import models


class Checkpoint(models.Model):
    """How far a recurring job has come, written in the transaction of what it did."""

    name = models.CharField(max_length=60, primary_key=True)
    reached = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.reached:%Y-%m-%d %H:%M:%S}"

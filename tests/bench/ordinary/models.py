from __future__ import annotations

from django.db import models


class Check(models.Model):
    url = models.URLField()

    def __str__(self) -> str:
        return self.url


class Result(models.Model):
    check_ref = models.ForeignKey(Check, on_delete=models.CASCADE, related_name="results")
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    up = models.BooleanField()
    latency_ms = models.FloatField()

    def __str__(self) -> str:
        return f"{self.check_ref} at {self.at}"

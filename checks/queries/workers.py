"""Which locations have somebody who works."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max

from checks.models import WorkerSign


def worker_signs() -> dict[str, datetime]:
    """Each location with the newest sign of life of its workers; locations without any are absent."""
    return dict(WorkerSign.objects.values_list("location").annotate(newest=Max("seen_at")))

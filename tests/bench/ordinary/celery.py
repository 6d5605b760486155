"""``celery -A tests.bench.ordinary``."""

from __future__ import annotations

import os
import time

import requests
from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.ordinary.settings")

app = Celery("ordinary", broker=settings.BROKER_URL)
app.conf.update(
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    beat_schedule={
        "enqueue": {"task": "ordinary.enqueue", "schedule": settings.INTERVAL_SECONDS},
    },
)


@app.task(name="ordinary.enqueue")
def enqueue() -> None:
    from tests.bench.ordinary.models import Check

    for check_id in Check.objects.order_by("pk").values_list("pk", flat=True):
        probe.delay(check_id)


@app.task(name="ordinary.probe")
def probe(check_id: int) -> None:
    from tests.bench.ordinary.models import Check, Result

    check = Check.objects.get(pk=check_id)
    began = time.perf_counter()
    try:
        up = requests.get(check.url, timeout=settings.TIMEOUT_SECONDS).ok
    except requests.RequestException:
        up = False
    latency_ms = (time.perf_counter() - began) * 1000
    Result.objects.create(check_ref=check, up=up, latency_ms=latency_ms)

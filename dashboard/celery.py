"""
The timer and the wake-up calls.

A message only says "look": due times, leases and results live in the database, so messages may be
lost, doubled or late and nothing is lost with them.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from django.conf import settings
from kombu import Queue
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

SYSTEM_QUEUE = "system"
RUN_DUE = "run-due-"  # what the entries that wake a location are called, before its name
SCHEDULER = "dashboard.beat:Scheduler"


# A wake-up that nobody took has been followed by fresher ones. Long enough for clocks that differ.
EXPIRE_SECONDS = 10
LOCATION_QUEUE = "location."  # before a location's name: `celery -A dashboard worker -Q location.eu-west`


def queue_of(location: str) -> str:
    return LOCATION_QUEUE + location


def beat_schedule(locations: list[str]) -> dict[str, dict[str, Any]]:
    """Breakwater's own periodic tasks. Checks are not among them: they have due times of their own."""
    run_due = {
        f"{RUN_DUE}{location}": {
            "task": "checks.tasks.run_due",
            "schedule": 1.0,
            "args": [location],
            "options": {"queue": queue_of(location), "expire_seconds": EXPIRE_SECONDS},
        }
        for location in locations
    }
    system = {
        name: {
            "task": f"checks.tasks.{name}",
            "schedule": seconds,
            "options": {"queue": SYSTEM_QUEUE, "expire_seconds": max(EXPIRE_SECONDS, int(seconds))},
        }
        for name, seconds in {"sweep": 5.0, "roll_up": 60.0, "expire": 600.0}.items()
    }
    return run_due | system


TRANSPORT_ALIASES["memory"] = "dashboard.broker:Transport"
app = Celery("breakwater")
app.conf.update(
    # kombu warns about a memory without a host.
    broker_url="memory://localhost/" if settings.BROKER_URL == "memory://" else settings.BROKER_URL,
    broker_connection_retry_on_startup=True,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    result_expires=None,
    task_default_queue=SYSTEM_QUEUE,
    # Without -Q a worker serves everything.
    task_queues=[
        Queue(name, routing_key=name) for name in (SYSTEM_QUEUE, *map(queue_of, settings.LOCATIONS))
    ],
    # Tasks only wake this process's prober, so they must run in it, not in forked children.
    worker_pool="threads",
    worker_concurrency=2,
    worker_prefetch_multiplier=0,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    enable_utc=True,
    timezone="UTC",
    beat_schedule=beat_schedule(settings.LOCATIONS),
    beat_scheduler=SCHEDULER,
    imports=["dashboard.worker"],
)
app.autodiscover_tasks(["checks"])

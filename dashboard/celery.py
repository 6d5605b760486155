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

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

SYSTEM_QUEUE = "system"
SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"


def queue_of(location: str) -> str:
    return f"location.{location}"


def beat_schedule(locations: list[str]) -> dict[str, dict[str, Any]]:
    """Breakwater's own periodic tasks. Checks are not among them: they have due times of their own."""
    run_due = {
        f"run-due-{location}": {
            "task": "checks.tasks.run_due",
            "schedule": 1.0,
            "args": [location],
            # A wake-up that nobody took within two ticks has been followed by a fresher one.
            "options": {"queue": queue_of(location), "expires": 2},
        }
        for location in locations
    }
    system = {
        name: {
            "task": f"checks.tasks.{name}",
            "schedule": seconds,
            "options": {"queue": SYSTEM_QUEUE, "expires": max(2, int(seconds))},
        }
        for name, seconds in {"sweep": 5.0, "roll_up": 60.0, "expire": 600.0}.items()
    }
    return run_due | system


app = Celery("breakwater")
app.conf.update(
    broker_url=settings.BROKER_URL,
    # Virtual transports look for messages once a second by default: up to a second too late.
    broker_transport_options={"polling_interval": 0.05} if settings.BROKER_URL.startswith("memory:") else {},
    broker_connection_retry_on_startup=True,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    result_expires=None,
    task_default_queue=SYSTEM_QUEUE,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    enable_utc=True,
    timezone="UTC",
    beat_schedule=beat_schedule(settings.LOCATIONS),
    beat_scheduler=SCHEDULER,
)
app.autodiscover_tasks(["checks"])

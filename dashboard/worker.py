"""What a worker of the `celery` command starts and stops beside its tasks: the prober of its locations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from celery.signals import worker_ready, worker_shutdown

from checks.worker import start_worker, stop_worker
from dashboard.celery import LOCATION_QUEUE

STOP_TIMEOUT = timedelta(seconds=3)


def locations_of(queues: Iterable[str]) -> list[str]:
    return [name.removeprefix(LOCATION_QUEUE) for name in queues if name.startswith(LOCATION_QUEUE)]


@worker_ready.connect
def start(sender: Any, **_: Any) -> None:
    """Sent by the command only; the embedded worker's prober is started by `dashboard.embedded`."""
    if locations := locations_of(sender.app.amqp.queues.consume_from):
        start_worker(locations)
        worker_shutdown.connect(stop)


def stop(**_: Any) -> None:
    stop_worker(STOP_TIMEOUT)

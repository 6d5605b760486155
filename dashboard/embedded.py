"""Worker, prober and beat as threads of one process, for `manage.py serve`."""

from __future__ import annotations

import socket
import threading
import time
from datetime import timedelta

from celery.beat import EmbeddedService
from celery.worker import WorkController

from checks.worker import start_worker, stop_worker
from dashboard.broker import wake
from dashboard.celery import SCHEDULER, SYSTEM_QUEUE, app, queue_of


class Engine:
    """
    The embedded system without its faces.

    Args:
        locations: The locations whose checks this process runs.
        alone: No other process works on this database, so leases of an earlier run are void.
    """

    def __init__(self, locations: list[str], *, alone: bool) -> None:
        self.locations = locations
        self.alone = alone
        # WorkController, not the command's Worker: that one takes the process's signals for itself.
        self.worker = WorkController(
            app=app,
            hostname=f"embedded@{socket.gethostname()}",
            queues=[SYSTEM_QUEUE, *map(queue_of, locations)],
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        # Without scheduler_cls, an embedded beat keeps its schedule in files and ignores the database.
        self.beat = EmbeddedService(app, thread=True, scheduler_cls=SCHEDULER)
        self.worker_thread = threading.Thread(target=self.worker.start, name="worker", daemon=True)

    def start(self) -> None:
        start_worker(self.locations, alone=self.alone)
        self.worker_thread.start()
        self.beat.start()

    def stop(self, timeout: timedelta) -> list[str]:
        """
        Stop within `timeout`; return the parts that did not.

        The prober first: what it has measured must be recorded. Beat and worker only wake it.
        """
        deadline = time.monotonic() + timeout.total_seconds()
        self.beat.service.stop(wait=False)
        stopper = threading.Thread(target=self._stop_worker, name="worker-stop", daemon=True)
        stopper.start()
        stop_worker(timeout)
        for thread in (stopper, self.worker_thread, self.beat):
            thread.join(max(0.0, deadline - time.monotonic()))
        alive = {"worker": self.worker_thread.is_alive(), "beat": self.beat.is_alive()}
        return [name for name, is_alive in alive.items() if is_alive]

    def _stop_worker(self) -> None:
        self.worker.stop()
        wake()  # or its consumer would wait for a message once more

"""Worker, prober and beat as threads of one process, for `manage.py serve`."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from celery.beat import Service
from celery.worker import WorkController

from checks.worker import start_worker, stop_worker
from dashboard.broker import wake
from dashboard.celery import SCHEDULER, SYSTEM_QUEUE, app, queue_of

BEAT_SLEEPS_SECONDS = 1  # at most, because a sleeping beat cannot be told to stop


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
        self.stopping = threading.Event()
        # WorkController, not the command's Worker: that one takes the process's signals for itself.
        self.worker = WorkController(
            app=app,
            hostname=f"embedded@{socket.gethostname()}",
            queues=[SYSTEM_QUEUE, *map(queue_of, locations)],
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        # Without scheduler_cls, beat keeps its schedule in files of its own and ignores the database.
        self.beat = Service(
            app, max_interval=BEAT_SLEEPS_SECONDS, scheduler_cls=SCHEDULER, remote_control=False
        )
        self.threads: list[threading.Thread] = []

    def start(self, ended: Callable[[str], None]) -> None:
        """
        Start everything.

        Args:
            ended: Called, on its own thread, with the name of a part that ends without being told to.
        """
        start_worker(self.locations, alone=self.alone)
        for name, part in (("worker", self.worker), ("beat", self.beat)):
            thread = threading.Thread(
                target=self._run, args=(name, part.start, ended), name=name, daemon=True
            )
            thread.start()
            self.threads.append(thread)

    def stop(self, timeout: timedelta) -> list[str]:
        """
        Stop within `timeout`; return the parts that did not.

        The prober first: what it has measured must be recorded. Beat and worker only wake it.
        """
        deadline = time.monotonic() + timeout.total_seconds()
        self.stopping.set()
        self.beat.stop()
        stopper = threading.Thread(target=self._stop_worker, name="worker-stop", daemon=True)
        stopper.start()
        stop_worker(timeout)
        for thread in (stopper, *self.threads):
            thread.join(max(0.0, deadline - time.monotonic()))
        return [thread.name for thread in self.threads if thread.is_alive()]

    def _run(self, name: str, start: Callable[[], None], ended: Callable[[str], None]) -> None:
        app.set_current()  # Celery's current app is a matter of each thread
        try:
            start()
        finally:
            if not self.stopping.is_set():
                ended(name)

    def _stop_worker(self) -> None:
        self.worker.stop()
        wake()  # or its consumer would wait for a message once more

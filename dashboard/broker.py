"""
Celery's memory transport, woken by arrival instead of looking twenty times a second.

It carries messages between the threads of one process: beat and the embedded worker.
"""

from __future__ import annotations

import threading
from queue import Empty
from typing import Any

from kombu.transport import memory

arrival = threading.Condition()
arrived = 0  # grows with every message put, whatever its queue; guarded by `arrival`


class Channel(memory.Channel):
    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        super()._put(queue, message, **kwargs)
        wake()


class Transport(memory.Transport):
    Channel = Channel

    def drain_events(self, connection: Any, timeout: float | None = None) -> None:
        """
        Deliver one message, waiting for it up to `timeout` seconds.

        Raises:
            TimeoutError: None came, or `wake` was called.
        """
        seen = arrived
        if self._deliver_one():
            return
        with arrival:
            arrival.wait_for(lambda: arrived != seen, timeout)
        if not self._deliver_one():
            raise TimeoutError

    def _deliver_one(self) -> bool:
        try:
            self.cycle.get(self._deliver)
        except Empty:
            return False
        return True


def wake() -> None:
    """Let every waiting consumer look up: a message has come, or it shall stop."""
    global arrived
    with arrival:
        arrived += 1
        arrival.notify_all()

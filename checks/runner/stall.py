"""
Notices code that blocks the probes' loop, and names it.

An `async` check that computes or waits without `await` holds up every other probe of the
process. A thread beside the loop sees that the loop has not turned, looks at what it is busy
with, and remembers it for that check's own result.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import traceback

log = logging.getLogger(__name__)

LIMIT_SECONDS = 0.5
INTERVAL_SECONDS = 0.25


class StallWatch:
    """Watches one loop from a thread of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._turned_at = time.monotonic()
        self._stop = threading.Event()
        self._loop_thread = 0
        self._stalls: dict[str, str] = {}
        self._thread = threading.Thread(target=self._watch, name="stall-watch", daemon=True)

    def start(self) -> None:
        """Call on the loop's thread."""
        self._loop_thread = threading.get_ident()
        self._turned_at = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def blame(self, task_name: str) -> str:
        """What the named task has blocked since it was last asked for; empty when nothing."""
        return self._stalls.pop(task_name, "") if self._stalls else ""

    def _turn(self) -> None:
        self._turned_at = time.monotonic()

    def _watch(self) -> None:
        while not self._stop.wait(INTERVAL_SECONDS):
            asked_at = time.monotonic()
            try:
                self._loop.call_soon_threadsafe(self._turn)
            except RuntimeError:
                return  # the loop has been closed
            while self._turned_at < asked_at and not self._stop.wait(0.05):
                stalled = time.monotonic() - asked_at
                if stalled > LIMIT_SECONDS:
                    self._remember(stalled)

    def _remember(self, seconds: float) -> None:
        task = asyncio.current_task(self._loop)
        name = task.get_name() if task is not None else "(no probe)"
        if name not in self._stalls:
            frame = sys._current_frames().get(self._loop_thread)
            where = traceback.extract_stack(frame)[-1] if frame is not None else None
            place = (
                f"{where.filename}:{where.lineno} in {where.name}" if where is not None else "unknown place"
            )
            log.warning("loop.blocked", extra={"check": name, "where": place})
        self._stalls[name] = (
            f"it blocked all other probes for {seconds:.1f} s: register it as a plain function"
        )

"""
Blocking registered functions, each run in a process that is killed at its deadline.

A hung function costs its own slot and nothing else. The pool is started by the first check that
needs it; installations that register none never pay for it.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import threading

from pebble import ProcessFuture, ProcessPool

from checks.errors import CheckError, ProbeUnable
from checks.kinds.python import call_registered

log = logging.getLogger(__name__)

WORKERS = 4
TASKS_BEFORE_RENEWAL = 1000
"""A process is replaced after so many runs, so that a leaking function cannot grow for ever."""


class RegisteredRunner:
    """A pool of processes, for the probes of one loop."""

    def __init__(self) -> None:
        self._pool: ProcessPool | None = None
        self._lock = threading.Lock()
        # Calls wait here and not in the pool: it would hand a cancelled one to a process, and kill that.
        self._free = asyncio.Semaphore(WORKERS)

    async def run(self, name: str) -> object:
        """
        Call the registered function and return what it returned; cancelling kills its process.

        Raises:
            CheckError: The function raised, or its process died.
            ProbeUnable: It was cancelled before a process had begun it, which says nothing about what
                it would have found.
        """
        future: ProcessFuture[object] | None = None
        try:
            async with self._free:
                pool = await asyncio.to_thread(self._started)
                future = pool.schedule(_in_child, args=(name,))
                # Shielded, so that a cancellation does not hide whether the call had begun.
                return await asyncio.shield(asyncio.wrap_future(future))
        except asyncio.CancelledError as cancelled:
            has_begun = future is not None and future.running()
            if future is not None:
                future.cancel()
            if not has_begun:
                raise ProbeUnable(
                    f"none of the {WORKERS} processes for registered functions was free in time"
                ) from cancelled
            raise
        except Exception as error:
            raise CheckError(f"{type(error).__name__}: {error}") from error

    def stop(self) -> None:
        """Kill what runs and end the pool."""
        with self._lock:
            self._end()

    def _started(self) -> ProcessPool:
        with self._lock:
            if self._pool is not None and not self._pool.active:
                # It gives up for good when a process dies that had nothing to do.
                log.warning("processes.restarted")
                self._end()
            if self._pool is None:
                # Spawned, not forked: a fork of a process with threads may inherit a held lock.
                self._pool = ProcessPool(
                    max_workers=WORKERS,
                    max_tasks=TASKS_BEFORE_RENEWAL,
                    initializer=_set_up_child,
                    context=multiprocessing.get_context("spawn"),
                )
            return self._pool

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.stop()
            self._pool.join()
            self._pool = None


def _set_up_child() -> None:
    import django

    # First, for whatever hangs later: a worker that is killed takes its processes along.
    threading.Thread(target=_end_with_parent, name="orphan-watch", daemon=True).start()
    django.setup()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _in_child(name: str) -> object:
    return call_registered(name)

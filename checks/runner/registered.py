"""
Blocking registered functions, each run in a process that is killed at its deadline.

A hung function costs its own slot and nothing else. The pool is started by the first check that
needs it; installations that register none never pay for it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import threading

from pebble import ProcessPool

from checks.errors import CheckError
from checks.kinds.python import call_registered

WORKERS = 4
TASKS_BEFORE_RENEWAL = 1000
"""A process is replaced after so many runs, so that a leaking function cannot grow for ever."""


class RegisteredRunner:
    """A pool of processes; safe to call from several loops."""

    def __init__(self) -> None:
        self._pool: ProcessPool | None = None
        self._lock = threading.Lock()

    async def run(self, name: str) -> object:
        """
        Call the registered function and return what it returned; cancelling kills its process.

        Raises:
            CheckError: The function raised, or its process died.
        """
        future = self._started().schedule(_in_child, args=(name,))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.cancel()
            raise
        except Exception as error:
            raise CheckError(f"{type(error).__name__}: {error}") from error

    def stop(self) -> None:
        """Kill what runs and end the pool."""
        with self._lock:
            if self._pool is not None:
                self._pool.stop()
                self._pool.join()
                self._pool = None

    def _started(self) -> ProcessPool:
        with self._lock:
            if self._pool is None:
                # Spawned, not forked: a fork of a process with threads may inherit a held lock.
                self._pool = ProcessPool(
                    max_workers=WORKERS,
                    max_tasks=TASKS_BEFORE_RENEWAL,
                    initializer=_set_up_child,
                    context=multiprocessing.get_context("spawn"),
                )
            return self._pool


def _set_up_child() -> None:
    import django

    django.setup()


def _in_child(name: str) -> object:
    return call_registered(name)

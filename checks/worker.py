"""
The probing half of a worker process: one prober, wired to the bus.

It is started when the worker is ready and stopped before it goes; a task that arrives without it
(a worker of the system queue only) is refused in plain words.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections

from checks import bus
from checks.commands.actor import SYSTEM
from checks.commands.results import RecordResults
from checks.commands.signs import GiveSign
from checks.commands.slots import ClaimSlots, ReleaseSlots, WriteOffLostSlots
from checks.queries.workers import worker_signs
from checks.runner.assignment import Assignment, Observation
from checks.runner.outbound import egress
from checks.runner.probe import Surroundings
from checks.runner.prober import Prober, Storage
from checks.runner.registered import RegisteredRunner

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]

SIGN_EVERY_SECONDS = 5.0
BEAT_SILENT_SECONDS = 15.0


class Worker:
    """
    Args:
        locations: Whose slots this process runs.
        alone: No other process can hold a lease, so those left from an earlier run are lost.
    """

    def __init__(self, locations: Sequence[str], *, alone: bool) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self.locations = tuple(locations)
        self._alone = alone
        self._started_at = datetime.now(UTC)
        self._began_at = time.monotonic()
        self._signed_at: float | None = None
        self._beat_seen_at: float | None = None
        self._retries = 0
        self._registered = RegisteredRunner()
        self._prober = Prober(
            Storage(
                claim=self._claim, record=self._record, release=self._release, close=connections.close_all
            ),
            Surroundings(
                egress=egress(), run_registered=self._registered.run, worker_signs=_worker_signs_in_thread
            ),
            locations=self.locations,
            in_flight=settings.MAX_PROBES_IN_FLIGHT,
            per_host=settings.MAX_PROBES_PER_HOST,
            new_loop=new_loop,
        )

    def start(self) -> None:
        if self._alone:
            bus.handle(WriteOffLostSlots(all_leases=True), actor=SYSTEM)
        self._prober.start()
        for location in self.locations:
            self._prober.wake(location)

    def stop(self, timeout: timedelta) -> None:
        """Let running probes end within `timeout`, store them, give back the rest."""
        try:
            self._prober.stop(timeout)
        finally:
            self._registered.stop()

    def wake(self, location: str) -> None:
        self._beat_seen_at = time.monotonic()
        self._prober.wake(location)

    # On the prober's writer thread

    def _claim(self, location: str, limit: int) -> list[Assignment]:
        self._give_sign()
        claim = ClaimSlots(location=location, worker=self.name, limit=limit)
        assignments: list[Assignment] = _handle(claim)
        return assignments

    def _record(self, observations: Sequence[Observation]) -> list[Assignment]:
        self._give_sign()  # a worker that is full claims nothing for a while
        near: list[Assignment] = _handle(RecordResults(observations=observations, worker=self.name))
        self._retries += sum(item.attempts - 1 for item in observations)
        return near

    def _release(self, assignments: Sequence[Assignment]) -> None:
        _handle(ReleaseSlots(assignments=assignments))

    def _give_sign(self) -> None:
        now = time.monotonic()
        if self._signed_at is not None and now - self._signed_at < SIGN_EVERY_SECONDS:
            return
        self._signed_at = now
        sign = GiveSign(
            worker=self.name,
            locations=self.locations,
            started_at=self._started_at,
            in_flight=self._prober.in_flight,
            lateness_p99_ms=self._prober.lateness.quantile(0.99),
            retries=self._retries,
            beat_seen_ago=timedelta(seconds=now - self._beat_seen_at) if self._beat_seen_at else None,
        )
        _handle(sign)
        if now - (self._beat_seen_at or self._began_at) > BEAT_SILENT_SECONDS:
            # The messages that let somebody sweep do not come either.
            _handle(WriteOffLostSlots())


def _handle(command: object) -> Any:
    """Hand a command to the bus; a connection that has failed is not met again by the next one."""
    try:
        return bus.handle(command, actor=SYSTEM)
    except DatabaseError:
        # Looked at only now: asking each time whether the server is there costs as much as a claim.
        close_old_connections()
        raise


async def _worker_signs_in_thread() -> Mapping[str, datetime]:
    return await asyncio.to_thread(worker_signs)


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop where that is installed, of the standard library otherwise."""
    return uvloop.new_event_loop() if uvloop is not None else asyncio.new_event_loop()


_worker: Worker | None = None


def start_worker(locations: Sequence[str], *, alone: bool = False) -> Worker:
    """Start this process's prober. Raises RuntimeError when it runs already."""
    global _worker
    if _worker is not None:
        raise RuntimeError("This process's prober runs already.")
    _worker = Worker(locations, alone=alone)
    _worker.start()
    return _worker


def stop_worker(timeout: timedelta) -> None:
    """Stop this process's prober, if it runs."""
    global _worker
    if _worker is not None:
        _worker.stop(timeout)
        _worker = None


def worker() -> Worker:
    """Raises RuntimeError where no prober has been started."""
    if _worker is None:
        raise RuntimeError("No prober runs in this process: start_worker() comes first.")
    return _worker

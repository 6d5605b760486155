"""
The long-lived loop of a worker process: it begins each claimed slot at its instant and hands
finished ones to storage in batches.

Probes that fall due within a few milliseconds of each other share one wake-up, and results of a
quarter of a second share one transaction: wake-ups and commits are what a paced probe costs most.
Storage is called on one writer thread, so that a slow disk delays no probe and a process never
competes with itself for the database's write lock.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from checks.rules.outcome import Outcome
from checks.runner.assignment import Assignment, Observation
from checks.runner.lateness import Lateness
from checks.runner.probe import Observed, Surroundings, run_probe
from checks.runner.queue import StartQueue
from checks.runner.stall import StallWatch

log = logging.getLogger(__name__)
_T = TypeVar("_T")

SHARED_WAKE_UP_SECONDS = 0.005
FLUSH_AFTER_SECONDS = 0.25
GRACE_SECONDS = 0.25
"""A probe that has not ended this long after its deadline is given up; see `_give_up_on`."""
HEARTBEAT_SECONDS = 0.25
SILENCE_SECONDS = 3.0
"""Three ticks without a wake-up: the broker or beat has gone silent, so we look for work ourselves."""
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """
    The prober's way to the database; each is called on the writer thread.

    Attributes:
        claim: Claims due slots of a location, at most so many.
        record: Stores observations; returns slots claimed along with it, because they are near.
        release: Gives back slots that were claimed but will not be begun.
    """

    claim: Callable[[str, int], Sequence[Assignment]]
    record: Callable[[Sequence[Observation]], Sequence[Assignment]]
    release: Callable[[Sequence[Assignment]], None]


class Prober:
    """
    Runs assignments until stopped. `wake` and `stop` may be called from any thread.

    Args:
        in_flight: Probes that may run at once; twice as many slots are held, waiting or running.
        per_host: Probes of one host at once; the next ones wait for one of them to end.
    """

    def __init__(
        self,
        storage: Storage,
        surroundings: Surroundings,
        *,
        locations: Sequence[str],
        in_flight: int,
        per_host: int,
        new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    ) -> None:
        self._storage = storage
        self._surroundings = surroundings
        self._capacity = 2 * in_flight
        self._queue = StartQueue(in_flight=in_flight, per_host=per_host)
        self._running: dict[asyncio.Task[None], _Run] = {}
        self._finished: list[Observation] = []
        self._storing = 0
        self._claiming: set[str] = set()
        self._woken_at = dict.fromkeys(locations, time.monotonic())
        self._stopping = False
        self.lateness = Lateness()

        self._loop = new_loop()
        self._alarm: asyncio.TimerHandle | None = None
        self._flush: asyncio.TimerHandle | None = None
        self._watch = StallWatch(self._loop)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)

    # From any thread

    def start(self) -> None:
        self._thread.start()

    def wake(self, location: str) -> None:
        """Look for due slots of the location now. Returns at once; calls that overlap are one."""
        self._loop.call_soon_threadsafe(self._claim, location)

    def stop(self, timeout: timedelta) -> None:
        """
        Begin nothing more, give back what has not begun, let running probes end, store everything.

        What still runs when `timeout` is over is given back too: its slot stays accounted for.
        """
        if not self._thread.is_alive():
            return
        seconds = timeout.total_seconds()
        asyncio.run_coroutine_threadsafe(self._drain(seconds), self._loop).result(seconds + 5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._writer.shutdown(wait=True)

    @property
    def in_flight(self) -> int:
        return len(self._running)

    # On the loop: claiming

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._watch.start()
        self._loop.call_later(HEARTBEAT_SECONDS, self._heartbeat)
        try:
            self._loop.run_forever()
        finally:
            self._watch.stop()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def _heartbeat(self) -> None:
        if self._stopping:
            return
        now = time.monotonic()
        for location, woken_at in self._woken_at.items():
            if now - woken_at > SILENCE_SECONDS:
                log.warning("wakeups.silent", extra={"location": location})
                self._claim(location)
        loop_now = self._loop.time()
        for task, run in list(self._running.items()):
            if loop_now > run.give_up_at:
                self._give_up_on(task, run)
        self._loop.call_later(HEARTBEAT_SECONDS, self._heartbeat)

    def _claim(self, location: str) -> None:
        self._woken_at[location] = time.monotonic()
        room = self._capacity - len(self._queue) - len(self._running) - len(self._finished)
        if self._stopping or location in self._claiming or room <= 0:
            return
        self._claiming.add(location)
        self._on_writer(self._storage.claim, location, room, then=lambda done: self._claimed(location, done))

    def _claimed(self, location: str, done: Future[Sequence[Assignment]]) -> None:
        self._claiming.discard(location)
        if (error := done.exception()) is not None:
            log.error("claim.failed", exc_info=error, extra={"location": location})
            return
        self._accept(done.result())

    def _accept(self, assignments: Sequence[Assignment]) -> None:
        for assignment in assignments:
            self._queue.add(assignment)
        if self._stopping:
            self._writer.submit(self._storage.release, self._queue.drain())
        else:
            self._set_alarm()

    # On the loop: probing

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if (next_at := self._queue.next_at()) is not None:
            self._alarm = self._loop.call_later(max(0.0, next_at - time.time()), self._ring)

    def _ring(self) -> None:
        self._begin_ready()
        self._set_alarm()

    def _begin_ready(self) -> None:
        if self._stopping:
            return
        for assignment in self._queue.begin(time.time() + SHARED_WAKE_UP_SECONDS):
            task = self._loop.create_task(self._probe(assignment), name=assignment.slug)
            self._running[task] = _Run(assignment, datetime.now(UTC), self._loop.time() + _budget(assignment))
            task.add_done_callback(self._ended)

    async def _probe(self, assignment: Assignment) -> None:
        started_at = datetime.now(UTC)
        late_ms = max(0.0, (started_at - assignment.start_at) / timedelta(milliseconds=1))
        self.lateness.add(late_ms)
        if assignment.prepared is None:
            observed = Observed(outcome=Outcome.unknown(assignment.defect), latency_ms=None, attempts=1)
        else:
            observed = await run_probe(assignment.prepared, self._surroundings)
        if stalled := self._watch.blame(assignment.slug):
            output = f"{observed.outcome.output}; {stalled}".lstrip("; ")
            observed = replace(observed, outcome=replace(observed.outcome, output=output))
        self._finish(assignment, started_at, late_ms, observed)

    def _ended(self, task: asyncio.Task[None]) -> None:
        run = self._running.pop(task)
        self._queue.end(run.assignment)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("probe.crashed", exc_info=error, extra={"check": run.assignment.slug})
            self._finish_instead(
                run, Outcome.unknown(f"the probe itself failed: {type(error).__name__}: {error}")
            )
        if self._queue.is_crowded:
            self._begin_ready()

    def _give_up_on(self, task: asyncio.Task[None], run: _Run) -> None:
        """A probe that swallowed its cancellation costs its own slot, and is named; nothing else waits."""
        log.error("probe.ignored_cancellation", extra={"check": run.assignment.slug})
        task.remove_done_callback(self._ended)
        task.cancel()
        del self._running[task]
        self._queue.end(run.assignment)
        self._finish_instead(run, Outcome.down("no answer in time, and the probe ignored its deadline"))
        self._begin_ready()

    # On the loop: storing

    def _finish(
        self, assignment: Assignment, started_at: datetime, late_ms: float, observed: Observed
    ) -> None:
        self._finished.append(
            Observation(
                assignment=assignment,
                started_at=started_at,
                ended_at=datetime.now(UTC),
                late_ms=late_ms,
                latency_ms=observed.latency_ms,
                attempts=observed.attempts,
                outcome=observed.outcome,
            )
        )
        if self._flush is None and not self._storing:
            self._flush = self._loop.call_later(FLUSH_AFTER_SECONDS, self._store)

    def _finish_instead(self, run: _Run, outcome: Outcome) -> None:
        observed = Observed(outcome=outcome, latency_ms=None, attempts=1)
        self._finish(run.assignment, run.started_at, 0.0, observed)

    def _store(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._storing or not self._finished:
            return
        batch, self._finished = self._finished, []
        self._storing = len(batch)
        self._on_writer(self._storage.record, batch, then=lambda done: self._stored(batch, done))

    def _stored(self, batch: list[Observation], done: Future[Sequence[Assignment]]) -> None:
        self._storing = 0
        delay = FLUSH_AFTER_SECONDS
        if (error := done.exception()) is not None:
            # Kept and tried again: a result is only refused when its lease has run out.
            log.error("record.failed", exc_info=error, extra={"results": len(batch)})
            self._finished[:0] = batch
            delay = RETRY_SECONDS
        else:
            self._accept(done.result())
        if self._finished and self._flush is None:
            self._flush = self._loop.call_later(delay, self._store)

    def _on_writer(self, call: Callable[..., _T], *args: object, then: Callable[[Future[_T]], None]) -> None:
        done = self._writer.submit(call, *args)
        done.add_done_callback(lambda future: self._loop.call_soon_threadsafe(then, future))

    async def _drain(self, seconds: float) -> None:
        deadline = self._loop.time() + seconds
        self._stopping = True
        unbegun = self._queue.drain()
        if self._running:
            await asyncio.wait(list(self._running), timeout=max(0.0, seconds - 1))
        for task, run in list(self._running.items()):
            unbegun.append(run.assignment)
            task.cancel()
        while (self._finished or self._storing) and self._loop.time() < deadline:
            self._store()
            await asyncio.sleep(0.02)
        if unbegun:
            await asyncio.wrap_future(self._writer.submit(self._storage.release, unbegun))


@dataclass(frozen=True, slots=True)
class _Run:
    assignment: Assignment
    started_at: datetime
    give_up_at: float


def _budget(assignment: Assignment) -> float:
    """Seconds until a probe that has not ended is given up."""
    if assignment.prepared is None:
        return GRACE_SECONDS
    definition = assignment.prepared.definition
    return definition.timeout.total_seconds() * (definition.retries + 1) + GRACE_SECONDS

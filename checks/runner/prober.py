"""
The long-lived loop of a worker process: it begins each claimed slot at its instant and hands
finished ones to storage in batches.

Probes that fall due within a few milliseconds of each other share one wake-up, and results of a
quarter of a second share one transaction: wake-ups and commits are what a paced probe costs most.
Storage is called on one writer thread, so that a slow disk delays no probe and a process never
competes with itself for the database's write lock.

Once a slot is accepted only the monotonic clock counts, so a step of the wall clock delays nothing.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
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
TICK_SECONDS = 1.0
"""How often we look then."""
LATEST_START_SECONDS = 5.0
"""A slot that found no room for so long is given back: its lease is not to run out under its probe."""
RETRY_SECONDS = 1.0
STOP_MARGIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """
    The prober's way to the database; each is called on the writer thread.

    Attributes:
        claim: Claims due slots of a location, at most so many.
        record: Stores observations; returns slots claimed along with it, because they are near.
        release: Gives back slots that were claimed but will not be begun.
        close: Lets go of what the writer thread holds; the last call.
    """

    claim: Callable[[str, int], Sequence[Assignment]]
    record: Callable[[Sequence[Observation]], Sequence[Assignment]]
    release: Callable[[Sequence[Assignment]], None]
    close: Callable[[], None]


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
        self._running: dict[asyncio.Task[Observation], _Run] = {}
        self._finished: list[Observation] = []
        self._storing = 0
        self._storage_fails = False
        self._claiming: set[str] = set()
        self._woken_at = dict.fromkeys(locations, time.monotonic())
        self._silent: set[str] = set()
        self._heartbeat_at = 0.0
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
        if not self._stopping:
            self._loop.call_soon_threadsafe(self._woken, location)

    def stop(self, timeout: timedelta) -> None:
        """
        Begin nothing more, give back what has not begun, let running probes end, store everything.

        What still runs when `timeout` is over is given back too: its slot stays accounted for.
        """
        if not self._thread.is_alive():
            return
        seconds = timeout.total_seconds()
        drained = asyncio.run_coroutine_threadsafe(self._drain(seconds), self._loop)
        wait([drained], seconds + STOP_MARGIN_SECONDS)
        stored = drained.done() and drained.result()
        if not stored:
            # What storage would have been told is accounted for when the leases run out.
            log.error("stop.unfinished", extra={"results": len(self._finished) + self._storing})
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._writer.submit(self._storage.close)
        self._writer.shutdown(wait=stored)

    @property
    def in_flight(self) -> int:
        return len(self._running)

    # On the loop: claiming

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._watch.start()
        self._loop.call_soon(self._heartbeat)
        try:
            self._loop.run_forever()
        finally:
            self._watch.stop()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def _heartbeat(self) -> None:
        if self._stopping:
            return
        now = self._loop.time()
        stood_still = now - self._heartbeat_at > HEARTBEAT_SECONDS
        self._heartbeat_at = now + HEARTBEAT_SECONDS
        self._loop.call_at(self._heartbeat_at, self._heartbeat)
        self._look_for_work_in_silence()
        if stood_still:
            return  # the deadlines that passed meanwhile have not had their turn yet
        for task, run in list(self._running.items()):
            if now > run.give_up_at:
                self._give_up_on(task, run)

    def _look_for_work_in_silence(self) -> None:
        now = time.monotonic()
        for location, woken_at in self._woken_at.items():
            if location in self._silent:
                if now - woken_at > TICK_SECONDS:
                    self._claim(location)
            elif now - woken_at > SILENCE_SECONDS:
                log.warning("wakeups.silent", extra={"location": location})
                self._silent.add(location)
                self._claim(location)

    def _woken(self, location: str) -> None:
        self._silent.discard(location)
        self._claim(location)

    def _claim(self, location: str) -> None:
        self._woken_at[location] = time.monotonic()
        held = len(self._queue) + len(self._running) + len(self._finished) + self._storing
        room = self._capacity - held
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
        if not assignments:
            return
        monotonic = self._loop.time() - time.time()
        for assignment in assignments:
            self._queue.add(assignment, assignment.start_at.timestamp() + monotonic)
        if not self._stopping:
            self._set_alarm()

    def _give_back(self, assignments: Sequence[Assignment]) -> None:
        log.warning("slots.given_back", extra={"slots": len(assignments)})
        self._on_writer(self._storage.release, assignments, then=self._given_back)

    def _given_back(self, done: Future[None]) -> None:
        if (error := done.exception()) is not None:
            # Their leases run out, and then they are accounted for.
            log.error("release.failed", exc_info=error)

    # On the loop: probing

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if (next_at := self._queue.next_at()) is not None:
            self._alarm = self._loop.call_at(next_at, self._ring)

    def _ring(self) -> None:
        self._begin_ready()
        self._set_alarm()

    def _begin_ready(self) -> None:
        if self._stopping:
            return
        now = self._loop.time()
        too_late: list[Assignment] = []
        for due_at, assignment in self._queue.begin(now + SHARED_WAKE_UP_SECONDS):
            if now - due_at > LATEST_START_SECONDS:
                self._queue.end(assignment)
                too_late.append(assignment)
                continue
            run = _Run(assignment, due_at, datetime.now(UTC))
            task = self._loop.create_task(self._probe(run), name=assignment.slug)
            self._running[task] = run
            task.add_done_callback(self._ended)
        if too_late:
            self._give_back(too_late)

    async def _probe(self, run: _Run) -> Observation:
        assignment, now = run.assignment, self._loop.time()
        run.started_at = datetime.now(UTC)
        run.late_ms = max(0.0, (now - run.due_at) * 1000)
        run.give_up_at = now + _budget(assignment)
        self.lateness.add(run.late_ms)
        if assignment.prepared is None:
            observed = Observed(outcome=Outcome.unknown(assignment.defect), latency_ms=None, attempts=1)
        else:
            observed = await run_probe(assignment.prepared, self._surroundings)
        if stalled := self._watch.blame(assignment.slug):
            output = f"{observed.outcome.output}; {stalled}".lstrip("; ")
            observed = replace(observed, outcome=replace(observed.outcome, output=output))
        return _observation(run, observed)

    def _ended(self, task: asyncio.Task[Observation]) -> None:
        run = self._running.pop(task)
        self._queue.end(run.assignment)
        if task.cancelled():
            self._finish_instead(run, Outcome.unknown("the probe itself failed: it cancelled itself"))
        elif (error := task.exception()) is not None:
            log.error("probe.crashed", exc_info=error, extra={"check": run.assignment.slug})
            self._finish_instead(
                run, Outcome.unknown(f"the probe itself failed: {type(error).__name__}: {error}")
            )
        else:
            self._finish(task.result())
        if self._queue.is_crowded:
            self._begin_ready()

    def _give_up_on(self, task: asyncio.Task[Observation], run: _Run) -> None:
        """
        A probe that swallowed its cancellation costs its own slot, and is named; nothing else waits.

        Whatever it still brings goes nowhere: its slot has this result.
        """
        log.error("probe.ignored_cancellation", extra={"check": run.assignment.slug})
        task.remove_done_callback(self._ended)
        task.cancel()
        del self._running[task]
        self._queue.end(run.assignment)
        self._finish_instead(run, Outcome.down("no answer in time, and the probe ignored its deadline"))
        self._begin_ready()

    # On the loop: storing

    def _finish(self, observation: Observation) -> None:
        self._finished.append(observation)
        if self._flush is None and not self._storing:
            self._flush = self._loop.call_later(FLUSH_AFTER_SECONDS, self._store)

    def _finish_instead(self, run: _Run, outcome: Outcome) -> None:
        observed = Observed(outcome=outcome, latency_ms=None, attempts=1)
        self._finish(_observation(run, observed))

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
        error = done.exception()
        self._storage_fails = error is not None
        if error is not None:
            # Kept and tried again: a result is only refused when its lease has run out.
            log.error("record.failed", exc_info=error, extra={"results": len(batch)})
            self._finished[:0] = batch
            delay = RETRY_SECONDS
        else:
            self._accept(done.result())
        if self._finished and self._flush is None:
            self._flush = self._loop.call_later(delay, self._store)

    def _on_writer(self, call: Callable[..., _T], *args: object, then: Callable[[Future[_T]], None]) -> None:
        def report(done: Future[_T]) -> None:
            if not self._loop.is_closed():  # else a stop has not waited for it, and said so
                self._loop.call_soon_threadsafe(then, done)

        self._writer.submit(call, *args).add_done_callback(report)

    async def _drain(self, seconds: float) -> bool:
        """Return whether storage has been told everything."""
        deadline = self._loop.time() + seconds
        self._stopping = True
        if self._running:
            await asyncio.wait(list(self._running), timeout=max(0.0, seconds - 1))
        cut_off = [run.assignment for run in self._running.values()]
        for task in self._running:
            task.remove_done_callback(self._ended)  # it is given back, whatever it still brings
            task.cancel()
        while (self._finished or self._storing or self._claiming) and self._loop.time() < deadline:
            if not self._storage_fails:  # else its own timer tries again
                self._store()
            await asyncio.sleep(0.02)
        if unbegun := self._queue.drain() + cut_off:
            released = self._writer.submit(self._storage.release, unbegun)
            await asyncio.wait([asyncio.wrap_future(released)])
            self._given_back(released)
        return not (self._finished or self._storing or self._claiming)


@dataclass(slots=True)
class _Run:
    """
    A probe whose instant has come. Its task may wait for its first turn, and no time counts until then.

    Attributes:
        due_at, give_up_at: By the loop's clock.
    """

    assignment: Assignment
    due_at: float
    started_at: datetime
    give_up_at: float = math.inf
    late_ms: float = 0.0


def _observation(run: _Run, observed: Observed) -> Observation:
    return Observation(
        assignment=run.assignment,
        started_at=run.started_at,
        ended_at=datetime.now(UTC),
        late_ms=run.late_ms,
        latency_ms=observed.latency_ms,
        attempts=observed.attempts,
        outcome=observed.outcome,
    )


def _budget(assignment: Assignment) -> float:
    """Seconds until a probe that has not ended is given up."""
    if assignment.prepared is None:
        return GRACE_SECONDS
    definition = assignment.prepared.definition
    return definition.timeout.total_seconds() * (definition.retries + 1) + GRACE_SECONDS

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
import heapq
import itertools
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from checks.rules.outcome import Outcome
from checks.runner.assignment import Assignment, Observation
from checks.runner.lateness import Lateness
from checks.runner.probe import Observed, Surroundings, run_probe
from checks.runner.stall import StallWatch

log = logging.getLogger(__name__)

SHARED_WAKE_UP = timedelta(milliseconds=5)
FLUSH_AFTER_SECONDS = 0.25
GRACE_SECONDS = 0.5
"""A probe that has not ended this long after its deadline is given up; see `_give_up_on`."""
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
        capacity: Slots held at once, waiting or running; no more are claimed.
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
        self._locations = tuple(locations)
        self._in_flight_limit = in_flight
        self._per_host = per_host
        self._loop = new_loop()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)
        self._stopping = False
        self._idle = asyncio.Event()

        self._waiting: list[tuple[float, int, Assignment]] = []
        self._ready: deque[Assignment] = deque()
        self._held_back: defaultdict[str, deque[Assignment]] = defaultdict(deque)
        self._running: dict[asyncio.Task[None], _Run] = {}
        self._hosts: defaultdict[str, int] = defaultdict(int)
        self._sequence = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None

        self._finished: list[Observation] = []
        self._flush: asyncio.TimerHandle | None = None
        self._storing = False
        self._claiming: set[str] = set()
        self._woken_at = {location: time.monotonic() for location in self._locations}
        self._watch = StallWatch(self._loop)
        self.lateness = Lateness()

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
        done: Future[None] = asyncio.run_coroutine_threadsafe(self._drain(timeout.total_seconds()), self._loop)
        done.result(timeout.total_seconds() + 5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._writer.shutdown(wait=True)

    @property
    def in_flight(self) -> int:
        return len(self._running)

    @property
    def held(self) -> int:
        """Slots that are claimed and not yet stored."""
        return (
            len(self._waiting)
            + len(self._ready)
            + len(self._running)
            + len(self._finished)
            + sum(map(len, self._held_back.values()))
        )

    # On the loop

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._watch.start()
        self._loop.call_later(1.0, self._heartbeat)
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
                log.warning("wakeups.silent", extra={"location": location, "seconds": round(now - woken_at, 1)})
                self._claim(location)
        loop_now = self._loop.time()
        for task, run in list(self._running.items()):
            if loop_now > run.give_up_at:
                self._give_up_on(task, run)
        self._loop.call_later(GRACE_SECONDS / 2 if self._running else 1.0, self._heartbeat)

    def _claim(self, location: str) -> None:
        self._woken_at[location] = time.monotonic()
        room = 2 * self._in_flight_limit - self.held
        if self._stopping or location in self._claiming or room <= 0:
            return
        self._claiming.add(location)
        claimed = self._writer.submit(self._storage.claim, location, room)
        claimed.add_done_callback(lambda future: self._loop.call_soon_threadsafe(self._claimed, location, future))

    def _claimed(self, location: str, claimed: Future[Sequence[Assignment]]) -> None:
        self._claiming.discard(location)
        if (error := claimed.exception()) is not None:
            log.error("claim.failed", exc_info=error, extra={"location": location})
            return
        self._accept(claimed.result())

    def _accept(self, assignments: Sequence[Assignment]) -> None:
        if self._stopping:
            if assignments:
                self._writer.submit(self._storage.release, assignments)
            return
        for assignment in assignments:
            heapq.heappush(self._waiting, (assignment.start_at.timestamp(), next(self._sequence), assignment))
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._waiting and not self._stopping:
            delay = max(0.0, self._waiting[0][0] - time.time())
            self._alarm = self._loop.call_later(delay, self._ring)

    def _ring(self) -> None:
        until = time.time() + SHARED_WAKE_UP.total_seconds()
        while self._waiting and self._waiting[0][0] <= until:
            self._ready.append(heapq.heappop(self._waiting)[2])
        self._begin_ready()
        self._set_alarm()

    def _begin_ready(self) -> None:
        while self._ready and len(self._running) < self._in_flight_limit and not self._stopping:
            assignment = self._ready.popleft()
            prepared = assignment.prepared
            if prepared is None:
                self._finish(_defective(assignment))
                continue
            host = prepared.host
            if host and self._hosts[host] >= self._per_host:
                self._held_back[host].append(assignment)
                continue
            self._begin(assignment, host, prepared.definition.timeout, prepared.definition.retries)

    def _begin(self, assignment: Assignment, host: str, timeout: timedelta, retries: int) -> None:
        if host:
            self._hosts[host] += 1
        budget = timeout.total_seconds() * (retries + 1) + GRACE_SECONDS
        task = self._loop.create_task(self._probe(assignment), name=assignment.slug)
        self._running[task] = _Run(assignment, host, timeout, datetime.now(UTC), self._loop.time() + budget)
        task.add_done_callback(self._ended)

    async def _probe(self, assignment: Assignment) -> None:
        started_at = datetime.now(UTC)
        late_ms = max(0.0, (started_at - assignment.start_at) / timedelta(milliseconds=1))
        self.lateness.add(late_ms)
        prepared = assignment.prepared
        assert prepared is not None  # noqa: S101  _begin_ready has sorted out the others
        observed = await run_probe(prepared, self._surroundings)
        stalled = self._watch.blame(assignment.slug)
        self._finish(_observation(assignment, started_at, late_ms, observed, stalled))

    def _ended(self, task: asyncio.Task[None]) -> None:
        run = self._leave(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("probe.crashed", exc_info=error, extra={"check": run.assignment.slug})
            self._finish(_unable(run, f"the probe itself failed: {type(error).__name__}: {error}"))
        self._begin_ready()

    def _leave(self, task: asyncio.Task[None]) -> _Run:
        run = self._running.pop(task)
        if run.host:
            self._hosts[run.host] -= 1
            if self._held_back[run.host]:
                self._ready.appendleft(self._held_back[run.host].popleft())
            elif not self._hosts[run.host]:
                del self._hosts[run.host], self._held_back[run.host]
        if not self._running:
            self._idle.set()
        return run

    def _give_up_on(self, task: asyncio.Task[None], run: _Run) -> None:
        """A probe that swallowed its cancellation costs its own slot, and is named; nothing else waits."""
        log.error("probe.ignored_cancellation", extra={"check": run.assignment.slug})
        task.remove_done_callback(self._ended)
        task.cancel()
        self._leave(task)
        why = f"no answer within {run.timeout.total_seconds():g} s, and the probe ignored its deadline"
        observed = Observed(outcome=Outcome.down(why), latency_ms=None, attempts=1)
        self._finish(_observation(run.assignment, run.started_at, 0.0, observed, ""))
        self._begin_ready()

    def _finish(self, observation: Observation) -> None:
        self._finished.append(observation)
        if self._flush is None and not self._storing:
            self._flush = self._loop.call_later(FLUSH_AFTER_SECONDS, self._store)

    def _store(self) -> None:
        self._flush = None
        if self._storing or not self._finished:
            return
        batch, self._finished = self._finished, []
        self._storing = True
        stored = self._writer.submit(self._storage.record, batch)
        stored.add_done_callback(lambda future: self._loop.call_soon_threadsafe(self._stored, batch, future))

    def _stored(self, batch: list[Observation], stored: Future[Sequence[Assignment]]) -> None:
        self._storing = False
        delay = FLUSH_AFTER_SECONDS
        if (error := stored.exception()) is not None:
            # Kept and tried again: a result is only given up when its lease has run out.
            log.error("record.failed", exc_info=error, extra={"results": len(batch)})
            self._finished[:0] = batch
            delay = RETRY_SECONDS
        else:
            self._accept(stored.result())
        if self._finished and self._flush is None:
            self._flush = self._loop.call_later(delay, self._store)

    async def _drain(self, seconds: float) -> None:
        self._stopping = True
        deadline = self._loop.time() + seconds
        unbegun = [item[2] for item in self._waiting] + list(self._ready)
        unbegun += itertools.chain.from_iterable(self._held_back.values())
        self._waiting.clear()
        self._ready.clear()
        self._held_back.clear()
        if self._alarm is not None:
            self._alarm.cancel()
        if self._running:
            self._idle.clear()
            try:
                async with asyncio.timeout(max(0.0, seconds - 1)):
                    await self._idle.wait()
            except TimeoutError:
                unbegun += [run.assignment for run in self._running.values()]
                for task in list(self._running):
                    task.cancel()
        while (self._finished or self._storing) and self._loop.time() < deadline:
            self._store()
            await asyncio.sleep(0.02)
        if unbegun:
            await asyncio.wrap_future(self._writer.submit(self._storage.release, unbegun))


@dataclass(slots=True)
class _Run:
    assignment: Assignment
    host: str
    timeout: timedelta
    started_at: datetime
    give_up_at: float


def _observation(
    assignment: Assignment, started_at: datetime, late_ms: float, observed: Observed, stalled: str
) -> Observation:
    outcome = observed.outcome
    if stalled:
        outcome = Outcome(
            verdict=outcome.verdict,
            output=f"{outcome.output}; {stalled}".lstrip("; "),
            facts=outcome.facts,
            phases_ms=outcome.phases_ms,
            conditions=outcome.conditions,
        )
    return Observation(
        assignment=assignment,
        started_at=started_at,
        ended_at=datetime.now(UTC),
        late_ms=late_ms,
        latency_ms=observed.latency_ms,
        attempts=observed.attempts,
        outcome=outcome,
    )


def _defective(assignment: Assignment) -> Observation:
    observed = Observed(outcome=Outcome.unknown(assignment.defect), latency_ms=None, attempts=1)
    return _observation(assignment, datetime.now(UTC), 0.0, observed, "")


def _unable(run: _Run, why: str) -> Observation:
    observed = Observed(outcome=Outcome.unknown(why), latency_ms=None, attempts=1)
    return _observation(run.assignment, run.started_at, 0.0, observed, "")

"""The prober: exact starts, hard deadlines, nothing lost. Storage is a list here; the loop is real."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from checks.egress import Egress, parse_policy
from checks.kinds.base import Kind, Probing
from checks.rules.definition import parse as parse_definition
from checks.rules.outcome import Outcome, Verdict
from checks.rules.schedule import Every
from checks.rules.status import Standing, Status, Thresholds
from checks.runner.assignment import Assignment, Observation
from checks.runner.prepared import Prepared
from checks.runner.probe import Surroundings
from checks.runner.prober import Prober, Storage

UNKNOWN = Standing(Status.UNKNOWN)
SOON = timedelta(milliseconds=50)


class Shelf:
    """Storage that keeps what it is given, and can be waited for."""

    def __init__(self) -> None:
        self.due: list[Assignment] = []
        self.observations: list[Observation] = []
        self.released: list[Assignment] = []
        self.failures = 0
        self.closed = False
        self.open = threading.Event()
        self.open.set()
        self.changed = threading.Condition()

    def claim(self, location: str, limit: int) -> Sequence[Assignment]:
        self.open.wait()
        claimed, self.due = self.due[:limit], self.due[limit:]
        return claimed

    def record(self, observations: Sequence[Observation]) -> Sequence[Assignment]:
        self.open.wait()
        with self.changed:
            if self.failures:
                self.failures -= 1
                raise OSError("the disk is full")
            self.observations.extend(observations)
            self.changed.notify_all()
        return []

    def release(self, assignments: Sequence[Assignment]) -> None:
        with self.changed:
            if self.failures:
                self.failures -= 1
                raise OSError("the disk is full")
            self.released.extend(assignments)
            self.changed.notify_all()

    def close(self) -> None:
        self.closed = True

    def wait_for(self, count: int, seconds: float = 10) -> dict[str, Observation]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.observations) >= count, seconds), self.observations
        return {item.assignment.slug: item for item in self.observations}


@dataclass(frozen=True, kw_only=True)
class Scripted(Kind):
    """A kind that does what the test says."""

    act: Callable[[], object]

    async def probe(self, probing: Probing) -> Outcome:
        result = self.act()
        return await result if asyncio.iscoroutine(result) else Outcome.up("done")


def assignment(
    slug: str,
    act: Callable[[], object],
    *,
    timeout: float = 5,
    retries: int = 0,
    host: str = "",
    after: timedelta = SOON,
) -> Assignment:
    raw = {"kind": "tcp", "host": "target", "port": 1, "interval": 60, "timeout": timeout, "retries": retries}
    prepared = Prepared(
        definition=parse_definition(slug, raw),
        kind=Scripted(act=act),
        schedule=Every(60),
        thresholds=Thresholds(),
        conditions=(),
        degraded_conditions=(),
        host=host,
        asked=frozenset(),
    )
    at = datetime.now(UTC) + after
    return Assignment(
        check_id=1,
        slug=slug,
        slot=at,
        start_at=at,
        next_due_at=at + timedelta(minutes=1),
        fence=1,
        standing=UNKNOWN,
        strip="",
        prepared=prepared,
    )


async def forever() -> Outcome:
    await asyncio.Event().wait()
    return Outcome.up()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def prober(shelf: Shelf) -> Iterator[Prober]:
    async def run_registered(name: str) -> object:
        return name

    async def worker_signs() -> dict[str, datetime]:
        return {}

    prober = Prober(
        Storage(claim=shelf.claim, record=shelf.record, release=shelf.release, close=shelf.close),
        Surroundings(
            egress=Egress(parse_policy("lan")), run_registered=run_registered, worker_signs=worker_signs
        ),
        locations=["default"],
        in_flight=50,
        per_host=2,
    )
    prober.start()
    yield prober
    prober.stop(timedelta(seconds=2))


def run(prober: Prober, shelf: Shelf, *assignments: Assignment) -> dict[str, Observation]:
    wanted = len(shelf.observations) + len(assignments)
    shelf.due.extend(assignments)
    prober.wake("default")
    return shelf.wait_for(wanted)


def test_probe__begins_at_its_instant__not_before(prober, shelf):
    begun: list[datetime] = []
    wanted = assignment("api", lambda: begun.append(datetime.now(UTC)), after=timedelta(milliseconds=300))
    seen = run(prober, shelf, wanted)
    assert begun[0] >= wanted.slot - timedelta(milliseconds=5)
    assert seen["api"].outcome.verdict is Verdict.UP


def test_probe__never_answers__is_down_at_its_deadline_and_delays_no_other(prober, shelf):
    hung = [assignment(f"hung-{number}", forever, timeout=0.4) for number in range(20)]
    quick = [assignment(f"quick-{number}", nothing_to_do, timeout=0.4) for number in range(5)]
    seen = run(prober, shelf, *hung, *quick)
    assert {seen[f"quick-{number}"].outcome.verdict for number in range(5)} == {Verdict.UP}
    for number in range(20):
        observation = seen[f"hung-{number}"]
        assert observation.outcome.output == "no answer within 0.4 s"
        assert observation.ended_at - observation.started_at < timedelta(seconds=0.9)
    assert max(item.ended_at for item in (seen[f"quick-{n}"] for n in range(5))) < seen["hung-0"].ended_at


def nothing_to_do() -> None:
    return None


def test_probe__swallows_its_cancellation__is_given_up_and_named(prober, shelf, caplog):
    """It has one result, whatever it brings when it ends at last."""
    let_go, ended = threading.Event(), threading.Event()

    async def stubborn() -> Outcome:
        while not let_go.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue
        ended.set()
        return Outcome.up()

    seen = run(prober, shelf, assignment("stubborn", stubborn, timeout=0.2))
    assert seen["stubborn"].outcome.verdict is Verdict.DOWN
    assert "ignored its deadline" in seen["stubborn"].outcome.output
    assert seen["stubborn"].ended_at - seen["stubborn"].started_at < timedelta(seconds=1.2)
    let_go.set()
    assert ended.wait(5)
    run(prober, shelf, assignment("next", nothing_to_do))
    assert [item.assignment.slug for item in shelf.observations] == ["stubborn", "next"]


def test_probe__blocks_the_loop__is_named_in_its_result(prober, shelf, caplog):
    seen = run(prober, shelf, assignment("blocker", lambda: time.sleep(1.2)))
    assert "blocked all other probes" in seen["blocker"].outcome.output
    assert "loop.blocked" in caplog.text


def test_probe__deadline_passes_while_the_loop_stands_still__is_not_the_targets_fault(prober, shelf, caplog):
    victim = assignment("victim", forever, timeout=0.3)
    seen = run(prober, shelf, victim, assignment("blocker", lambda: time.sleep(1.4)))
    assert seen["victim"].outcome.verdict is Verdict.UNKNOWN
    assert "we ourselves stood still" in seen["victim"].outcome.output


def test_probe__waits_for_its_first_turn_behind_a_blocker__has_its_whole_time(prober, shelf, caplog):
    async def short() -> Outcome:
        await asyncio.sleep(0.3)
        return Outcome.up()

    blocker = assignment("blocker", lambda: time.sleep(1.4))
    seen = run(prober, shelf, blocker, assignment("next", short, timeout=0.5))
    assert seen["next"].outcome.verdict is Verdict.UP
    assert seen["next"].late_ms > 1000


@pytest.mark.parametrize("attack", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_probe__tries_to_end_the_process__is_unknown_and_others_go_on(prober, shelf, caplog, attack):
    def hostile() -> None:
        raise attack

    seen = run(prober, shelf, assignment("hostile", hostile))
    assert seen["hostile"].outcome.verdict is Verdict.UNKNOWN
    assert run(prober, shelf, assignment("next", nothing_to_do))["next"].outcome.verdict is Verdict.UP


def test_probe__bug_in_a_kind__lays_no_blame_on_the_target(prober, shelf, caplog):
    def broken() -> None:
        raise KeyError("oops")

    seen = run(prober, shelf, assignment("broken", broken))
    assert seen["broken"].outcome.verdict is Verdict.UNKNOWN
    assert "KeyError" in seen["broken"].outcome.output


def test_retry__target_is_back_at_once__is_up_with_two_attempts(prober, shelf):
    answers = [ConnectionResetError("reset"), None]

    def flaky() -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    seen = run(prober, shelf, assignment("flaky", flaky, retries=1))
    assert (seen["flaky"].outcome.verdict, seen["flaky"].attempts) == (Verdict.UP, 2)


def test_host_limit__third_probe_of_a_host__waits_for_one_of_the_two(prober, shelf):
    running, most = 0, 0

    async def counted() -> Outcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        return Outcome.up()

    run(prober, shelf, *(assignment(f"c{number}", counted, host="one") for number in range(6)))
    assert most == 2


def test_record__storage_fails__results_are_kept_and_stored_later(prober, shelf, caplog):
    shelf.failures = 1
    seen = run(prober, shelf, assignment("api", nothing_to_do))
    assert seen["api"].outcome.verdict is Verdict.UP
    assert "record.failed" in caplog.text


def test_slot__found_no_room_in_time__is_given_back_not_begun_under_a_lease_that_runs_out(
    prober, shelf, caplog, monkeypatch
):
    monkeypatch.setattr("checks.runner.prober.LATEST_START_SECONDS", 0.3)
    begun: list[str] = []
    hung = [assignment(f"hung-{number}", forever, timeout=0.6, host="h") for number in range(2)]
    waiting = assignment("waiting", lambda: begun.append("waiting"), host="h")
    shelf.due = [*hung, waiting]
    prober.wake("default")
    with shelf.changed:
        assert shelf.changed.wait_for(lambda: shelf.released, 5)
    assert (begun, [item.slug for item in shelf.released]) == ([], ["waiting"])


def test_wall_clock__steps_back_before_a_start__probe_begins_in_time(prober, shelf):
    shelf.due = [assignment("api", nothing_to_do, after=timedelta(seconds=0.5))]
    prober.wake("default")
    while not len(prober._queue):
        time.sleep(0.01)
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
        assert shelf.wait_for(1)["api"].late_ms < 250


def test_stop__claim_under_way__its_slots_are_given_back(prober, shelf):
    shelf.open.clear()
    shelf.due = [assignment("api", nothing_to_do)]
    prober.wake("default")
    threading.Timer(0.3, shelf.open.set).start()
    prober.stop(timedelta(seconds=3))
    assert [item.slug for item in shelf.released] == ["api"]


def test_stop__storage_hangs__ends_in_time_and_says_so(prober, shelf, caplog):
    run(prober, shelf, assignment("api", nothing_to_do))
    shelf.open.clear()
    shelf.due = [assignment("late", nothing_to_do)]
    prober.wake("default")
    began = time.monotonic()
    prober.stop(timedelta(seconds=0.5))
    assert time.monotonic() - began < 4
    assert "stop.unfinished" in caplog.text
    shelf.open.set()


def test_stop__giving_back_fails__ends_all_the_same(prober, shelf, caplog):
    shelf.due = [assignment("later", nothing_to_do, after=timedelta(seconds=60))]
    prober.wake("default")
    while not len(prober._queue):
        time.sleep(0.01)
    shelf.failures = 1
    prober.stop(timedelta(seconds=1))
    assert "release.failed" in caplog.text
    prober.wake("default")  # a message that comes too late is no error


def test_stop__running_probe_ends_and_unbegun_slot_is_given_back(prober, shelf):
    begun = threading.Event()

    async def short() -> Outcome:
        begun.set()
        await asyncio.sleep(0.3)
        return Outcome.up()

    shelf.due = [
        assignment("running", short),
        assignment("later", nothing_to_do, after=timedelta(seconds=60)),
    ]
    prober.wake("default")
    assert begun.wait(5)
    prober.stop(timedelta(seconds=3))
    assert [item.assignment.slug for item in shelf.observations] == ["running"]
    assert [item.slug for item in shelf.released] == ["later"]


def test_stop__probe_outlasts_it__is_given_back_and_has_no_result(prober, shelf):
    begun = threading.Event()

    async def long() -> Outcome:
        begun.set()
        try:
            return await forever()
        except asyncio.CancelledError:
            return Outcome.down("cut off")

    shelf.due = [assignment("long", long, timeout=60)]
    prober.wake("default")
    assert begun.wait(5)
    prober.stop(timedelta(seconds=1.2))
    assert ([item.slug for item in shelf.released], shelf.observations) == (["long"], [])
    assert shelf.closed


def test_wake_ups_stop__prober_looks_for_work_itself(prober, shelf, caplog, monkeypatch):
    """A broker that has gone silent delays a slot; it never loses one."""
    monkeypatch.setattr("checks.runner.prober.SILENCE_SECONDS", 0.5)
    shelf.due = [assignment("api", nothing_to_do)]
    assert shelf.wait_for(1)["api"].outcome.verdict is Verdict.UP
    assert "wakeups.silent" in caplog.text

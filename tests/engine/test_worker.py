"""A whole worker on a real database: what the parts promise, kept together."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections

from checks import bus
from checks.commands.actor import SYSTEM
from checks.commands.slots import ClaimSlots
from checks.events import store
from checks.models import Check, CheckState, Result
from checks.runner import outbound
from checks.worker import Worker
from tests.engine.accounting import Account, account_of

pytestmark = pytest.mark.django_db(transaction=True)

CHECKS = 8


@pytest.fixture
def start(settings) -> Iterator[Callable[..., Worker]]:
    """Start a worker that may dial this machine; all are stopped in the end."""
    settings.EGRESS_ALLOW = ["127.0.0.1"]
    outbound.egress.cache_clear()
    workers: list[Worker] = []

    def start(name: str) -> Worker:
        worker = Worker(["default"], alone=False)
        worker.name = name
        worker.start()
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.stop(timedelta(seconds=3))
    outbound.egress.cache_clear()


@pytest.fixture
def every_second(define, free_port) -> None:
    """Checks of one second each; nobody listens where they dial, which is a quick answer."""
    for number in range(CHECKS):
        define(f"c-{number}", due=None, interval=1, timeout=1, port=free_port)


@contextmanager
def ticking(*workers: Worker, every: float = 1.0) -> Iterator[None]:
    """Wake-ups as beat sends them, or worse."""
    done = threading.Event()

    def tick() -> None:
        while not done.wait(every):
            for worker in workers:
                worker.wake("default")

    thread = threading.Thread(target=tick)
    thread.start()
    yield
    done.set()
    thread.join()


def wait_for_results(count: int, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while Result.objects.count() < count:
        assert time.monotonic() < until, f"{Result.objects.count()} results of {count}"
        time.sleep(0.05)


def accounts() -> list[Account]:
    return [account_of(check) for check in Check.objects.all()]


def test_checks_of_a_second__two_workers_and_doubled_wake_ups__keep_every_slot_once(
    every_second, start, caplog
):
    workers = [start("one"), start("two")]
    with ticking(*workers, *workers, every=0.7):
        wait_for_results(6 * CHECKS)
    for account in accounts():
        assert (account.unaccounted, account.contradictory, account.reasons) == ([], [], 0)
        assert account.results >= 5
    assert "result.refused" not in caplog.text, "a slot was run twice"


def test_broker_is_silent__work_goes_on(define, start, free_port, monkeypatch, caplog):
    """The next slot is too far off to be claimed along with a result: the worker looks by itself."""
    monkeypatch.setattr("checks.runner.prober.SILENCE_SECONDS", 0.5)
    define("api", due=None, interval=3, timeout=1, port=free_port)
    start("one")
    wait_for_results(3)
    (account,) = accounts()
    assert (account.unaccounted, account.reasons) == ([], 0)
    assert caplog.text.count("wakeups.silent") == 1, "it is said once"


def test_broker_is_silent__slots_of_a_lost_worker_are_accounted_for(define, start, free_port, monkeypatch):
    monkeypatch.setattr("checks.worker.BEAT_SILENT_SECONDS", 0.2)
    monkeypatch.setattr("checks.worker.SIGN_EVERY_SECONDS", 0.2)
    monkeypatch.setattr("checks.runner.prober.SILENCE_SECONDS", 0.2)
    define("api", port=free_port)
    (lost,) = bus.handle(ClaimSlots(location="default", worker="gone", limit=1), actor=SYSTEM)
    CheckState.objects.update(leased_until=datetime.now(UTC))
    start("one")
    until = time.monotonic() + 15
    while not store.read_all(types=["SlotLost"]):
        assert time.monotonic() < until
        time.sleep(0.05)
    (event,) = store.read_all(types=["SlotLost"])
    assert (event.data["slot"], event.data["worker"]) == (lost.slot.isoformat(), "gone")


@contextmanager
def database_away() -> Iterator[None]:
    """On SQLite another process holds the write lock; on PostgreSQL every connection is cut, and cut."""
    if connection.vendor == "sqlite":
        path = connections["default"].settings_dict["NAME"]
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        return
    import psycopg

    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    parameters = connection.get_connection_params()
    address = {name: parameters[name] for name in ("host", "port", "user", "dbname")}
    back = threading.Event()

    def keep_cutting() -> None:
        with closing(psycopg.connect(**address, autocommit=True)) as other:
            while not back.wait(0.02):
                other.execute(f"{cut} AND pid <> pg_backend_pid()")

    connection.close()
    thread = threading.Thread(target=keep_cutting)
    thread.start()
    try:
        yield
    finally:
        back.set()
        thread.join()


def test_database_is_away_for_a_while__every_slot_is_accounted_for(every_second, start, caplog):
    worker = start("one")
    with ticking(worker):
        wait_for_results(2 * CHECKS)
        with database_away():
            time.sleep(1.5)  # long enough for slots to end meanwhile
        wait_for_results(Result.objects.count() + 3 * CHECKS)
    for account in accounts():
        assert (account.unaccounted, account.contradictory) == ([], [])

"""A worker that is killed at any moment loses no slot and records none twice."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.db import connection

from tests.embedded import ROOT, environment, run_command

CHECKS = 12
KILLS = 3
ON_POSTGRESQL = connection.vendor == "postgresql"

REPORT = """
from checks.models import Check
from tests.engine.accounting import account_of
for check in Check.objects.filter(slug__startswith="c-"):
    account = account_of(check)
    print(check.slug, account.results, account.reasons, len(account.unaccounted), len(account.contradictory))
"""


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.05)


def set_up(settings: dict[str, str], folder: Path) -> None:
    """A database with checks of one second each; whatever they dial refuses, which is quick."""
    definitions = "".join(
        f"  c-{number}: {{kind: tcp, host: 127.0.0.1, port: 9, interval: 1, timeout: 1}}\n"
        for number in range(CHECKS)
    )
    configuration = folder / "checks.yaml"
    configuration.write_text(f"checks:\n{definitions}")
    for command in (("migrate", "-v0"), ("apply", str(configuration))):
        done = run_command(*command, **settings)
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def running(*command: str, log: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=settings, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def assert_every_slot_is_accounted_for(settings: dict[str, str], log: Path) -> None:
    report = run_command("shell", "--no-imports", "-c", REPORT, **settings)
    lines = report.stdout.strip().splitlines()
    assert len(lines) == CHECKS, report.stderr
    for line in lines:
        slug, results, _, unaccounted, contradictory = line.split()
        assert (unaccounted, contradictory) == ("0", "0"), (line, log.read_text())
        assert int(results) >= KILLS, slug
    assert sum(int(line.split()[2]) for line in lines) > 0, "a kill always costs slots their results"


@pytest.mark.skipif(ON_POSTGRESQL, reason="the embedded system stores in SQLite")
def test_embedded_system_killed_again_and_again__accounts_for_every_slot(tmp_path, free_port):
    """Killed in mid-run with SIGKILL, started again at once, three times."""
    settings = environment(
        tmp_path, PORT=str(free_port), EGRESS_ALLOW="127.0.0.1", PYTHONPATH=str(ROOT), CHECKS_FILE=""
    )
    log = tmp_path / "output.log"
    set_up(settings, tmp_path)
    database = f"file:{tmp_path / 'breakwater.sqlite3'}?mode=ro"

    def results() -> int:
        reader = sqlite3.connect(database, uri=True)
        try:
            return int(reader.execute("SELECT count(*) FROM checks_result").fetchone()[0])
        finally:
            reader.close()

    chance = random.Random(20261124)
    for turn in range(KILLS + 1):
        enough = results() + 2 * CHECKS
        with running("manage.py", "serve", log=log, **settings) as serve:
            wait_until(lambda enough=enough: results() >= enough, 40, f"results of run {turn}")
            if turn < KILLS:
                time.sleep(chance.uniform(0, 1))  # the moment of the kill is what varies
                serve.kill()
            else:
                serve.send_signal(signal.SIGTERM)
                assert serve.wait(15) == 0, log.read_text()
    assert_every_slot_is_accounted_for(settings, log)


@pytest.mark.skipif(not ON_POSTGRESQL, reason="several workers need PostgreSQL and Redis")
def test_one_of_two_workers_killed__the_other_goes_on_and_every_slot_is_accounted_for(tmp_path):
    """Two beats beside them: a second one is harmless."""
    import psycopg

    servers = {name: os.environ[name] for name in ("DATABASE_URL", "BROKER_URL")}
    # So few at once that neither worker can hold all checks.
    settings = environment(
        tmp_path, **servers, EGRESS_ALLOW="127.0.0.1", MAX_PROBES_IN_FLIGHT="3", PYTHONPATH=str(ROOT)
    )
    log = tmp_path / "output.log"
    set_up(settings, tmp_path)
    celery = ("-m", "celery", "-A", "dashboard")

    with ExitStack() as stack, psycopg.connect(servers["DATABASE_URL"], autocommit=True) as reader:

        def count(query: str, *values: object) -> int:
            return int(reader.execute(query, values).fetchone()[0])

        def results() -> int:
            return count("SELECT count(*) FROM checks_result")

        def worker() -> subprocess.Popen[bytes]:
            return stack.enter_context(running(*celery, "worker", "-l", "WARNING", log=log, **settings))

        for number in range(2):
            schedule = ("-s", str(tmp_path / f"beat-{number}"), "--pidfile=")
            stack.enter_context(running(*celery, "beat", "-l", "WARNING", *schedule, log=log, **settings))
        victim, survivor = worker(), worker()
        at_work = "SELECT count(DISTINCT leased_by) FROM checks_checkstate WHERE leased_by <> ''"
        wait_until(lambda: results() >= 3 * CHECKS and count(at_work) == 2, 40, "both workers to work")
        victim.kill()
        victim.wait()
        lost = "SELECT count(*) FROM checks_event WHERE type = 'SlotLost'"
        wait_until(lambda: count(lost) > 0, 30, "the lost slots to be written off")
        held = "SELECT count(*) FROM checks_checkstate WHERE leased_by LIKE %s"
        wait_until(lambda: count(held, f"%-{victim.pid}") == 0, 10, "no lease of the dead")
        enough = results() + 4 * CHECKS
        wait_until(lambda: results() >= enough, 30, "results of the survivor")
        survivor.send_signal(signal.SIGTERM)
        assert survivor.wait(20) == 0, log.read_text()
    assert_every_slot_is_accounted_for(settings, log)

"""A worker that is killed at any moment loses no slot and records none twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKS = 12
KILLS = 3

REPORT = """
from checks.models import Check
from tests.engine.accounting import account_of
for check in Check.objects.filter(slug__startswith="c-"):
    account = account_of(check)
    print(check.slug, account.results, account.reasons, len(account.unaccounted), len(account.contradictory))
"""


@pytest.fixture
def run(tmp_path: Path, free_port: int) -> Callable[..., subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "DATA_DIR": str(tmp_path),
        "PORT": str(free_port),
        "EGRESS_ALLOW": "127.0.0.1",
        "PYTHONPATH": str(ROOT),
    }

    def run(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    return run


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.05)


def results_in(database: Path) -> int:
    import sqlite3

    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM checks_result").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_worker_killed_again_and_again__accounts_for_every_slot(run, tmp_path):
    """Killed in mid-run with SIGKILL, started again at once, three times."""
    database = tmp_path / "breakwater.sqlite3"
    definitions = "".join(
        f"  c-{number}: {{kind: tcp, host: 127.0.0.1, port: 9, interval: 1, timeout: 1}}\n"
        for number in range(CHECKS)
    )
    configuration = tmp_path / "checks.yaml"
    configuration.write_text(f"checks:\n{definitions}")
    assert run("migrate", "-v0").wait(60) == 0
    apply = run("apply", str(configuration))
    assert apply.wait(60) == 0, apply.communicate()[0]
    chance = random.Random(20261124)
    for turn in range(KILLS + 1):
        before = results_in(database)
        serve = run("serve")
        try:
            enough = before + 2 * CHECKS
            wait_until(lambda enough=enough: results_in(database) >= enough, 40, f"results of run {turn}")
            if turn < KILLS:
                time.sleep(chance.uniform(0, 1))  # the moment of the kill is what varies
                serve.kill()
            else:
                serve.send_signal(signal.SIGTERM)
        finally:
            output = serve.communicate(timeout=30)[0]
    assert serve.returncode == 0, output
    report = run("shell", "--no-imports", "-c", REPORT)
    lines = report.communicate(timeout=60)[0].strip().splitlines()
    assert report.returncode == 0, lines
    assert len(lines) == CHECKS
    for line in lines:
        slug, results, reasons, unaccounted, contradictory = line.split()
        assert (unaccounted, contradictory) == ("0", "0"), (line, output)
        assert int(results) >= KILLS, slug
        assert int(reasons) > 0, "a kill always costs a slot its result"

"""Blocking registered functions: a hung one costs its own slot, and leaves no process behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from checks.errors import CheckError, ProbeUnable
from checks.rules.outcome import Verdict
from checks.runner import registered
from checks.runner.registered import RegisteredRunner
from tests.engine import registered_functions

ROOT = Path(__file__).parents[2]

KILLED_WORKER = """
import asyncio
from checks.runner import registered
from tests.engine import registered_functions
registered._set_up_child = registered_functions.set_up_child
if __name__ == "__main__":
    asyncio.run(registered.RegisteredRunner().run("hangs"))
"""


@pytest.fixture
def pid_file(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "pid"
    monkeypatch.setenv(registered_functions.PID_FILE, str(path))
    return path


@pytest.fixture
def runner(monkeypatch, pid_file) -> Iterator[RegisteredRunner]:
    monkeypatch.setattr(registered, "_set_up_child", registered_functions.set_up_child)
    monkeypatch.setattr(registered, "WORKERS", 1)
    runner = RegisteredRunner()
    yield runner
    runner.stop()


def pid_in(file: Path, seconds: float = 20) -> int:
    until = time.monotonic() + seconds
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < until, "the function was never called"
        time.sleep(0.02)
    return int(file.read_text())


def wait_until_gone(pid: int, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, f"process {pid} lives"
        time.sleep(0.02)


async def test_function_hangs__its_process_is_killed_and_the_next_one_runs(runner, pid_file):
    hung = asyncio.create_task(runner.run("hangs"))
    pid = await asyncio.to_thread(pid_in, pid_file)
    assert hung.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hung
    await asyncio.to_thread(wait_until_gone, pid)
    outcome = await runner.run("tells_its_process")
    assert (outcome.verdict, outcome.output != str(pid)) == (Verdict.UP, True)


async def test_function_waits_for_a_process_until_its_deadline__lays_no_blame(runner, pid_file):
    hung = asyncio.create_task(runner.run("hangs"))
    await asyncio.to_thread(pid_in, pid_file)
    with pytest.raises(ProbeUnable, match="was free in time"):
        async with asyncio.timeout(0.1):
            await runner.run("tells_its_process")
    hung.cancel()
    await asyncio.wait([hung])


async def test_function_not_begun_when_its_process_starts_slowly__lays_no_blame(runner):
    with pytest.raises(ProbeUnable, match="was free in time"):
        async with asyncio.timeout(0.05):
            await runner.run("tells_its_process")


async def test_idle_process_dies__the_next_function_gets_a_new_one(runner, caplog):
    first = await runner.run("tells_its_process")
    os.kill(int(first.output), signal.SIGKILL)
    await asyncio.to_thread(wait_until_gone, int(first.output))
    await asyncio.sleep(0.3)  # the pool looks ten times a second
    second = await runner.run("tells_its_process")
    assert second.output != first.output


async def test_function_ends_its_process__is_said_and_the_next_one_runs(runner):
    with pytest.raises(CheckError, match="ProcessExpired"):
        await runner.run("dies")
    assert (await runner.run("tells_its_process")).verdict is Verdict.UP
    raised = await runner.run("raises")
    assert (raised.verdict, raised.output) == (Verdict.DOWN, "LookupError: no such ledger")


def test_worker_killed__takes_its_hung_function_along(pid_file, tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(KILLED_WORKER)
    settings = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "DATA_DIR": str(tmp_path),
    }
    worker = subprocess.Popen(
        [sys.executable, str(script)], cwd=tmp_path, env=settings, stderr=subprocess.DEVNULL
    )
    pid = pid_in(pid_file)
    worker.kill()
    worker.wait()
    wait_until_gone(pid)

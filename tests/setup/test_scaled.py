"""The scaled system: web, worker and beat as processes of their own, on PostgreSQL and Redis."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.backends import free_port
from tests.embedded import ROOT, System, environment, run_command


@contextmanager
def running(log: Path, settings: dict[str, str], *command: str):
    """A process of ours; stopped by SIGTERM at the end, which must be enough."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name(command[0])), *command[1:]],
            cwd=ROOT, env=settings, stdout=output, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    try:
        yield process
        process.terminate()
        assert process.wait(10) in (0, -15)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture
def scaled(tmp_path, postgres_url, redis_url):
    """The processes of a small installation with a second location; gives its web server."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE scaled")
    settings = environment(
        tmp_path,
        DATABASE_URL=postgres_url.removesuffix("postgres") + "scaled",
        BROKER_URL=redis_url,
        PORT=str(free_port()),
        LOCATIONS="default,eu-west",
        PUBLIC_DASHBOARD="on",
    )
    (tmp_path / "checks.yaml").write_text(
        "checks: {memory-there: {kind: memory, limit: 99%, location: eu-west, interval: 1, timeout: 1}}"
    )
    assert run_command("migrate", "-v0", **settings).returncode == 0
    applied = run_command("apply", str(tmp_path / "checks.yaml"), **settings)
    assert applied.returncode == 0, applied.stderr
    commands = {
        "web": ("uvicorn", "dashboard.asgi:application", "--port", settings["PORT"]),
        "here": ("celery", "-A", "dashboard", "worker", "-Q", "system,location.default"),
        "there": ("celery", "-A", "dashboard", "worker", "-Q", "location.eu-west"),
        "beat": ("celery", "-A", "dashboard", "beat"),
    }
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(running(tmp_path / f"{name}.log", settings, *command))
            for name, command in commands.items()
        }
        yield System(processes["web"], settings, tmp_path / "there.log")


def test_scaled__check_of_another_location__is_run_by_its_worker_and_shown(scaled):
    scaled.wait_for(System.answers)
    scaled.wait_for(lambda it: it.statuses()["memory-there"] == "up")

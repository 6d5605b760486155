"""(a) Breakwater embedded on SQLite, by `manage.py serve`; (b) Breakwater on PostgreSQL and Redis."""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from checks.rules.schedule import offset_ms
from tests import backends
from tests.bench import accounting
from tests.bench.measure import INTERVAL_SECONDS, TIMEOUT_SECONDS, Load, Program
from tests.bench.processes import must_live, program, run
from tests.bench.target import Target

READY_SECONDS = 60.0


def slug_of(number: int) -> str:
    return f"bench-{number:05d}"


def offsets(load: Load) -> dict[int, float]:
    """By check number: where in the interval Breakwater's slots lie, in seconds from the Unix epoch."""
    interval = timedelta(seconds=INTERVAL_SECONDS)
    return {number: offset_ms(slug_of(number), interval) / 1000 for number in range(load.checks)}


def configuration(target: Target, load: Load) -> str:
    """A ``checks.yaml`` for a load: plain HTTP checks, as few keys as a person would write."""
    urls = [target.url(number) for number in range(load.checks)]
    urls += [target.hanging_url(load.checks + number) for number in range(load.hung)]
    entries = (
        f"  {slug_of(number)}:\n    url: {url}\n"
        f"    interval: {INTERVAL_SECONDS:g}\n    timeout: {TIMEOUT_SECONDS:g}\n"
        for number, url in enumerate(urls)
    )
    return "checks:\n" + "".join(entries)


def environment(folder: Path, target: Target | None, **more: str) -> dict[str, str]:
    """Settings for Breakwater in a folder of its own; nothing of the caller's settings but PATH leaks in."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    ports = (target.port, target.hanging_port) if target else ()
    return (
        kept
        | {
            "DATA_DIR": str(folder),
            "PORT": str(backends.free_port()),
            "PUBLIC_DASHBOARD": "1",
            "EGRESS_ALLOW": ",".join(f"127.0.0.1:{port}" for port in ports),
            "PYTHONUNBUFFERED": "1",
        }
        | more
    )


def manage(*arguments: str, environment: Mapping[str, str]) -> str:
    return run([sys.executable, "manage.py", *arguments], environment=environment)


@contextmanager
def embedded(folder: Path, target: Target, load: Load) -> Iterator[list[Program]]:
    """The whole system in one process, with its checks applied; ready when the block begins."""
    settings = environment(folder, target)
    define(folder, target, load, settings)
    log = folder / "serve.log"
    command = [sys.executable, "manage.py", "serve"]
    with program(command, log=log, environment=settings) as process:
        serving = Program(process, log)
        wait_until_answers(f"http://127.0.0.1:{settings['PORT']}/livez", serving)
        yield [serving]


@contextmanager
def scaled(folder: Path, target: Target, load: Load) -> Iterator[tuple[list[Program], list[int]]]:
    """One worker and beat as processes of their own; gives them, and the processes of their servers."""
    with ExitStack() as held:
        before = accounting.children()
        urls = {
            "DATABASE_URL": held.enter_context(backends.postgres(durable=True)),
            "BROKER_URL": held.enter_context(backends.redis()),
        }
        server_pids = sorted(accounting.children() - before)
        settings = environment(folder, target, **urls)
        define(folder, target, load, settings)
        programs = []
        celery = [sys.executable, "-m", "celery", "-A", "dashboard"]
        for name, options in (("worker", ["--loglevel", "WARNING"]), ("beat", ["--loglevel", "WARNING"])):
            log = folder / f"{name}.log"
            running = program([*celery, name, *options], log=log, environment=settings)
            programs.append(Program(held.enter_context(running), log))
        yield programs, server_pids


def define(folder: Path, target: Target, load: Load, settings: Mapping[str, str]) -> None:
    """Make the tables and apply the checks."""
    file = folder / "checks.yaml"
    file.write_text(configuration(target, load), encoding="utf-8")
    manage("migrate", "--verbosity", "0", environment=settings)
    manage("apply", str(file), environment=settings)


def wait_until_answers(url: str, serving: Program) -> None:
    """Raises Broken when it ends instead, TimeoutError when it does neither."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        must_live(serving.process, serving.log)
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return  # an answer all the same
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer within {READY_SECONDS:.0f} s")

"""The embedded system as a person starts it: `manage.py serve`, a process and a folder of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

from tests.backends import free_port

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 30.0
# What a developer's shell or the test run may have set must not leak in.
OURS = re.compile(
    r"^(DJANGO_|DATABASE_|BROKER_|SECRET_|ADMIN_|DEMO|DATA_DIR|PORT|HOST|BASE_URL|CHECKS_|EGRESS|PUBLIC_)"
)


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Our own settings only, with the data in `folder`."""
    inherited = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    return inherited | {"DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"} | settings


def run_command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=settings, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@dataclass
class System:
    """A running system."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    @property
    def demo_url(self) -> str:
        return f"http://127.0.0.1:{self.environment['DEMO_PORT']}"

    @property
    def output(self) -> str:
        return self.log.read_text()

    def get(self, path: str, **headers: str) -> urllib.request.addinfourl:
        request = urllib.request.Request(self.url + path, headers=headers)
        return urllib.request.urlopen(request, timeout=10)

    def post_to_demo(self, path: str) -> None:
        urllib.request.urlopen(
            urllib.request.Request(self.demo_url + path, method="POST"), timeout=10
        ).close()

    def statuses(self) -> dict[str, str]:
        """Each check's status, by slug."""
        with self.get("/api/v1/status") as answer:
            return {check["slug"]: check["status"] for check in json.load(answer)["checks"]}

    def wait_for(self, condition: Callable[[System], Any], seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition(self):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"It did not come about. The system said:\n{self.output}")
            time.sleep(0.1)

    def answers(self) -> bool:
        try:
            self.get("/livez").close()
        except (URLError, ConnectionError):
            return False
        return True

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Signal it; return its exit code and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(15), time.monotonic() - began


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[System]:
    """Start the system, wait until it answers, and leave nothing behind."""
    ports = {"PORT": str(free_port()), "DEMO_PORT": str(free_port())}
    ours = environment(folder, **({"PUBLIC_DASHBOARD": "on"} | ports | settings))
    log = folder / "output.log"
    folder.mkdir(exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT, env=ours, stdout=output, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    try:
        system = System(process, ours, log)
        system.wait_for(System.answers)
        yield system
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()

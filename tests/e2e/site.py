"""
The whole dashboard without its engine, over checks with a past that stand still.

Run as a program with DATA_DIR and PORT set: prints ``ready``, then obeys lines on its standard input:
``down SLUG`` and ``up SLUG`` write what the engine would have written, ``stop`` ends it.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

import django

django.setup()

import uvicorn  # noqa: E402 - Django first
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402

from checks.events.store import ANY, NewEvent, append  # noqa: E402
from checks.models import CheckState, WorkerSign  # noqa: E402
from dashboard.asgi import application  # noqa: E402
from dashboard.settings import PORT  # noqa: E402
from tests.factories import SAMPLES, fill  # noqa: E402


def prepare() -> None:
    call_command("migrate", verbosity=0)
    fill(SAMPLES, days=90, hours=31 * 24, minutes=24 * 60, results=30, page="shop")
    User.objects.create_superuser("anna", password="anna's password")
    # No engine runs here: its signs of life and the slots lie ahead, so that nothing grows old meanwhile.
    ahead = datetime.now(UTC) + timedelta(minutes=10)
    WorkerSign.objects.update(seen_at=ahead)
    CheckState.objects.filter(next_due_at__isnull=False).update(next_due_at=ahead)


def change(status: str, slug: str) -> None:
    now = datetime.now(UTC)
    output = "connection refused" if status == "down" else "HTTP 200"
    state = CheckState.objects.filter(check_ref__slug=slug)
    before = state.values_list("status", flat=True).get()
    state.update(status=status, since=now, last_output=output)
    reason = "failures_reached_threshold" if status == "down" else "recoveries_reached_threshold"
    data = {"before": before, "after": status, "reason": reason, "output": output}
    append(f"check-{slug}", [NewEvent("StatusChanged", data)], expected_version=ANY, now=now)


async def serve() -> None:
    config = uvicorn.Config(application, port=PORT, log_level="warning", access_log=False, ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    while (line := await asyncio.to_thread(sys.stdin.readline)) and line != "stop\n":
        await asyncio.to_thread(change, *line.split())
        print("done", flush=True)
    application.end_streams()
    server.should_exit = True
    await serving


if __name__ == "__main__":
    prepare()
    asyncio.run(serve())

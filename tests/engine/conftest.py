"""What engine tests build on: checks in the database, and assignments as a worker would get them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checks import bus
from checks.commands import slots
from checks.commands.actor import SYSTEM
from checks.commands.checks import DefineCheck
from checks.models import CheckState
from checks.rules.outcome import Outcome
from checks.runner.assignment import Assignment, Observation


@pytest.fixture(autouse=True)
def fresh_definitions():
    """Check ids start anew with each test's database, so what was prepared before is void."""
    slots._known.clear()


@pytest.fixture
def define() -> Callable[..., CheckState]:
    """Define a check that watches a local port, and return its state."""

    def define(slug: str = "api", *, due: timedelta | None = timedelta(0), **definition: Any) -> CheckState:
        wanted = {
            "kind": "tcp",
            "host": "127.0.0.1",
            "port": 9,
            "timeout": 5,
            **({} if "cron" in definition else {"interval": 86_400}),
            **definition,
        }
        bus.handle(DefineCheck(slug=slug, definition=wanted, source="admin"), actor=SYSTEM)
        state = CheckState.objects.get(check_ref__slug=slug)
        if due is not None:
            state.next_due_at = datetime.now(UTC) + due
            state.save(update_fields=("next_due_at",))
        return state

    return define


@pytest.fixture
def observe() -> Callable[..., Observation]:
    """What a worker reports of an assignment."""

    def observe(
        assignment: Assignment,
        outcome: Outcome | None = None,
        *,
        lasted: timedelta = timedelta(milliseconds=20),
        latency_ms: float | None = 12.5,
    ) -> Observation:
        return Observation(
            assignment=assignment,
            started_at=assignment.start_at,
            ended_at=assignment.start_at + lasted,
            late_ms=0.5,
            latency_ms=latency_ms,
            attempts=1,
            outcome=outcome or Outcome.up("connected"),
        )

    return observe


@pytest.fixture
def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

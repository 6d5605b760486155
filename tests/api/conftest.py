"""Checks in every status, as rows: what these tests are about begins where the rows are read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from checks.events import store
from checks.events.store import ANY, NewEvent
from checks.models import Check, CheckState, Result, WorkerSign

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

MakeCheck = Callable[..., Check]


@pytest.fixture(autouse=True)
def _public(settings):
    settings.PUBLIC_DASHBOARD = True


@pytest.fixture
def make_check(db) -> MakeCheck:
    """Add a check that ran a moment ago, with its event; keywords are columns of its state."""

    def make(slug: str, *, status: str = "up", **fields: Any) -> Check:
        now = timezone.now()
        definition = {"url": "http://127.0.0.1:1/", "interval": 30} | fields.pop("definition", {})
        check = Check.objects.create(
            slug=slug,
            name=fields.pop("name", slug.title()),
            kind=fields.pop("kind", "http"),
            group=fields.pop("group", ""),
            location="default",
            definition=definition,
            source="admin",
            set_by="anna",
            version=1,
            created_at=fields.pop("created_at", now - timedelta(days=1)),
            updated_at=now,
        )
        state = {
            "since": now - timedelta(hours=1),
            "last_run_at": now - timedelta(seconds=5),
            "last_ok_at": now - timedelta(seconds=5),
            "last_verdict": status,
            "last_latency_ms": 12.3456,
            "last_output": "200 OK",
            "next_due_at": now + timedelta(seconds=25),
        } | fields
        CheckState.objects.create(check_ref=check, location="default", status=status, **state)
        store.append(f"check-{slug}", [NewEvent("CheckDefined", {})], expected_version=ANY, now=now)
        return check

    return make


@pytest.fixture
def make_result(db) -> Callable[..., Result]:
    def make(check: Check, slot: datetime, **fields: Any) -> Result:
        columns = {"started_at": slot, "verdict": "up", "latency_ms": 10.0, "late_ms": 1.5} | fields
        return Result.objects.create(check_id=check.pk, slot=slot, **columns)

    return make


@pytest.fixture
def beat(db) -> WorkerSign:
    """Beat has just ticked."""
    now = timezone.now()
    return WorkerSign.objects.create(worker="beat", location="system", seen_at=now, started_at=now)

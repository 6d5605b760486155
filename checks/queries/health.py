"""Whether Breakwater itself does its work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import Max, Min

from checks.models import CheckState, WorkerSign
from checks.rules.freshness import beat_is_silent

BEAT = "beat"
"""The name under which beat's ticks are signed for, beside the workers' own signs."""
OVERDUE = timedelta(seconds=10)
"""A slot that nobody has taken for this long is not merely late: nobody is taking slots."""
LOST = timedelta(seconds=30)
"""A lease that ran out this long ago should have been swept up."""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that readiness needs.

    Attributes:
        name: ``database``, ``beat`` or ``runs``.
        problem: What is wrong, as a sentence without private data; empty when nothing is.
    """

    name: str
    problem: str = ""

    @property
    def ok(self) -> bool:
        return not self.problem


@dataclass(frozen=True, slots=True)
class Readiness:
    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        return all(finding.ok for finding in self.findings)


def readiness(now: datetime) -> Readiness:
    """Whether the database answers, beat ticks and due checks are run. A database away is a finding."""
    try:
        beat_seen_at = WorkerSign.objects.filter(worker=BEAT).aggregate(newest=Max("seen_at"))["newest"]
        oldest_due = oldest_due_at(now)
        oldest_lease = CheckState.objects.filter(leased_until__lt=now - LOST).aggregate(
            oldest=Min("leased_until")
        )["oldest"]
    except DatabaseError as error:
        # The kind of error is enough: its text may name hosts and users, and this answer is public.
        return Readiness((Finding("database", f"the database does not answer ({type(error).__name__})"),))
    return Readiness(
        (
            Finding("database"),
            Finding("beat", _beat_problem(beat_seen_at, now)),
            Finding("runs", _runs_problem(oldest_due, oldest_lease, now)),
        )
    )


def oldest_due_at(now: datetime) -> datetime | None:
    """The oldest slot, already due, that nobody has taken; None when there is none."""
    due = CheckState.objects.filter(next_due_at__lt=now, leased_slot__isnull=True, paused=False)
    oldest: datetime | None = due.aggregate(oldest=Min("next_due_at"))["oldest"]
    return oldest


def _beat_problem(seen_at: datetime | None, now: datetime) -> str:
    if not beat_is_silent(seen_at, now):
        return ""
    return "beat has not ticked yet" if seen_at is None else f"beat last ticked {_seconds(now - seen_at)} ago"


def _runs_problem(oldest_due: datetime | None, oldest_lease: datetime | None, now: datetime) -> str:
    if oldest_due is not None and now - oldest_due > OVERDUE:
        return f"a due check has waited {_seconds(now - oldest_due)} for a worker"
    if oldest_lease is not None:
        return f"a worker's lease ran out {_seconds(now - oldest_lease)} ago and was not swept up"
    return ""


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"

"""What the runner is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from checks.rules.outcome import Outcome
from checks.rules.status import Standing
from checks.runner.prepared import Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """
    One claimed slot of one check.

    Attributes:
        slot: The scheduled instant.
        start_at: When to begin, by this machine's clock: the slot itself, or a little later for a run
            that is being caught up.
        next_due_at: The slot after this one.
        fence: The lease's number; a result counts only while it is still the newest.
        standing, strip: As they were when the slot was claimed; while the lease holds, nobody else
            changes them.
        prepared: How to probe; None when the definition cannot be carried out here, and then
            `defect` says why.
    """

    check_id: int
    slug: str
    slot: datetime
    start_at: datetime
    next_due_at: datetime
    fence: int
    standing: Standing
    strip: str
    prepared: Prepared | None
    defect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """
    What became of one assignment.

    Attributes:
        started_at: When the first attempt began.
        ended_at: When the last one was over.
        late_ms: How long after `start_at` that was: our share, kept apart from the target's.
        latency_ms: The target's share; None when nothing answered.
        attempts: 1, and one more for each confirmation retry inside the slot.
    """

    assignment: Assignment
    started_at: datetime
    ended_at: datetime
    late_ms: float
    latency_ms: float | None
    attempts: int
    outcome: Outcome

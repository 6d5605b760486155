"""The history checker: every slot of a check is a result, or an event that says why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from checks.events import store
from checks.models import Check, Result
from checks.rules.definition import parse
from checks.rules.schedule import next_slot
from checks.runner.prepared import schedule_of

MAX = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Account:
    """
    Attributes:
        unaccounted: Slots that have neither a result nor a reason.
        contradictory: Slots that have both.
    """

    results: int
    reasons: int
    unaccounted: list[datetime]
    contradictory: list[datetime]


def account_of(check: Check) -> Account:
    """Go through the check's slots from its first result to its last."""
    plan = schedule_of(parse(check.slug, check.definition))
    results = set(Result.objects.filter(check_id=check.pk).values_list("slot", flat=True))
    events = store.read_stream(f"check-{check.slug}", limit=100_000)
    excused = [
        (datetime.fromisoformat(first), datetime.fromisoformat(last))
        for first, last in map(_excuse, events)
        if first
    ]
    pauses = list(_pauses(events, results))
    unaccounted, contradictory, reasons = [], [], 0
    slot, last = min(results), max(results)
    while slot <= last:
        is_excused = any(first <= slot <= until for first, until in excused)
        reasons += is_excused
        is_paused = any(paused_at < slot < resumed_at for paused_at, resumed_at in pauses)
        if slot not in results and not is_excused and not is_paused:
            unaccounted.append(slot)
        if slot in results and is_excused:
            contradictory.append(slot)
        slot = next_slot(plan, slot)
    return Account(len(results), reasons, unaccounted, contradictory)


def _excuse(event: store.Recorded) -> tuple[str, str]:
    match event.type:
        case "SlotLost":
            return event.data["slot"], event.data["slot"]
        case "SlotsMissed" | "SlotOverrun":
            return event.data["first"], event.data["last"]
        case _:
            return "", ""


def _pauses(events: list[store.Recorded], results: set[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """From each pause to the first slot after it, which has its own moment like that of a new check."""
    paused_at = None
    for event in events:
        if event.type == "CheckPaused":
            paused_at = event.recorded_at
        elif event.type == "CheckResumed" and paused_at is not None:
            yield paused_at, min((slot for slot in results if slot >= event.recorded_at), default=MAX)

"""One check, with all that its page says besides results and history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from checks.errors import NotFound
from checks.kinds.masking import masked
from checks.models import Check, WorkerSign
from checks.queries.facts import facts_of
from checks.queries.health import BEAT
from checks.queries.log import head
from checks.queries.overview import CheckRow, rows_of
from checks.queries.status import interval_of
from checks.rules.freshness import beat_is_silent


@dataclass(frozen=True, slots=True)
class CheckSeen:
    """
    Attributes:
        position: The log's position when reading began.
        definition: The public keys, literal secrets masked.
        interval: None for a cron schedule.
        source: Where it is defined; `set_by` is the actor of the last change.
    """

    position: int
    row: CheckRow
    definition: Mapping[str, Any]
    interval: timedelta | None
    source: str
    set_by: str
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def check_id(self) -> int:
        return self.row.facts.check_id


def check_seen(slug: str, *, now: datetime) -> CheckSeen:
    """
    Raises:
        NotFound: There is no such check.
    """
    position = head()
    found = (
        Check.objects.filter(slug=slug)
        .values_list("pk", "version", "updated_at", "definition", "source", "set_by", "created_at")
        .first()
    )
    if found is None:
        raise NotFound(f"There is no check {slug!r}.")
    check_id, version, updated_at, definition, source, set_by, created_at = found
    beat_seen_at = WorkerSign.objects.filter(worker=BEAT).values_list("seen_at", flat=True).first()
    facts = facts_of([(check_id, version, updated_at)])
    rows = rows_of(list(facts.values()), now=now, beat_silent=beat_is_silent(beat_seen_at, now))
    if check_id not in rows:
        raise NotFound(f"The check {slug!r} has just been removed or changed.")
    return CheckSeen(
        position=position,
        row=rows[check_id],
        definition=masked(definition),
        interval=interval_of(definition),
        source=source,
        set_by=set_by,
        version=version,
        created_at=created_at,
        updated_at=updated_at,
    )

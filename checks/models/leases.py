"""
The rows that every slot touches, in SQL by hand: composing one ORM query costs as much as ten probes.

A lease is taken by `take`, and ended by `settle` together with what the probe found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection

from checks.models import bulk
from checks.models.check import CheckState


class Due(NamedTuple):
    """A slot that nobody has claimed yet, with what recording its result will need."""

    check_id: int
    slug: str
    version: int
    due_at: datetime
    fence: int
    strip: str
    status: str
    since: datetime
    failures: int
    impaired: int
    recoveries: int
    successes: int
    blameless: int


_ROWS = """
    SELECT state.check_id, definition.slug, definition.version, state.next_due_at, state.fence, state.strip,
        state.status, state.since, state.failures, state.impaired, state.recoveries, state.successes,
        state.blameless
    FROM checks_checkstate AS state JOIN checks_check AS definition ON definition.id = state.check_id
"""
_DUE = f"""{_ROWS}
    WHERE state.location = %s AND state.next_due_at <= %s AND state.leased_slot IS NULL
    ORDER BY state.next_due_at LIMIT %s
"""
_WAITING = f"""{_ROWS}
    WHERE state.next_due_at > %s ORDER BY state.check_id
"""


def due(location: str, until: datetime, limit: int) -> list[Due]:
    """
    The slots of a location that come up to `until`, soonest first, locked until the transaction ends.

    Rows that another worker has locked are passed over.
    """
    on_postgresql = connection.vendor == "postgresql"
    instant = until if on_postgresql else str(until.astimezone(UTC))[:-6]
    lock = "FOR UPDATE OF state SKIP LOCKED" if on_postgresql else ""
    return _rows(f"{_DUE} {lock}", [location, instant, limit])


def waiting(since: datetime) -> list[Due]:
    """The slots of all locations that come after `since`, locked until the transaction ends."""
    on_postgresql = connection.vendor == "postgresql"
    instant = since if on_postgresql else str(since.astimezone(UTC))[:-6]
    return _rows(f"{_WAITING} {'FOR UPDATE OF state' if on_postgresql else ''}", [instant])


def _rows(sql: str, values: Sequence[Any]) -> list[Due]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows = [Due(*row) for row in cursor.fetchall()]
    if connection.vendor == "postgresql":
        return rows
    # Django stores UTC without its offset where the database has no type for it.
    return [
        row._replace(due_at=row.due_at.replace(tzinfo=UTC), since=row.since.replace(tzinfo=UTC))
        for row in rows
    ]


TAKEN = ("next_due_at", "leased_slot", "leased_until", "leased_by", "fence", "strip")


def take(rows: Iterable[Sequence[Any]]) -> None:
    """Write claims: each row is a check's id and a value for each of `TAKEN`."""
    bulk.update(CheckState, ("check_id",), TAKEN, rows)


HELD_BY = ("check_id", "fence", "leased_slot")
SETTLED = (
    "leased_slot",
    "leased_until",
    "leased_by",
    "strip",
    "status",
    "since",
    "failures",
    "impaired",
    "recoveries",
    "successes",
    "blameless",
    "last_run_at",
    "last_ok_at",
    "last_verdict",
    "last_latency_ms",
    "last_output",
)


def settle(rows: Iterable[Sequence[Any]]) -> int:
    """
    End leases with what was found: each row is a value for each of `HELD_BY`, then of `SETTLED`.

    `since` and `last_ok_at` may be None for "as before". Return how many leases still held.
    """
    return bulk.update(CheckState, HELD_BY, SETTLED, rows, kept_when_none=("since", "last_ok_at"))


def held(check_ids: Iterable[int]) -> dict[int, tuple[int, datetime | None]]:
    """Each check's fence and leased slot as they are now."""
    rows = CheckState.objects.filter(pk__in=list(check_ids)).values_list("pk", "fence", "leased_slot")
    return {check_id: (fence, slot) for check_id, fence, slot in rows}

"""
The append-only log.

Appends are serialised: each takes one lock and holds it until its transaction commits. So the
global positions have no gap and stand in commit order, and a reader that remembers the last
position it saw never misses an event that committed late. Only state changes are appended, which
keeps that lock cheap. On SQLite the lock is the database's own (transactions begin IMMEDIATE); on
PostgreSQL it is an advisory lock scoped to the transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from checks.errors import WrongExpectedVersion
from checks.models import Event

ANY = -1
"""Append whatever the stream's version is."""
NONE = 0
"""Append only if the stream does not exist yet."""

GENESIS = "0" * 64
_LOCK = 0x42574B5F4C4F47
"""The advisory lock's number: "BWK_LOG" in ASCII."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that has just happened; `type` is in the past tense, `data` is plain JSON."""

    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the log has it."""

    position: int
    stream: str
    version: int
    type: str
    data: Mapping[str, Any]
    metadata: Mapping[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Append:
    """
    Events for one stream.

    Attributes:
        expected_version: How many events the caller has seen; `ANY` to append regardless.
    """

    stream: str
    events: Sequence[NewEvent]
    expected_version: int = ANY


def append(
    stream: str,
    events: Sequence[NewEvent],
    *,
    expected_version: int,
    now: datetime,
    metadata: Mapping[str, Any] | None = None,
) -> int:
    """
    Append events to one stream, all or none, and return its new version.

    Raises:
        WrongExpectedVersion: Someone appended first. Read again, then decide again.
    """
    return append_all([Append(stream, events, expected_version)], now=now, metadata=metadata)[stream]


def append_all(
    appends: Iterable[Append], *, now: datetime, metadata: Mapping[str, Any] | None = None
) -> dict[str, int]:
    """
    Append to several streams in one transaction, all or none; return each stream's new version.

    Joins the caller's transaction, so read models written beside it are never ahead or behind.

    Raises:
        WrongExpectedVersion: For the first stream that is not where its caller saw it.
    """
    wanted = list(appends)
    if not wanted:
        return {}
    with transaction.atomic():
        _lock()
        position, previous = _head()
        versions = _versions({item.stream for item in wanted})
        rows: list[Event] = []
        for item in wanted:
            version = versions.get(item.stream, 0)
            if item.expected_version not in (ANY, version):
                raise WrongExpectedVersion(item.stream, expected=item.expected_version, actual=version)
            for event in item.events:
                position, version = position + 1, version + 1
                row = Event(
                    position=position,
                    stream=item.stream,
                    version=version,
                    type=event.type,
                    data=dict(event.data),
                    metadata=dict(metadata or {}),
                    recorded_at=now,
                )
                row.hash = previous = digest(row, previous)
                rows.append(row)
            versions[item.stream] = version
        Event.objects.bulk_create(rows, batch_size=500)
    return versions


def digest(event: Event, previous: str) -> str:
    """SHA-256, in hexadecimal, over the previous hash and the event's canonical JSON."""
    content = json.dumps(
        [
            previous,
            event.position,
            event.stream,
            event.version,
            event.type,
            event.recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
            event.data,
            event.metadata,
        ],
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def read_stream(stream: str, *, after: int = 0, limit: int = 1000) -> list[Recorded]:
    """The stream's events with a version above `after`, oldest first."""
    rows = Event.objects.filter(stream=stream, version__gt=after).order_by("version")[:limit]
    return [_recorded(row) for row in rows]


def read_all(*, after: int = 0, limit: int = 500, types: Iterable[str] | None = None) -> list[Recorded]:
    """Events of all streams with a position above `after`, in commit order."""
    rows = Event.objects.filter(position__gt=after).order_by("position")
    if types is not None:
        rows = rows.filter(type__in=list(types))
    return [_recorded(row) for row in rows[:limit]]


def head() -> int:
    """The newest position; 0 for an empty log."""
    return Event.objects.aggregate(newest=Max("position"))["newest"] or 0


def _lock() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _head() -> tuple[int, str]:
    newest = Event.objects.order_by("-position").values_list("position", "hash").first()
    return newest or (0, GENESIS)


def _versions(streams: set[str]) -> dict[str, int]:
    names = sorted(streams)
    versions: dict[str, int] = {}
    for start in range(0, len(names), 500):
        rows = (
            Event.objects.filter(stream__in=names[start : start + 500])
            .values_list("stream")
            .annotate(newest=Max("version"))
        )
        versions.update(rows)
    return versions


def _recorded(row: Event) -> Recorded:
    return Recorded(row.position, row.stream, row.version, row.type, row.data, row.metadata, row.recorded_at)

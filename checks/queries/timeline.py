"""The log as people read it: newest first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checks.models import Event


@dataclass(frozen=True, slots=True)
class Entry:
    """
    Attributes:
        actor: Who caused it; empty when nobody is known.
    """

    position: int
    stream: str
    type: str
    data: Mapping[str, Any]
    actor: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Timeline:
    """
    Attributes:
        next_before: Ask with `before` set to this for older entries; None at the beginning.
    """

    entries: tuple[Entry, ...]
    next_before: int | None


def timeline(
    *, stream: str = "", types: Collection[str] = (), before: int | None = None, limit: int = 50
) -> Timeline:
    """
    A page of the log.

    Args:
        stream: Only this stream; empty for all.
        types: Only these types; empty for all.
        before: Only positions lower than this; None begins with the newest.
    """
    rows = Event.objects.order_by("-position")
    if stream:
        rows = rows.filter(stream=stream)
    if types:
        rows = rows.filter(type__in=list(types))
    if before is not None:
        rows = rows.filter(position__lt=before)
    found = [
        Entry(
            row.position, row.stream, row.type, row.data, str(row.metadata.get("actor", "")), row.recorded_at
        )
        for row in rows[: limit + 1]
    ]
    shown = tuple(found[:limit])
    return Timeline(shown, shown[-1].position if len(found) > limit else None)

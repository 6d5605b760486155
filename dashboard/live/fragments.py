"""What the stream sends: the log's changes, rendered once for all clients of one language."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.template.loader import render_to_string
from django.utils.translation import override

from checks.queries.log import events_after
from checks.queries.overview import CheckRow, counts, rows_named
from dashboard.pages.overview import sentence
from dashboard.pages.rows import row_view

MANY = 40
"""More checks than this at once are not sent one by one: the page asks for its list again."""
BATCH = 500
CHECK = "check-"


@dataclass(frozen=True, slots=True)
class News:
    """
    What a look at the log has brought.

    Attributes:
        position: The newest position that has been seen.
        frames: By language, ready to be written to a stream; none when nothing has happened.
    """

    position: int
    frames: Mapping[str, tuple[bytes, ...]]


def news(position: int, languages: Collection[str], *, clients: int) -> News:
    """
    Look at the log after `position`. Reads the database, so it belongs on a thread.

    Args:
        clients: How many follow; they are told, so that they don't all ask for lists at once.
    """
    events = events_after(position, limit=BATCH)
    slugs = {event.stream.removeprefix(CHECK) for event in events if event.stream.startswith(CHECK)}
    if not events:
        return News(position, {})
    newest = events[-1].position
    now = datetime.now(UTC)
    rows = rows_named(slugs, now=now) if len(slugs) <= MANY else {}
    totals = counts() if slugs else {}
    frames = {}
    for language in languages:
        with override(language):
            found = [_counts(totals, newest)] if slugs else []
            if len(slugs) > MANY:
                found.append(frame("resync", {"clients": clients}, newest))
            else:
                found += [_row(slug, rows.get(slug), now, newest, clients) for slug in sorted(slugs)]
        frames[language] = tuple(found)
    return News(newest, frames)


def frame(event: str, content: Mapping[str, object], position: int) -> bytes:
    return f"id: {position}\nevent: {event}\ndata: {json.dumps(content)}\n\n".encode()


def _row(slug: str, row: CheckRow | None, now: datetime, position: int, clients: int) -> bytes:
    """A check's row; without `html` it is gone."""
    html = ""
    if row is not None:
        view = row_view(row, now=now, position=position)
        html = render_to_string("pages/overview.html#check-row", {"row": view, "grouped": row.status != "up"})
    return frame("check", {"slug": slug, "position": position, "html": html, "clients": clients}, position)


def _counts(totals: Mapping[str, int], position: int) -> bytes:
    return frame("counts", {"counts": totals, "sentence": sentence(totals)}, position)

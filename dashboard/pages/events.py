"""`/events/`: the log as people read it."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from checks.queries.timeline import timeline
from dashboard.pages.access import readable
from dashboard.pages.event_words import event_view

TOPICS = {
    "status": (_("Status changes"), ("StatusChanged",)),
    "slots": (_("Missed slots"), ("SlotsMissed", "SlotOverrun", "SlotLost")),
    "changes": (
        _("Configuration"),
        (
            "CheckDefined",
            "CheckChanged",
            "CheckRemoved",
            "PageDefined",
            "PageChanged",
            "PageRemoved",
            "ConfigurationApplied",
        ),
    ),
    "acts": (_("Operators"), ("CheckPaused", "CheckResumed", "CheckRunRequested")),
}


@require_safe
@readable
def events_page(request: HttpRequest) -> HttpResponse:
    now = datetime.now(UTC)
    topic = request.GET.get("topic", "")
    stream = request.GET.get("stream", "")[:200]
    before = request.GET.get("before", "")
    types = TOPICS[topic][1] if topic in TOPICS else ()
    seen = timeline(
        stream=stream, types=types, before=int(before) if before.isdecimal() and len(before) < 18 else None
    )
    context = {
        "here": "events",
        "events": [event_view(entry, now) for entry in seen.entries],
        "topics": [
            {"label": label, "url": "?" + _query(topic=key, stream=stream), "chosen": key == topic}
            for key, (label, _types) in {"": (_("Everything"), ()), **TOPICS}.items()
        ],
        "stream": stream,
        "older": "?" + _query(topic=topic, stream=stream, before=str(seen.next_before))
        if seen.next_before
        else "",
    }
    return render(request, "pages/events.html", context)


def _query(**fields: str) -> str:
    return urlencode({name: value for name, value in fields.items() if value})

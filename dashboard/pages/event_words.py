"""What an event says to people, one sentence per type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from checks.queries.timeline import Entry
from checks.rules.status import SENTENCES
from dashboard.pages import words
from dashboard.pages.rows import Moment, moment

Data = Mapping[str, Any]

# Seen by the collector of translations; shown through gettext by `reason`.
REASONS = {
    "failures_reached_threshold": gettext_lazy("as many failures in a row as the threshold allows"),
    "impairments_reached_threshold": gettext_lazy(
        "as many impaired answers in a row as the threshold allows"
    ),
    "recoveries_reached_threshold": gettext_lazy("answered as often in a row as the threshold asks for"),
    "successes_reached_threshold": gettext_lazy("succeeded as often in a row as the threshold asks for"),
    "first_answer": gettext_lazy("the first answer"),
    "blind_reached_threshold": gettext_lazy(
        "could not be measured as often in a row as the threshold allows"
    ),
}


@dataclass(frozen=True, slots=True)
class EventView:
    """
    Attributes:
        status: Of a status change: the status after it; otherwise empty.
        detail: A second line: the output that came with it, or why.
    """

    position: int
    at: Moment
    subject: str
    url: str
    type: str
    status: str
    sentence: str
    detail: str
    actor: str


def event_view(entry: Entry, now: datetime) -> EventView:
    kind, _dash, name = entry.stream.partition("-")
    names = {"check": "check", "page": "status-page"}
    sentence = SENTENCE.get(entry.type)
    changed = entry.type == "StatusChanged"
    return EventView(
        position=entry.position,
        at=moment(entry.recorded_at, words.ago(entry.recorded_at, now)),
        subject=name or entry.stream,
        url=reverse(names[kind], args=(name,)) if name and kind in names else "",
        type=entry.type,
        status=str(entry.data.get("after", "unknown")) if changed else "",
        sentence=sentence(entry.data) if sentence else entry.type,
        detail=_detail(entry),
        actor=entry.actor,
    )


def _detail(entry: Entry) -> str:
    if entry.type == "StatusChanged":
        return str(entry.data.get("output", ""))
    if entry.type == "CheckChanged":
        return ", ".join(str(key) for key in entry.data.get("changed", ()))
    return str(entry.data.get("why", ""))


def reason(name: str) -> str:
    return str(REASONS.get(name, SENTENCES.get(name, name)))  # type: ignore[call-overload]


def _status_changed(data: Data) -> str:
    return _("%(before)s → %(after)s: %(reason)s") % {
        "before": words.status_word(str(data.get("before", ""))),
        "after": words.status_word(str(data.get("after", ""))),
        "reason": reason(str(data.get("reason", ""))),
    }


def _missed(data: Data) -> str:
    count = int(data.get("count", 1))
    return ngettext("%(n)d slot passed without a run", "%(n)d slots passed without a run", count) % {
        "n": count
    }


def _overrun(data: Data) -> str:
    count = int(data.get("count", 1))
    return ngettext(
        "%(n)d slot left out: the run before it had not ended",
        "%(n)d slots left out: the run before them had not ended",
        count,
    ) % {"n": count}


SENTENCE: Mapping[str, Callable[[Data], str]] = {
    "CheckDefined": lambda _data: _("Defined"),
    "CheckChanged": lambda _data: _("Changed"),
    "CheckRemoved": lambda _data: _("Removed"),
    "CheckPaused": lambda _data: _("Paused"),
    "CheckResumed": lambda _data: _("Resumed"),
    "CheckRunRequested": lambda _data: _("A run was asked for"),
    "StatusChanged": _status_changed,
    "SlotsMissed": _missed,
    "SlotOverrun": _overrun,
    "SlotLost": lambda _data: _("A slot was lost with its worker"),
    "PageDefined": lambda _data: _("Status page defined"),
    "PageChanged": lambda _data: _("Status page changed"),
    "PageRemoved": lambda _data: _("Status page removed"),
    "ConfigurationApplied": lambda _data: _("Configuration applied"),
}

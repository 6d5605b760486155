"""`/checks/<slug>/`: one check, and the buttons that act on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from checks import bus
from checks.commands.checks import PauseCheck, ResumeCheck, RunCheckNow
from checks.errors import AlreadyUnderWay, BreakwaterError, NotFound
from checks.queries.availability import Availability, availability_of
from checks.queries.charts import RANGES, History, history
from checks.queries.check import CheckSeen, check_seen
from checks.queries.results import ResultRow, results_of
from checks.queries.timeline import timeline
from dashboard.pages import words
from dashboard.pages.access import actor_of, may_act, readable
from dashboard.pages.charts import latency_chart, moment, phases_chart
from dashboard.pages.event_words import event_view
from dashboard.pages.rows import Moment, row_view, strip_view
from dashboard.pages.rows import moment as time_view

DAY = timedelta(days=1)
RESULTS = 20
STRIP_SLOTS = 48
TRANSITIONS = 12
DEFAULT_RANGE = "24h"
YOUNG = timedelta(hours=3)
YOUNG_RANGE = "1h"
STORY = (
    "StatusChanged",
    "SlotsMissed",
    "SlotOverrun",
    "SlotLost",
    "CheckPaused",
    "CheckResumed",
    "CheckChanged",
)

WINDOW_WORDS = {
    "24h": gettext_lazy("24 hours"),
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
    "90d": gettext_lazy("90 days"),
}
RANGE_WORDS = {
    "1h": gettext_lazy("1 h"),
    "24h": gettext_lazy("24 h"),
    "7d": gettext_lazy("7 d"),
    "30d": gettext_lazy("30 d"),
}


@require_safe
@readable
@vary_on_headers("HX-Request")
def check_page(request: HttpRequest, slug: str) -> HttpResponse:
    now = datetime.now(UTC)
    try:
        seen = check_seen(slug, now=now)
    except NotFound as error:
        raise Http404(str(error)) from error
    # A day of which only the last minutes are known is an empty chart.
    usual = DEFAULT_RANGE if now - seen.created_at > YOUNG else YOUNG_RANGE
    chosen = request.GET.get("range", usual)
    chosen = chosen if chosen in RANGES else usual
    context: dict[str, object] = {
        "seen": seen,
        "row": row_view(seen.row, now=now, position=seen.position),
    }
    only_history = request.htmx.target == "history"
    if not only_history:
        context |= _present(request, seen, now)
    if only_history or not request.htmx:
        context |= _past(seen, chosen, now)
    fragment = "" if not request.htmx else "#history" if only_history else "#fragment"
    return render(request, f"pages/check.html{fragment}", context)


def _present(request: HttpRequest, seen: CheckSeen, now: datetime) -> dict[str, object]:
    """What changes with every result."""
    slug = seen.row.facts.slug
    story = timeline(stream=f"check-{slug}", types=STORY, limit=TRANSITIONS)
    return {
        "strip": strip_view(seen.row.strip[-STRIP_SLOTS:]),
        "may_act": may_act(request),
        "last_run": _last_run(seen, now),
        "tiles": [tile(one) for one in availability_of(seen.check_id, now=now)],
        "results": [result_view(result, now) for result in results_of(slug, limit=RESULTS).results],
        "story": [event_view(entry, now) for entry in story.entries],
        "settings": setting_rows(seen),
        "changed": time_view(seen.updated_at, words.ago(seen.updated_at, now)),
    }


def _past(seen: CheckSeen, chosen: str, now: datetime) -> dict[str, object]:
    """What changes with every closed minute."""
    past = history(seen.check_id, chosen, now=now, interval=seen.interval, known_since=seen.created_at)
    return {
        "ranges": [(key, str(RANGE_WORDS[key]), key == chosen) for key in RANGES],
        "latency": latency_chart(past),
        "phases": phases_chart(past),
        "table": _table(past),
    }


ACTS = {"run": RunCheckNow, "pause": PauseCheck, "resume": ResumeCheck}


@require_POST
def act(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """Carry out one of `ACTS` on a check, and say what came of it on its page."""
    if not may_act(request):
        messages.error(request, _("Sign in to act: nothing was changed."))
        return redirect("check", slug)
    if name not in ACTS:
        raise Http404
    try:
        bus.handle(ACTS[name](slug=slug), actor=actor_of(request))
    except NotFound as error:
        raise Http404(str(error)) from error
    except AlreadyUnderWay:
        messages.info(request, _("It is running right now: its result comes in a moment."))
    except BreakwaterError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _said(name))
    return redirect("check", slug)


def _said(name: str) -> str:
    return {
        "run": _("Asked for: the probe starts within a second."),
        "pause": _("Paused. It stays so until somebody resumes it."),
        "resume": _("Resumed."),
    }[name]


@dataclass(frozen=True, slots=True)
class Tile:
    label: str
    figure: str
    note: str


def tile(one: Availability) -> Tile:
    note = _("%(failed)d of %(measured)d failed") % {"failed": one.failed, "measured": one.measured}
    if not one.measured:
        note = _("not measured")
    elif one.gaps:
        note = _("%(note)s, %(gaps)d not measured") % {"note": note, "gaps": one.gaps}
    return Tile(str(WINDOW_WORDS[one.window]), words.percent(one.share), note)


@dataclass(frozen=True, slots=True)
class ResultView:
    at: Moment
    verdict: str
    word: str
    mark: str
    latency: str
    late: str
    attempts: int
    output: str
    conditions: tuple[tuple[bool, str], ...]


MARKS = {"up": "up", "degraded": "degraded", "down": "down"}


def result_view(result: ResultRow, now: datetime) -> ResultView:
    return ResultView(
        at=time_view(
            result.slot, words.clock(result.slot) if now - result.slot < DAY else words.exact(result.slot)
        ),
        verdict=result.verdict,
        word=words.verdict_word(result.verdict),
        mark=MARKS.get(result.verdict, "unknown"),
        latency=words.milliseconds(result.latency_ms),
        late=words.milliseconds(max(result.late_ms, 0)),
        attempts=result.attempts,
        output=result.output,
        conditions=tuple((condition.met, condition.explained) for condition in result.conditions),
    )


def setting_rows(seen: CheckSeen) -> list[tuple[str, str]]:
    """The definition's keys as they stand in a file; secrets have been masked by the query."""
    return [(key, setting_text(value)) for key, value in seen.definition.items() if key not in ("name",)]


def setting_text(value: Any) -> str:
    match value:
        case bool():
            return _("yes") if value else _("no")
        case Mapping():
            return "\n".join(f"{key}: {setting_text(item)}" for key, item in value.items())
        case list() | tuple():
            return "\n".join(setting_text(item) for item in value)
        case _:
            return str(value)


def _last_run(seen: CheckSeen, now: datetime) -> Moment | None:
    at = seen.row.last_run_at
    return time_view(at, words.ago(at, now)) if at else None


def _table(past: History) -> list[tuple[str, str, str, str, str]]:
    """The latency chart in numbers, newest first, spans without a slot left out."""
    return [
        (
            moment(point.start, past),
            words.milliseconds(point.p50_ms),
            words.milliseconds(point.p95_ms),
            words.milliseconds(point.p99_ms),
            f"{point.failed} / {point.measured}",
        )
        for point in reversed(past.points)
        if point.measured or point.gaps
    ]

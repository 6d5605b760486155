"""
`/status/<page>/`: the public page.

It is the same for every reader of one language, so it is rendered to a string that the front may
keep for a moment and answer with from memory. Nothing in it comes from the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import groupby

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from checks.errors import NotFound
from checks.queries.log import head
from checks.queries.status_page import Day, PublicPage, Service, public_page
from dashboard.kept import Kept
from dashboard.pages import words
from dashboard.pages.rows import Run, flags_of, run

DAY_WIDTH = 10
DAY_BARS = {
    # class: (y, height) in a bar 32 high: worse days stand taller.
    "up": (9, 23),
    "degraded": (4, 28),
    "down": (0, 32),
    "gap": (29, 3),
}
NOTABLE = ("degraded", "down")
"""Days that a reader wants to know more about."""
BAD_DAY = 0.05
"""From this share of failed measurements on a day is drawn as down; below it, as degraded."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """
    A page as bytes.

    Attributes:
        etag: Quoted, as the header wants it; equal for equal bytes.
    """

    body: bytes
    etag: str


PAGES: Kept[Rendered] = Kept(seconds=10)


@dataclass(frozen=True, slots=True)
class DayBar:
    run: Run
    title: str


@dataclass(frozen=True, slots=True)
class ServiceView:
    name: str
    status: str
    status_word: str
    flags: tuple[str, ...]
    share: str
    bars: tuple[DayBar, ...]
    summary: str
    notable: tuple[str, ...]


@require_safe
def status_page(request: HttpRequest, slug: str) -> HttpResponse:
    language = get_language() or settings.LANGUAGE_CODE
    try:
        rendered = PAGES.get((slug, language), lambda: render_status_page(slug, language), version=head())
    except NotFound as error:
        raise Http404(str(error)) from error
    headers = {
        "ETag": rendered.etag,
        "Cache-Control": "no-cache",  # keep it, but ask each time; the answer is mostly 304
        "Vary": "Accept-Language, Cookie",
    }
    if request.headers.get("If-None-Match") == rendered.etag:
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(rendered.body, headers=headers)


def render_status_page(slug: str, language: str) -> Rendered:
    """
    Raises:
        NotFound: There is no such page.
    """
    page = public_page(slug, now=datetime.now(UTC))
    with override(language):
        body = render_to_string("status/page.html", _context(page, language)).encode()
    return Rendered(body, f'"{blake2b(body, digest_size=12).hexdigest()}"')


def _context(page: PublicPage, language: str) -> dict[str, object]:
    return {
        "page": page,
        "language": language,
        "verdict": verdict(page),
        "sections": [
            (section.title, [service_view(service) for service in section.services])
            for section in page.sections
        ],
        "updated": words.exact(page.generated_at)[:16] + words.exact(page.generated_at)[19:],
        "live": settings.PUBLIC_DASHBOARD,
    }


def verdict(page: PublicPage) -> str:
    """The overall state as one sentence for the public."""
    services = [service for section in page.sections for service in section.services]
    down = sum(service.status == "down" for service in services)
    if not services:
        return _("Nothing is shown here yet")
    if down and down == len(services):
        return _("Nothing works at present")
    if down:
        return ngettext("%(n)d service is down", "%(n)d services are down", down) % {"n": down}
    if page.status == "degraded":
        return _("Some services are slower than usual or partly failing")
    if page.status == "unknown":
        return _("We do not know the state of every service")
    return _("All services work")


def service_view(service: Service) -> ServiceView:
    kinds = [day_kind(day) for day in service.days]
    notable = [day for day, kind in zip(service.days, kinds, strict=True) if kind in NOTABLE]
    return ServiceView(
        name=service.name,
        status=service.status,
        status_word=words.status_word(service.status),
        flags=flags_of(paused=service.paused, stale=False),
        share=words.percent(service.share),
        bars=day_bars(service.days, kinds),
        summary=_summary(kinds),
        notable=tuple(day_title(day) for day in reversed(notable)),
    )


def day_kind(day: Day) -> str:
    if not day.measured:
        return "gap"
    if day.down / day.measured >= BAD_DAY:
        return "down"
    return "degraded" if day.down or day.degraded else "up"


def day_bars(days: Sequence[Day], kinds: Sequence[str]) -> tuple[DayBar, ...]:
    """One bar per run of like days, cut into days by a mask; a day with failures has its own, and a title."""
    bars = []
    first = 0
    for kind, members in groupby(kinds):
        length = len(list(members))
        y, height = DAY_BARS[kind]
        for start, stop in _parts(kind, first, first + length):
            title = day_title(days[start]) if kind in NOTABLE else _("not measured") if kind == "gap" else ""
            bars.append(DayBar(run(kind, start * DAY_WIDTH, y, (stop - start) * DAY_WIDTH, height), title))
        first += length
    return tuple(bars)


def _parts(kind: str, first: int, end: int) -> list[tuple[int, int]]:
    return [(day, day + 1) for day in range(first, end)] if kind in NOTABLE else [(first, end)]


def day_title(day: Day) -> str:
    """A day with failures in words: ``2 October: 99.1 %, 4 of 440 failed``."""
    values = {
        "day": date_format(day.date, "MONTH_DAY_FORMAT"),
        "share": words.percent((day.measured - day.down) / day.measured),
        "down": day.down,
        "degraded": day.degraded,
        "measured": day.measured,
    }
    if day.down:
        return _("%(day)s: %(share)s, %(down)d of %(measured)d measurements failed") % values
    return _("%(day)s: %(degraded)d of %(measured)d measurements degraded") % values


def _summary(kinds: Sequence[str]) -> str:
    return _(
        "%(all)d days: %(good)d without failure, %(some)d with some, %(bad)d with many, %(gaps)d not measured"
    ) % {
        "all": len(kinds),
        "good": kinds.count("up"),
        "some": kinds.count("degraded"),
        "bad": kinds.count("down"),
        "gaps": kinds.count("gap"),
    }

"""`/`: every check at a glance, what is wrong first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from checks.queries.overview import CheckRow, Filters, Overview, overview
from dashboard.pages import words
from dashboard.pages.access import readable
from dashboard.pages.rows import RowView, row_view

STATUSES = ("down", "degraded", "unknown", "up", "paused")


@dataclass(frozen=True, slots=True)
class Count:
    """A status and how many checks have it, as a link that filters; once chosen, it lifts the filter."""

    status: str
    word: str
    number: int
    url: str
    chosen: bool


@require_safe
@readable
@vary_on_headers("HX-Request")
def overview_page(request: HttpRequest) -> HttpResponse:
    filters = filters_from(request.GET)
    seen = overview(now=datetime.now(UTC), filters=filters, page=_page(request.GET.get("page", "")))
    context = {"seen": seen, "filters": filters, **listing(seen, filters)}
    fragment = "#listing" if request.htmx else ""
    return render(request, f"pages/overview.html{fragment}", context)


def filters_from(query: Mapping[str, str]) -> Filters:
    return Filters(
        text=query.get("q", "").strip()[:200],
        status=query.get("status", "") if query.get("status") in STATUSES else "",
        group=query.get("group", ""),
        tag=query.get("tag", ""),
    )


def listing(seen: Overview, filters: Filters) -> dict[str, object]:
    """What the template prints of an overview."""
    return {
        "here": "overview",
        "demo_url": settings.DEMO_URL if settings.DEMO else "",
        "sentence": sentence(seen.counts),
        "status": seen.status,
        "counts": count_links(seen.counts, filters),
        "attention": _views(seen, seen.attention),
        "sections": [
            {
                "group": section.group,
                "url": address(Filters(group=section.group)),
                "total": section.total,
                "wrong": section.wrong,
                "rows": _views(seen, section.rows),
            }
            for section in seen.sections
        ],
        "older": address(filters, seen.page - 1) if seen.page > 1 else "",
        "newer": address(filters, seen.page + 1) if seen.page < seen.pages else "",
    }


def _views(seen: Overview, rows: Sequence[CheckRow]) -> list[RowView]:
    return [
        row_view(row, now=seen.generated_at, position=seen.position, beat_silent=seen.beat_silent)
        for row in rows
    ]


def sentence(counts: Mapping[str, int]) -> str:
    """The overall state in words; the worst status is the subject."""
    if not counts["total"]:
        return _("No checks yet")
    if (down := counts["down"]) > 0:
        return ngettext("%(n)d check is down", "%(n)d checks are down", down) % {"n": down}
    if (degraded := counts["degraded"]) > 0:
        return ngettext("%(n)d check is degraded", "%(n)d checks are degraded", degraded) % {"n": degraded}
    if (unknown := counts["unknown"]) > 0:
        return ngettext(
            "Nothing is known about %(n)d check", "Nothing is known about %(n)d checks", unknown
        ) % {"n": unknown}
    return _("All checks are up")


def count_links(counts: Mapping[str, int], filters: Filters) -> list[Count]:
    return [
        Count(
            status=status,
            word=words.status_word(status),
            number=counts[status],
            url=address(
                Filters(
                    text=filters.text,
                    status="" if filters.status == status else status,
                    group=filters.group,
                    tag=filters.tag,
                )
            ),
            chosen=filters.status == status,
        )
        for status in STATUSES
    ]


def address(filters: Filters, page: int = 1) -> str:
    query = {
        "q": filters.text,
        "status": filters.status,
        "group": filters.group,
        "tag": filters.tag,
        "page": str(page) if page > 1 else "",
    }
    chosen = {key: value for key, value in query.items() if value}
    return reverse("overview") + (f"?{urlencode(chosen)}" if chosen else "")


def _page(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else 1

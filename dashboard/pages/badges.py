"""`/badge/<slug>/…`: a check's status, availability and latency as small pictures, and for shields.io."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from checks.errors import NotFound
from checks.queries.availability import WINDOWS, availability_of
from checks.queries.check import CheckSeen, check_seen
from dashboard.pages import words
from dashboard.pages.access import readable

COLOURS = {"up": "#2a7d56", "degraded": "#9a6200", "down": "#b4231b", "unknown": "#5a6873"}
PLAIN = "#0b5a6e"
GOOD, FAIR = 0.999, 0.99
"""Shares from which availability is shown as good, and as fair."""
MAX_AGE = 30  # seconds
NARROW = {**dict.fromkeys("ijl.,:|!' ()[]", 3.6), **dict.fromkeys("mwMW%@", 9.2)}
"""Pixels of the characters that are far from the usual 6.6."""


@require_safe
@readable
def status_badge(request: HttpRequest, slug: str) -> HttpResponse:
    row = _seen(slug).row
    word = words.status_word(row.status).lower()
    return _badge(request, row.facts.name, word, COLOURS[row.status])


@require_safe
@readable
def uptime_badge(request: HttpRequest, slug: str) -> HttpResponse:
    """Availability over ``?window=``: 24h, 7d, 30d (the default) or 90d."""
    window = request.GET.get("window", "30d")
    if window not in dict(WINDOWS):
        raise Http404
    now = datetime.now(UTC)
    share = next(one.share for one in availability_of(_seen(slug).check_id, now=now) if one.window == window)
    return _badge(
        request, _("uptime %(window)s") % {"window": window}, words.percent(share), share_colour(share)
    )


@require_safe
@readable
def latency_badge(request: HttpRequest, slug: str) -> HttpResponse:
    latency = words.milliseconds(_seen(slug).row.latency_ms)
    return _badge(request, _("latency"), latency, PLAIN)


@require_safe
@readable
def shields(request: HttpRequest, slug: str) -> HttpResponse:
    """The endpoint format of shields.io."""
    row = _seen(slug).row
    colours = {"up": "brightgreen", "degraded": "yellow", "down": "red", "unknown": "lightgrey"}
    return _short_lived(
        JsonResponse(
            {
                "schemaVersion": 1,
                "label": row.facts.name,
                "message": row.status,
                "color": colours[row.status],
                "isError": row.status == "down",
            }
        )
    )


def share_colour(share: float | None) -> str:
    if share is None:
        return COLOURS["unknown"]
    return COLOURS["up" if share >= GOOD else "degraded" if share >= FAIR else "down"]


def _seen(slug: str) -> CheckSeen:
    try:
        return check_seen(slug, now=datetime.now(UTC))
    except NotFound as error:
        raise Http404(str(error)) from error


def _badge(request: HttpRequest, label: str, message: str, colour: str) -> HttpResponse:
    left, right = _width(label), _width(message)
    context = {
        "label": label,
        "message": message,
        "colour": colour,
        "left": left,
        "right": right,
        "width": left + right,
        "label_middle": left / 2,
        "message_middle": left + right / 2,
    }
    return _short_lived(render(request, "badge.svg", context, content_type="image/svg+xml"))


def _width(text: str) -> int:
    """Pixels that a text takes at 11 px, padding included; an estimate, the SVG fits the text to it."""
    return round(sum(NARROW.get(character, 6.6) for character in text)) + 12


def _short_lived(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = f"public, max-age={MAX_AGE}"
    return response

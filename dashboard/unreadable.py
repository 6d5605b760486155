"""
Refuses what no page could read: a NUL character, which PostgreSQL takes in no text, and too many fields.

SQLite would take the first, so a page that forgot to ask would fail on one database alone.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse

from checks.errors import Problem
from dashboard.api.errors import error_response

Respond = Callable[[HttpRequest], HttpResponse]


def refuse_unreadable(respond: Respond) -> Respond:
    """Middleware; must stand before whatever reads the session."""

    def answer(request: HttpRequest) -> HttpResponse:
        return _refusal(request) or respond(request)

    return answer


def _refusal(request: HttpRequest) -> HttpResponse | None:
    try:
        place = _nul(request)
    except TooManyFieldsSent:
        most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
        return _refused(request, 400, "too_many_parameters", f"At most {most} query parameters are read.")
    if place is None:
        return None
    problem = Problem(place, "holds a NUL character, which no text of ours can have")
    return _refused(request, 422, "invalid_input", "The request cannot be accepted.", problem)


def _refused(request: HttpRequest, status: int, code: str, sentence: str, *problems: Problem) -> HttpResponse:
    if request.path.startswith("/api/"):
        return error_response(status, code, sentence, problems)
    lines = [sentence, *map(str, problems)]
    return HttpResponse("\n".join(lines) + "\n", status=status, content_type="text/plain; charset=utf-8")


def _nul(request: HttpRequest) -> str | None:
    """Where a NUL character stands."""
    if "\0" in request.path:
        return "path"
    for name, values in request.GET.lists():
        if "\0" in "".join((name, *values)):
            return f"query.{name}".replace("\0", "\N{REPLACEMENT CHARACTER}")
    return next((f"cookie.{name}" for name, value in request.COOKIES.items() if "\0" in value), None)

"""``/livez`` and ``/readyz``, as orchestrators ask: the HTTP status is the answer, the text is for people."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from checks.queries.health import Readiness, readiness


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """This process answers. Nothing else is asked: a database that is away is no reason to restart us."""
    return _plain("ok\n", 200)


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """
    200 only while beat ticks, due checks are being run and the database answers; else 503.

    With ``?verbose`` one line for each of them; without, the lines that are wrong.
    """
    found = readiness(timezone.now())
    return _plain(_text(found, verbose="verbose" in request.GET), 200 if found.ready else 503)


def _text(found: Readiness, *, verbose: bool) -> str:
    lines = [
        f"[+]{finding.name} ok" if finding.ok else f"[-]{finding.name} {finding.problem}"
        for finding in found.findings
        if verbose or not finding.ok
    ]
    verdict = "ok" if found.ready else "not ready"
    return "\n".join([*lines, f"readyz {verdict}" if lines else verdict]) + "\n"


def _plain(text: str, code: int) -> HttpResponse:
    response = HttpResponse(
        text, status=code, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"}
    )
    response._has_been_logged = (
        True  # asked every few seconds; a 503 is an answer, not a failure to be logged
    )
    return response

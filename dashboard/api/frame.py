"""What every address of the API has in common: who may read, which methods and formats, how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern
from django.utils.cache import patch_vary_headers

from dashboard.access import may_read
from dashboard.api.errors import error_response
from dashboard.metrics import API_RESPONSE_SECONDS

JSON = "application/json"
HEALTH_JSON = "application/health+json"
FORMATS: dict[str, tuple[str, ...]] = {"status": (JSON, HEALTH_JSON)}
"""By the name of an address, the media types it can give; the first is the default."""
METHODS = ("GET", "HEAD")


def framed(patterns: Iterable[URLPattern], prefix: str) -> list[URLPattern]:
    """Put the frame round each pattern. `prefix` is where they will stand, for the metric's route."""
    patterns = list(patterns)
    for pattern in patterns:
        route = f"/{prefix}{pattern.pattern}"
        pattern.callback = _frame(pattern.callback, route, FORMATS.get(pattern.name or "", (JSON,)))
    return patterns


def _frame(view: Callable[..., HttpResponseBase], route: str, formats: tuple[str, ...]) -> Callable[..., Any]:
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        began = time.perf_counter()
        response = _refusal(request, formats)
        if response is None:
            if request.method == "HEAD":
                request.method = "GET"  # the server leaves the body out
            response = view(request, *args, **kwargs)
        _say_who_may_keep(response)
        API_RESPONSE_SECONDS.labels(route, str(response.status_code)).observe(time.perf_counter() - began)
        return response

    return answer


def _refusal(request: HttpRequest, formats: tuple[str, ...]) -> HttpResponse | None:
    if request.method not in METHODS:
        return error_response(
            405,
            "method_not_allowed",
            f"{request.method} is not possible here; use {' or '.join(METHODS)}.",
            headers={"Allow": ", ".join(METHODS)},
        )
    if not may_read(request):
        return error_response(401, "not_signed_in", "Sign in first: this dashboard is not public.")
    if request.get_preferred_type(formats) is None:
        return error_response(
            406,
            "not_acceptable",
            f"This address gives {' or '.join(formats)}, and the request accepts neither.",
        )
    return None


def _say_who_may_keep(response: HttpResponseBase) -> None:
    """Caches may keep a public answer, but must ask before they use it again; anything else, never."""
    response.headers["Cache-Control"] = "no-cache" if settings.PUBLIC_DASHBOARD else "no-store"
    patch_vary_headers(response, ("Accept",))

"""The API put together: /api/v1/…, its OpenAPI description and a page that shows it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path
from ninja import NinjaAPI
from ninja.responses import Response

from dashboard.api import checks, errors, events, status
from dashboard.api.docs import docs_page
from dashboard.api.frame import framed

api = NinjaAPI(
    title="Breakwater",
    version="1",
    description="What Breakwater knows about its checks. Times are RFC 3339 in UTC; errors are JSON.",
    urls_namespace="api",
    openapi_url=None,
    docs_url=None,
)
errors.install(api)
for router in (status.router, checks.router, events.router):
    api.add_router("v1", router)


def openapi(request: HttpRequest) -> HttpResponse:
    return Response(api.get_openapi_schema(path_prefix="/api/"))


def nothing_here(request: HttpRequest) -> HttpResponse:
    return errors.error_response(404, "not_found", "There is nothing at this address; see /api/docs.")


def _operations() -> list[URLPattern]:
    """Ninja's own patterns, without its root: that one only says where the docs are."""
    return [found for found in api.urls[0] if isinstance(found, URLPattern) and found.name != "api-root"]


app_name = "api"
urlpatterns: list[Any] = [
    path("docs", docs_page(api), name="docs"),
    *framed([path("openapi.json", openapi, name="openapi-json"), *_operations()], prefix="api/"),
    re_path("", nothing_here),
]

"""Where the dashboard is not public, a stranger reads nothing but what is public by design."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.factories import SAMPLES, fill
from tests.hostile.test_requests import asgi

pytestmark = pytest.mark.django_db(transaction=True)

PUBLIC = {
    "": "nothing is at these addresses",
    "status-page": "status pages are public",
    "login": "whoever is to read has to sign in",
    "livez": "orchestrators ask without a session; it says nothing about checks",
    "readyz": "the same",
    "set_language": "the reader's choice",
    "theme": "the reader's choice",
    "logout": "ends a session",
    "admin:login": "the admin's own sign-in",
    "admin:jsi18n": "words for the admin's scripts",
}
ARGUMENTS = {
    "slug": "storefront",
    "name": "run",
    "object_id": "1",
    "content_type_id": "1",
    "app_label": "checks",
}
KNOWN = [word for sample in SAMPLES[:6] for word in (sample.name, sample.slug) if word != "search"]
LEAKS = re.compile("|".join([*KNOWN, "StatusChanged", "CheckDefined", "example.org"]))


@pytest.fixture(autouse=True)
def _closed(settings) -> None:
    settings.PUBLIC_DASHBOARD = False
    fill(SAMPLES[:6], days=1, hours=1, minutes=1, results=1, page="shop")


def addresses(resolver: Any, prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """Every address of the URL configuration with its name, parameters filled in."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else space
            yield from addresses(pattern, route, inner)
        elif isinstance(pattern, URLPattern):
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: ARGUMENTS.get(match[1], "1"), route)
            yield space + (pattern.name or ""), "/" + re.sub(r"\(\?P<\w+>[^)]*\)|[\^$]|\\Z", "", path)


def test_stranger__reads_nothing():
    stranger = Client(raise_request_exception=False, headers={"host": "localhost"})
    seen = 0
    for name, path in addresses(get_resolver()):
        for method in ("get", "head", "options", "post", "put", "delete"):
            response = getattr(stranger, method)(path)
            body = b"".join(response.streaming_content) if response.streaming else response.content
            assert response.status_code < 500, (method, path)
            if name not in PUBLIC:
                assert response.status_code in (301, 302, 401, 403, 404, 405), (method, path, response)
                # What the stranger has asked for may be said again; nothing beyond it.
                said = body.decode().replace(ARGUMENTS["slug"], "")
                assert not LEAKS.search(said), (method, path, said[:500])
            seen += 1
    assert seen > 100


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/readyz?verbose", "/login/", "/login/?next=/checks/storefront/"]
)
def test_open_address__says_nothing_about_checks(path: str):
    answer = Client(headers={"host": "localhost"}).get(path).content.decode()
    assert not LEAKS.search(answer.replace("/checks/storefront/", ""))


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/health+json"])
async def test_status_document_from_memory__is_not_given_to_a_stranger(accept: str):
    status, _, body = await asgi("/api/v1/status", headers={"accept": accept, "if-none-match": "*"})
    assert status == 401
    assert not LEAKS.search(body.decode())


@pytest.mark.parametrize(
    "path", ["/live/", "/live/x", "/metrics", "/badge/storefront/status.svg", "/api/docs"]
)
async def test_whole_web__gives_a_stranger_nothing(path: str):
    status, _, body = await asgi(path)
    assert status in (302, 401, 403, 404)
    assert not LEAKS.search(body.decode().replace("storefront", ""))


def test_user_without_staff_rights__reads_and_cannot_act(django_user_model):
    reader = Client(headers={"host": "localhost"})
    reader.force_login(django_user_model.objects.create_user("bob"))
    assert reader.get("/checks/storefront/").status_code == 200
    assert reader.get("/admin/checks/check/").status_code == 302
    reader.post("/checks/storefront/pause")
    assert "is-paused" not in reader.get("/checks/storefront/").content.decode()

"""Requests that are odd, too large, or ask for what is not theirs: to the API and to every page."""

from __future__ import annotations

import json
import random
import string
from urllib.parse import quote

import psutil
import pytest
from django.test import Client

from dashboard.asgi import application
from tests.factories import SAMPLES, fill
from tests.hostile.catalogue import Item, items, spelt_out

pytestmark = pytest.mark.django_db

QUERIED = ("API-048", "API-051", "API-053", "API-054", "API-055", "API-056", "API-057")
QUERIED += ("API-061", "API-062", "API-064")
PATHS = ("API-065", "API-067", "API-068", "API-069", "API-070", "API-071")
WRITES = ("API-002", "API-003", "API-004", "API-005", "API-007", "API-008", "API-011", "API-012", "API-013")
WRITES += ("API-015", "API-016", "API-019", "API-021", "API-046", "API-072")
READ_WITH_QUERY = (
    "/api/v1/status",
    "/api/v1/checks",
    "/api/v1/checks/storefront",
    "/api/v1/checks/storefront/results",
    "/api/v1/checks/storefront/uptime",
    "/api/v1/events",
    "/",
    "/events/",
    "/checks/storefront/",
    "/status/shop/",
    "/badge/storefront/uptime.svg",
    "/metrics",
    "/livez",
    "/login/",
    "/admin/login/",
)
OF_THE_ADMIN = (
    "/admin/checks/check/",
    "/admin/checks/statuspage/",
    "/admin/checks/event/",
    "/admin/auth/user/",
)
OWN_QUERIES = (
    "limit=-1",
    "limit=99999999999999999999999",
    "limit=%D9%A1",
    "before=0001-01-01T00:00:00%2B23:59",
    "before=9999-12-31T23:59:59-23:59",
    "before=1e400",
    "before=nan",
    "before=",
    "before=9" + "9" * 30,
    "after=9223372036854775808",
    "after=-1",
    "type=%00",
    "type=%ff",
    "status=%ff&status=up",
    "fail_on=nope",
    "group=%ed%a0%80",
    "%00=1",
    "x=%zz%",
    "page=0",
    "page=-1",
    "page=999999",
    "page=%D9%A1",
    "p=9999999",
    "range=99y",
    "window=1s",
    "topic=%00",
    "stream=%00" + "a" * 1000,
    "q=%00",
    "q=" + "%E2%80%AE" * 300,
    "next=//evil.example.test",
    "o=999.-999",
    "kind=nope",
    "_facets=True&_popup=1&_to_field=password",
)


@pytest.fixture(autouse=True)
def _checks():
    fill(SAMPLES[:6], days=0, hours=0, minutes=0, results=0, page="shop")


@pytest.fixture
def visitor() -> Client:
    """A client that gets what a server would send, and not the exception behind it."""
    return Client(raise_request_exception=False, headers={"host": "localhost"})


def is_sound(response, *, allowed: tuple[int, ...] = (200, 400, 404, 405, 422)) -> None:
    assert response.status_code in allowed, (response.status_code, response.content[:300])
    assert b"Traceback" not in response.content
    if response["Content-Type"] == "application/json" and response.status_code >= 400:
        error = json.loads(response.content)["error"]
        assert error["message"]


@items("api", only=QUERIED)
def test_query_of_the_catalogue__is_named_or_has_no_effect(item: Item, visitor: Client):
    query = item["input"]["path"].partition("?")[2]
    for path in READ_WITH_QUERY:
        response = visitor.get(f"{path}?{quote(query, safe='=&')}")
        is_sound(response)
        if path.startswith("/api/v1/") and response.status_code == 422:
            named = {problem["where"] for problem in response.json()["error"]["problems"]}
            assert {f"query.{pair.partition('=')[0]}" for pair in query.split("&")} & named


@pytest.mark.parametrize("query", OWN_QUERIES)
def test_odd_query__fails_no_page(query: str, visitor: Client):
    for path in READ_WITH_QUERY:
        is_sound(visitor.get(f"{path}?{query}"))


@pytest.mark.parametrize("query", [*OWN_QUERIES, "owner__password__startswith=a", "user__password=x"])
def test_odd_query__fails_no_list_of_the_admin(query: str, admin_client: Client):
    admin_client.raise_request_exception = False
    for path in OF_THE_ADMIN:
        is_sound(admin_client.get(f"{path}?{query}"), allowed=(200, 302, 400, 403, 404, 422))


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/events", "/", "/events/", "/metrics"])
def test_thousands_of_parameters__are_refused_in_the_words_of_the_face(path: str, visitor: Client):
    is_sound(visitor.get(path + "?" + "&".join(f"a{number}=1" for number in range(1500))))


@items("api", only=PATHS)
def test_odd_path__is_not_found(item: Item, visitor: Client):
    path = item["input"]["path"]
    for prefix in ("/api/v1/", "/"):
        for ending in ("", "/", "/results"):
            response = visitor.get(f"{prefix}{path}{ending}", follow=True)
            is_sound(response, allowed=(400, 404, 405, 414, 422))


@items("api", only=WRITES)
def test_write__is_refused_whatever_it_holds(item: Item, visitor: Client):
    """The API only reads so far. A body is not even looked at."""
    given = item["input"]
    raw = spelt_out(given.get("raw", ""))
    content = raw if isinstance(raw, bytes) else raw.encode()
    headers = {name: str(value) for name, value in given.get("headers", {}).items()}
    content_type = "application/json"
    if isinstance(given.get("raw"), dict):
        content_type = given["raw"].get("content_type", content_type)
    response = visitor.generic(
        given["method"], f"/api/v1/{given['path']}", content, content_type=content_type, headers=headers
    )
    is_sound(response, allowed=(404, 405))


async def asgi(
    path: str, *, method: str = "GET", body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[bytes, bytes], bytes]:
    """One request to the whole of the web, as a server hands it over; an open stream is left at once."""
    pairs = {"host": "localhost", "content-length": str(len(body)), **(headers or {})}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("192.0.2.9", 1234),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs.items()],
    }
    messages: list[dict] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        messages.append(message)

    await application(scope, receive, send)
    return (
        messages[0]["status"],
        dict(messages[0]["headers"]),
        b"".join(message.get("body", b"") for message in messages),
    )


@items("api", only=("API-017", "API-032"))
async def test_request_that_is_too_large__is_refused_before_a_page_sees_it(item: Item):
    given = item["input"]
    headers = {name: spelt_out(value) for name, value in given.get("headers", {}).items()}
    status, _, body = await asgi(
        f"/api/v1/{given['path']}",
        method="POST",
        body=spelt_out(given.get("raw", "")).encode(),
        headers=headers,
    )
    assert status in item["expected"]["http"]
    assert json.loads(body)["error"]["code"] in ("body_too_large", "head_too_large")


@items("api", only=("API-037",))
def test_public_status_page__shows_no_target_and_no_secret(item: Item, visitor: Client, settings):
    settings.PUBLIC_DASHBOARD = False
    page = visitor.get("/status/shop/").content.decode()
    for sample in SAMPLES[:6]:
        target = sample.definition.get("url") or sample.definition.get("host")
        assert target not in page
        assert sample.output not in page
    assert "CHECKOUT_TOKEN" not in page
    for path in ("/status/shop/api/v2/summary.json", "/status/shop.json", "/status/"):
        assert visitor.get(path).status_code == 404


@items("api", only=("API-076",))
def test_header_with_underscores__is_not_believed(item: Item, visitor: Client):
    """A server hands such a header on under the name of the one with hyphens, or drops it."""
    forged = {f"HTTP_{name.upper()}": value for name, value in item["input"]["headers"].items()}
    forged["HTTP_X_FORWARDED_HOST"] = "evil.example.test"
    response = visitor.get("/login/", **forged)
    is_sound(response)
    assert "evil" not in response.content.decode()
    assert "https://" not in response.content.decode()


@items("api", only=("API-078",))
def test_foreign_origin__is_never_let_in(item: Item, visitor: Client):
    for path in READ_WITH_QUERY:
        response = visitor.get(path, headers=item["input"]["headers"])
        is_sound(response)
        assert not any(name.lower().startswith("access-control") for name in response.headers)


@items("api", only=("API-080",))
def test_many_languages__are_forgotten_again(item: Item, visitor: Client):
    chance = random.Random(1)
    before = psutil.Process().memory_info().rss
    for _ in range(600):
        code = "".join(chance.choices(string.ascii_letters + "-", k=400))
        assert visitor.get("/livez", headers={"accept-language": code}).status_code == 200
    assert psutil.Process().memory_info().rss - before < 16 * 2**20


@items("api", only=("API-081",))
@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_form_of_ten_thousand_parts__is_refused(item: Item, path: str, visitor: Client):
    many = b"".join(
        b'--B\r\nContent-Disposition: form-data; name="a%d"\r\n\r\nx\r\n' % number for number in range(10_000)
    )
    blanks = (
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + b" " * 1_000_000 + b"\r\n"
    )
    visitor.handler.enforce_csrf_checks = True
    for body in (many, blanks):
        response = visitor.generic(
            "POST", path, body + b"--B--\r\n", content_type="multipart/form-data; boundary=B"
        )
        is_sound(response, allowed=(400, 403, 413, 415))

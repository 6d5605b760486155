"""`/` shows every check, what is wrong first."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from checks.queries.overview import Filters, overview
from tests.factories import SAMPLES, Sample, fill, http, many

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def rows(content: bytes) -> list[str]:
    """The slugs of the rows in the order of the page."""
    return re.findall(r'<tr id="check-([^"]+)"', content.decode())


@pytest.mark.usefixtures("filled")
def test_overview__some_checks_wrong__they_come_first_and_worst_first(client: Client) -> None:
    assert rows(client.get("/").content)[:3] == ["checkout-api", "card-gateway", "model"]


@pytest.mark.usefixtures("filled")
def test_overview__every_check__has_one_row(client: Client) -> None:
    assert sorted(rows(client.get("/").content)) == sorted(sample.slug for sample in SAMPLES)


@pytest.mark.usefixtures("filled")
def test_overview__a_wrong_check__says_why_in_its_row(client: Client, text_of) -> None:
    text = text_of(client.get("/").content)
    assert "1 check is down" in text
    assert "HTTP 503 Service Unavailable; expected 200" in text


@pytest.mark.usefixtures("filled")
def test_overview__a_check_that_never_ran__is_new_and_not_wrong() -> None:
    seen = overview(now=datetime.now(UTC))
    assert "reports" not in [row.facts.slug for row in seen.attention]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=down", ["checkout-api"]),
        ("status=paused", ["images"]),
        ("group=Platform", ["model", "queue"]),
        ("tag=third-party", ["card-gateway"]),
        ("q=SIGN-in", ["login"]),
        ("q=db-1.example.org", ["orders-db"]),
        ("q=critical+storefront", ["storefront"]),
        ("group=Payments&status=up", ["invoices", "orders-db"]),
        ("status=nonsense&group=Platform", ["model", "queue"]),
        ("q=no-such-check", []),
    ],
)
def test_overview__a_filter_in_the_address__shows_what_matches(
    client: Client, query: str, expected: list[str]
) -> None:
    assert rows(client.get(f"/?{query}").content) == expected


@pytest.mark.usefixtures("filled")
def test_overview__a_strip_with_gaps__says_so_in_words(client: Client) -> None:
    content = client.get("/?q=invoice").content.decode()
    assert 'aria-label="last 40: 8 not measured, 32 up"' in content
    assert '<rect class="gap"' in content


@pytest.mark.usefixtures("filled")
def test_overview__asked_by_htmx__answers_with_the_list_only(client: Client) -> None:
    content = client.get("/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in content
    assert 'id="listing"' in content
    assert 'id="summary" hx-swap-oob="true"' in content


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("definition", "target"),
    [
        (
            http("a.example.org/x", "", headers={"Authorization": "Bearer ${TOKEN}"}),
            "https://a.example.org/x",
        ),
        ({"url": "${SHOP_URL}/health"}, "${SHOP_URL}/health"),
        ({"kind": "tcp", "host": "${DB_HOST}", "port": 5432}, "${DB_HOST}"),
    ],
)
def test_overview__a_placeholder_that_is_not_set_here__is_shown_as_written(
    definition: dict[str, object], target: str
) -> None:
    fill([Sample(slug="one", name="One", definition=definition)], days=0, hours=0, minutes=0, results=0)
    (section,) = overview(now=NOW).sections
    assert section.rows[0].facts.target == target


@pytest.mark.django_db
def test_overview__no_checks__tells_how_to_add_them(client: Client, text_of) -> None:
    text = text_of(client.get("/").content)
    assert "No checks yet" in text
    assert "manage.py apply checks.yaml" in text


@pytest.mark.django_db
def test_overview__a_name_with_markup__is_shown_as_text(client: Client) -> None:
    fill(
        [Sample(slug="evil", name="<script>alert(1)</script>", definition=http("x.example.org", "<b>"))],
        days=1,
    )
    content = client.get("/").content.decode()
    assert "<script>alert" not in content
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in content


@pytest.mark.django_db
def test_overview__many_checks__costs_no_more_queries_than_few(
    client: Client, django_assert_max_num_queries
) -> None:
    fill(many(450), days=0, hours=0, minutes=0, results=0)
    with django_assert_max_num_queries(10):
        content = client.get("/?page=2").content
    assert len(rows(content)) == 200
    assert "Page 2 of 3" in content.decode()


@pytest.mark.django_db
def test_overview__a_page_past_the_end__shows_the_last() -> None:
    fill(many(3), days=0, hours=0, minutes=0, results=0)
    assert overview(now=NOW, filters=Filters(), page=99).page == 1


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("path", ["/", "/checks/checkout-api/", "/events/", "/badge/checkout-api/status.svg"])
def test_pages__dashboard_not_public__lead_to_the_sign_in(client: Client, settings, path: str) -> None:
    settings.PUBLIC_DASHBOARD = False
    response = client.get(path)
    assert response.status_code == 302
    assert response.url.startswith("/login/?next=")


@pytest.mark.usefixtures("filled")
def test_pages__dashboard_not_public_but_signed_in__are_shown(operator: Client, settings) -> None:
    settings.PUBLIC_DASHBOARD = False
    assert operator.get("/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("following", "target"),
    [("/events/", "/events/"), ("https://evil.example/", "/"), ("//evil.example", "/")],
)
def test_theme__chosen__is_kept_and_leads_back_to_our_pages_only(
    client: Client, following: str, target: str
) -> None:
    response = client.post("/theme/", {"theme": "dark", "next": following})
    assert response.url == target
    assert client.cookies["theme"].value == "dark"
    assert 'data-theme="dark"' in client.get("/").content.decode()

"""`/status/<page>/` is for the public: complete, small, and silent about the inside."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from django.test import Client

from checks.models import Check, CheckState
from checks.queries.status_page import Day, public_page
from dashboard.pages.status_page import day_bars, day_kind, render_status_page
from tests.factories import SAMPLES, fill


def day(down: int = 0, measured: int = 100, degraded: int = 0) -> Day:
    return Day(date(2026, 11, 1), measured, degraded, down)


@pytest.mark.usefixtures("filled")
def test_status_page__anybody__sees_sections_services_and_the_state(
    client: Client, settings, text_of
) -> None:
    settings.PUBLIC_DASHBOARD = False
    response = client.get("/status/shop/")
    text = text_of(response.content)
    assert response.status_code == 200
    assert "1 service is down" in text
    assert "Payments Checkout API Down" in text


@pytest.mark.usefixtures("filled")
def test_status_page__the_public__learns_no_target_output_or_setting(client: Client) -> None:
    content = client.get("/status/shop/").content.decode()
    for private in ("example.org", "503", "CHECKOUT_TOKEN", "wiki", "team-payments", "[STATUS]", "/checks/"):
        assert private not in content


@pytest.mark.django_db
def test_status_page__a_dozen_services_with_90_days__stays_small(client: Client) -> None:
    fill(SAMPLES, days=95, hours=26, minutes=60, results=2, page="shop")
    assert len(client.get("/status/shop/").content) < 60_000


@pytest.mark.django_db
def test_status_page__no_such_page__is_not_found(client: Client) -> None:
    assert client.get("/status/nothing/").status_code == 404


@pytest.mark.usefixtures("filled")
def test_status_page__asked_again_with_its_etag__is_not_sent_again(client: Client) -> None:
    etag = client.get("/status/shop/")["ETag"]
    again = client.get("/status/shop/", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)


@pytest.mark.usefixtures("filled")
def test_status_page__something_changes__has_another_etag() -> None:
    before = render_status_page("shop", "en").etag
    CheckState.objects.filter(check_ref__slug="login").update(status="down")
    assert render_status_page("shop", "en").etag != before


@pytest.mark.usefixtures("filled")
def test_status_page__a_check_was_removed__the_rest_is_shown() -> None:
    Check.objects.filter(slug="login").delete()
    names = [
        service.slug
        for section in public_page("shop", now=datetime.now(UTC)).sections
        for service in section.services
    ]
    assert "login" not in names
    assert "storefront" in names


@pytest.mark.usefixtures("filled")
def test_public_page__ninety_days__end_today_and_leave_gaps_out() -> None:
    page = public_page("shop", now=datetime.now(UTC))
    service = page.sections[0].services[0]
    assert len(service.days) == 90
    assert service.days[-1].date == datetime.now(UTC).date()
    assert not service.days[0].measured
    assert service.share is not None
    assert 0.9 < service.share < 1


def test_public_page__today__is_summed_from_finer_rollups(db: None) -> None:
    now = datetime.now(UTC).replace(hour=13, minute=30)
    fill(SAMPLES[:1], now=now, days=2, hours=48, minutes=120, results=0, page="one")
    today = public_page("one", now=now).sections[0].services[0].days[-1]
    # 13 hours of 60 results each, then minutes of 2; a few spans are left out by the samples.
    assert 13 * 60 * 0.8 < today.measured <= 13 * 60 + 30 * 2


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (day(), "up"),
        (day(down=1), "degraded"),
        (day(degraded=3), "degraded"),
        (day(down=5), "down"),
        (day(measured=0), "gap"),
    ],
)
def test_day__by_what_was_measured__has_its_kind(seen: Day, kind: str) -> None:
    assert day_kind(seen) == kind


def test_day_bars__days_with_failures__each_have_a_bar_with_words() -> None:
    days = [day(), day(), day(down=1), day(down=50), day(measured=0)]
    bars = day_bars(days, [day_kind(one) for one in days])
    assert [(bar.run.css, bar.run.x, bar.run.width) for bar in bars] == [
        ("up", "0", "20"),
        ("degraded", "20", "10"),
        ("down", "30", "10"),
        ("gap", "40", "10"),
    ]
    assert bars[3 - 1].title == "November 1: 50.00\u00a0%, 50 of 100 measurements failed"


@pytest.mark.usefixtures("filled")
def test_badges__a_check__are_valid_svg_with_words(client: Client) -> None:
    for name, words in (
        ("status", "Checkout API: down"),
        ("latency", "latency: "),
        ("uptime", "uptime 30d: "),
    ):
        response = client.get(f"/badge/checkout-api/{name}.svg")
        assert response["Content-Type"] == "image/svg+xml"
        assert re.search(f'aria-label="{re.escape(words)}', response.content.decode())
    assert client.get("/badge/checkout-api/uptime.svg?window=5y").status_code == 404


@pytest.mark.usefixtures("filled")
def test_shields__a_check_that_is_down__is_told_as_an_error(client: Client) -> None:
    assert client.get("/badge/checkout-api/shields.json").json() == {
        "schemaVersion": 1,
        "label": "Checkout API",
        "message": "down",
        "color": "red",
        "isError": True,
    }


def test_status_page__first_minutes_of_an_installation__today_is_drawn_from_raw_results(db: None) -> None:
    """Nothing has been summed yet, and yet the page does not claim that nothing was measured."""
    fill(SAMPLES[:1], days=0, hours=0, minutes=0, results=6, page="shop")
    service = public_page("shop", now=datetime.now(UTC)).sections[0].services[0]
    assert service.days[-1].measured > 0
    assert service.share is not None

"""Every page, light and dark, wide and narrow, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

PAGES = ("/", "/checks/checkout-api/", "/checks/reports/", "/status/shop/", "/events/", "/login/")
WIDE, NARROW = 1280, 375

OpenPage = Callable[..., Page]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("scheme", "width"), [("light", WIDE), ("dark", WIDE), ("light", NARROW)])
def test_page__in_any_light_and_width__axe_finds_nothing(
    open_page: OpenPage, path: str, scheme: str, width: int
) -> None:
    page = open_page(path, scheme=scheme, width=width)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("path", PAGES)
def test_page__on_a_phone__never_scrolls_sideways(open_page: OpenPage, path: str) -> None:
    page = open_page(path, width=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page__by_default__follows_the_system_and_by_choice_does_not(
    open_page: OpenPage, scheme: str
) -> None:
    page = open_page("/", scheme=scheme)
    ground = "getComputedStyle(document.body).backgroundColor"
    system = page.evaluate(ground)
    page.get_by_role("button", name="Dark").click()
    assert (page.evaluate(ground) == system) == (scheme == "dark")
    page.get_by_role("button", name="As the system").click()
    assert page.evaluate(ground) == system


def test_overview__without_scripts__searches_filters_and_leads_to_a_check(open_page: OpenPage) -> None:
    page = open_page("/", scripts=False)
    page.get_by_role("searchbox").fill("gateway")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile(r"\?q=gateway"))
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Card gateway").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Card gateway")
    page.get_by_role("link", name="7 d", exact=True).click()
    expect(page).to_have_url(re.compile(r"range=7d"))


def test_overview__while_typing__the_list_follows_and_so_does_the_address(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_role("searchbox").press_sequentially("gate")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=gate"))
    page.get_by_role("searchbox").fill("")
    expect(page.locator("tbody tr")).to_have_count(13)
    page.get_by_label("Group", exact=True).select_option("Platform")
    expect(page.locator("tbody tr")).to_have_count(2)


def test_overview__by_keyboard__reaches_the_content_first_and_shows_where_it_is(open_page: OpenPage) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    first = page.get_by_role("navigation", name="Checks by status").get_by_role("link").first
    expect(first).to_be_focused()
    assert first.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"


def test_check_page__signed_in__pauses_and_resumes(open_page: OpenPage) -> None:
    page = open_page("/checks/login/")
    page.get_by_role("link", name="Sign in to run or pause").click()
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill("anna's password")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign-in")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("alert")).to_contain_text("Paused.")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name=re.compile("Sign out")).click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_check_page__a_chart__tells_its_values_under_the_pointer_and_as_a_table(open_page: OpenPage) -> None:
    page = open_page("/checks/storefront/")
    chart = page.locator("#latency")
    chart.locator(".hit").nth(20).hover()
    expect(chart.locator(".readout")).to_contain_text("p50")
    chart.get_by_text("Show as a table").click()
    expect(chart.get_by_role("columnheader", name="median")).to_be_visible()


def test_page__in_russian__speaks_russian(open_page: OpenPage) -> None:
    page = open_page("/", language="ru-RU")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page.get_by_role("link", name="Проверки", exact=True)).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("link", name="Checks", exact=True)).to_be_visible()

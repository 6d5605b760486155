"""What happens is seen, without a reload."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, Site, free_port

OpenPage = Callable[..., Page]
PROMISED = 2_000  # ms from the recorded change to the page


@pytest.fixture
def storefront(site: Site) -> Iterator[None]:
    """Leave the check as it was found."""
    yield
    site.change("up", "storefront")


@pytest.mark.usefixtures("storefront")
def test_overview__a_check_goes_down__its_row_says_so_and_moves_up(open_page: OpenPage, site: Site) -> None:
    page = open_page("/")
    expect(page.locator("#live")).to_have_text("Live")
    row = page.locator("#check-storefront")
    expect(row).to_have_class("is-up")
    page.evaluate("window.sameDocument = true")
    site.change("down", "storefront")
    expect(row).to_have_class(re.compile("is-down"), timeout=PROMISED)
    attention = page.get_by_role("region", name="Needs attention")
    expect(attention.locator("#check-storefront")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 checks are down")
    expect(page).to_have_title("2 checks are down · Breakwater")
    assert page.evaluate("window.sameDocument")


@pytest.mark.usefixtures("storefront")
def test_check_page__its_check_goes_down__says_so_and_why(open_page: OpenPage, site: Site) -> None:
    page = open_page("/checks/storefront/")
    expect(page.locator("#live")).to_have_text("Live")
    page.get_by_text("Show as a table").click()
    site.change("down", "storefront")
    expect(page.locator("#now .notice")).to_have_text("connection refused", timeout=PROMISED)
    expect(page.locator("#recent").get_by_text("Up → Down").first).to_be_visible()
    expect(page.locator("#latency-table")).to_have_attribute("open", "")


@pytest.mark.usefixtures("storefront")
def test_status_page__a_service_goes_down__says_so(open_page: OpenPage, site: Site) -> None:
    page = open_page("/status/shop/")
    expect(page.locator("#live")).to_have_text("Live")
    site.change("down", "storefront")
    expect(page.locator(".verdict")).to_have_text("2 services are down", timeout=PROMISED + 1_000)


@pytest.mark.usefixtures("storefront")
def test_overview__focus_stands_on_a_row__stays_there_through_a_refresh(
    open_page: OpenPage, site: Site
) -> None:
    page = open_page("/")
    expect(page.locator("#live")).to_have_text("Live")
    page.get_by_role("link", name="Job queue").focus()
    site.change("down", "storefront")
    attention = page.get_by_role("region", name="Needs attention")
    expect(attention.locator("#check-storefront")).to_be_visible()
    expect(page.get_by_role("link", name="Job queue")).to_be_focused()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """What `make run` starts: the addresses of the dashboard and of the demo's targets."""
    port, demo_port = free_port(), free_port()
    environ = os.environ | {
        "DATA_DIR": str(tmp_path),
        "PORT": str(port),
        "DEMO": "on",
        "DEMO_PORT": str(demo_port),
        "PUBLIC_DASHBOARD": "on",
        "CHECKS_FILE": "checks.yaml",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "manage.py", "serve"]
    with subprocess.Popen(command, cwd=ROOT, env=environ, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            assert any("ready" in line for line in process.stdout), "serve did not become ready"
            yield f"http://127.0.0.1:{port}", f"http://127.0.0.1:{demo_port}"
            process.send_signal(signal.SIGTERM)
            process.wait(10)
        finally:
            process.kill()


def test_demo__a_target_is_broken_and_mended__its_row_follows(browser, demo: tuple[str, str]) -> None:
    dashboard, targets = demo
    page = browser.new_page()
    page.goto(dashboard)
    row = page.locator("#check-demo-api")
    expect(row).to_have_class(re.compile("is-up"), timeout=20_000)
    page.evaluate("window.sameDocument = true")
    other = browser.new_page()
    other.goto(targets)
    other.get_by_role("group", name="Healthy API").get_by_role("button", name="Answer 500").click()
    expect(row).to_have_class(re.compile("is-down"), timeout=15_000)
    other.get_by_role("group", name="Healthy API").get_by_role("button", name="Mend").click()
    expect(row).to_have_class(re.compile("is-up"), timeout=15_000)
    assert page.evaluate("window.sameDocument")
    page.close()
    other.close()

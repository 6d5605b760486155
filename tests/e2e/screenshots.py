"""`python -m tests.e2e.screenshots`: pictures of each page for docs/, over the checks of tests.factories."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.conftest import NAMES, ROOT, free_port, which
from tests.embedded import System, serving


class Picture(NamedTuple):
    name: str
    path: str
    scheme: str = "light"
    width: int = 1280
    height: int = 900


PICTURES = (
    Picture("overview-light", "/"),
    Picture("overview-dark", "/", "dark"),
    Picture("check", "/checks/card-gateway/", height=1240),
    Picture("check-dark", "/checks/checkout-api/", "dark", height=1240),
    Picture("status-page", "/status/shop/", height=1000),
    Picture("events", "/events/", height=700),
    Picture("overview-phone", "/", width=375, height=812),
    Picture("check-phone", "/checks/card-gateway/", "dark", width=375, height=812),
)


# Pages that act: behind a sign-in, and over the demo of a real system.
OF_OPERATORS = (
    Picture("sign-in", "/login/", height=500),
    Picture("admin-checks", "/admin/checks/check/", height=760),
    Picture("admin-add-check", "/admin/checks/check/add/?kind=http", height=1100),
    Picture("admin-add-check-dark", "/admin/checks/check/add/?kind=http", "dark", height=1100),
    Picture("admin-status-page", "/admin/checks/statuspage/add/", height=760),
)
DEMO = Picture("demo-targets", "/", height=760)
PASSWORD = "for pictures only"


def take(base_url: str, folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which(NAMES), args=["--no-sandbox"])
        for picture in PICTURES:
            context = browser.new_context(
                base_url=base_url,
                viewport={"width": picture.width, "height": picture.height},
                color_scheme="dark" if picture.scheme == "dark" else "light",
                locale="en-GB",
            )
            page = context.new_page()
            page.goto(picture.path)
            expect(page.locator("#live")).to_have_text("Live")
            save(page, picture, folder)
        browser.close()


def take_for_operators(system: System, folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which(NAMES), args=["--no-sandbox"])
        page = browser.new_page(base_url=system.url)
        for picture in OF_OPERATORS:
            page.set_viewport_size({"width": picture.width, "height": picture.height})
            page.emulate_media(color_scheme="dark" if picture.scheme == "dark" else "light")
            page.goto(picture.path)
            save(page, picture, folder)
            if picture.name == "sign-in":
                page.get_by_label("Name").fill("admin")
                page.get_by_label("Password").fill(PASSWORD)
                page.get_by_role("button", name="Sign in").click()
                page.wait_for_url("/")
        page.set_viewport_size({"width": DEMO.width, "height": DEMO.height})
        page.emulate_media(color_scheme="light")
        page.goto(system.demo_url)
        save(page, DEMO, folder)
        browser.close()


def save(page: Page, picture: Picture, folder: Path) -> None:
    page.screenshot(path=folder / f"{picture.name}.png")
    print(f"docs/screenshots/{picture.name}.png")


def main() -> None:
    folder = ROOT / "docs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with tempfile.TemporaryDirectory() as data:
        environ = os.environ | {
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",
            "DATA_DIR": data,
            "PORT": str(port),
            "PUBLIC_DASHBOARD": "on",
            "LOG_LEVEL": "ERROR",
        }
        with subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.site"],
            cwd=ROOT,
            env=environ,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as site:
            assert site.stdout is not None
            assert site.stdout.readline() == "ready\n"
            try:
                take(f"http://127.0.0.1:{port}", folder)
            finally:
                site.terminate()
    with (
        tempfile.TemporaryDirectory() as data,
        serving(Path(data), DEMO="on", CHECKS_FILE="checks.yaml", ADMIN_PASSWORD=PASSWORD) as system,
    ):
        take_for_operators(system, folder)


if __name__ == "__main__":
    main()

"""`python -m tests.e2e.screenshots`: pictures of each page for docs/, over the checks of tests.factories."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import expect, sync_playwright

from tests.e2e.conftest import NAMES, ROOT, free_port, which


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
            page.screenshot(path=folder / f"{picture.name}.png")
            print(f"docs/screenshots/{picture.name}.png")
        browser.close()


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


if __name__ == "__main__":
    main()

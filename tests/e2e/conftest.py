"""
Browser tests: their own pytest run, because Playwright's loop disturbs other tests in its process.

A browser is found by CHROMIUM, or under its usual names; without one the tests fail, and say so.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")

expect.set_options(timeout=4_000)


class Site:
    """A running dashboard that a test can make change."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url = url
        self.process = process

    def change(self, status: str, slug: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{status} {slug}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def which(names: Sequence[str]) -> str | None:
    """The browser's path: CHROMIUM, or the first of these that is installed."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    port = free_port()
    environ = os.environ | {
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "PORT": str(port),
        "PUBLIC_DASHBOARD": "on",
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "tests.e2e.site"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            assert process.stdout.readline() == "ready\n", "the dashboard did not start; see above"
            yield Site(f"http://127.0.0.1:{port}", process)
            process.stdin.write("stop\n")
            process.stdin.flush()
            process.wait(10)
        finally:
            process.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = which(NAMES)
    assert found, "The browser tests need Chromium: apt-get install chromium, or set CHROMIUM to its path."
    # Started as root, as CI does, Chromium has no sandbox of its own to offer.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """
    Open a path of the site in a window of its own.

    A test fails at its end if any of its pages reported an error or a violation of the content
    security policy, or asked another host for anything.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def open_page(
        path: str, *, scheme: str = "light", width: int = 1280, scripts: bool = True, language: str = "en-GB"
    ) -> Page:
        context = browser.new_context(
            base_url=site.url,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            locale=language,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                urlsplit(request.url).netloc == urlsplit(site.url).netloc
                or complaints.append(f"asked for {request.url}")
            ),
        )
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints

"""Pages are tested over checks with a past, as tests.factories makes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from checks.queries import facts
from dashboard.pages.status_page import PAGES
from tests.factories import SAMPLES, fill


@pytest.fixture(autouse=True)
def open_dashboard(settings) -> Iterator[None]:
    """Reading is open, as `make run` has it; check ids and the language start anew with each test."""
    settings.PUBLIC_DASHBOARD = True
    translation.activate("en")
    facts._kept.clear()
    PAGES.clear()
    yield
    facts._kept.clear()
    PAGES.clear()


@pytest.fixture
def filled(db: None) -> None:
    """Every sample check, with a few days of past and the status page ``shop``."""
    fill(SAMPLES, days=12, hours=30, minutes=90, results=6, page="shop")


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    """A client signed in as the operator Anna."""
    client.force_login(User.objects.create_user("anna", password="secret", is_staff=True))
    return client


@pytest.fixture
def text_of() -> Callable[[bytes], str]:
    """A page's text without its tags, white space made single."""

    def text_of(content: bytes) -> str:
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", content.decode())).strip()

    return text_of

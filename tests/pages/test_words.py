from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.pages import words
from dashboard.pages.rows import strip_view

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100\u00a0%"),
        (0.999999, "99.999\u00a0%"),
        (0.99989, "99.989\u00a0%"),
        (0.98765, "98.76\u00a0%"),
        (0.0, "0.00\u00a0%"),
        (None, "–"),
    ],
)
def test_percent__a_share_below_one__is_never_rounded_up(share: float | None, text: str) -> None:
    assert words.percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0001, "0\u00a0ms"),
        (0.42, "0.42\u00a0ms"),
        (3.14, "3.1\u00a0ms"),
        (345.6, "346\u00a0ms"),
        (1234, "1.23\u00a0s"),
        (12345, "12.3\u00a0s"),
    ],
)
def test_milliseconds__any_size__has_two_or_three_digits(value: float | None, text: str) -> None:
    assert words.milliseconds(value) == text


@pytest.mark.parametrize(
    ("away", "text"),
    [
        (timedelta(seconds=12), "in 12 s"),
        (timedelta(minutes=3), "in 3 min"),
        (timedelta(seconds=-2), "now"),
        (timedelta(seconds=-40), "40 s late"),
    ],
)
def test_ahead__a_slot_that_has_passed__says_how_late_it_is(away: timedelta, text: str) -> None:
    assert words.ahead(NOW + away, NOW) == text


def test_strip__neighbouring_slots__share_a_bar_and_gaps_are_thin() -> None:
    strip = strip_view("uuu--d")
    assert [(run.css, run.width) for run in strip.runs] == [("up", "18"), ("gap", "12"), ("down", "6")]
    assert strip.runs[1].height == "2"
    assert strip.text == "last 6: 1 down, 2 not measured, 3 up"


def test_strip__nothing_yet__says_so() -> None:
    assert strip_view("").text == "no slots yet"

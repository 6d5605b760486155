"""Limits on memory and disk, and which status codes are expected."""

from __future__ import annotations

import pytest

from checks.rules.expected_status import parse_status
from checks.rules.limit import judge_usage, parse_limit
from checks.rules.outcome import Verdict

GIB = 2**30


@pytest.mark.parametrize(
    ("written", "in_bytes"),
    [
        ("80%", 0.8 * GIB),
        ("100 %", GIB),
        ("512MiB", 2**29),
        ("0.5 gib", 2**29),
        ("5MB", 5e6),
        (123, 123),
        ("7B", 7),
    ],
)
def test_limit__in_percent_units_or_bytes__is_read(written: object, in_bytes: float):
    assert parse_limit(written).in_bytes(GIB) == in_bytes


@pytest.mark.parametrize(
    "written", ["", "80", "80 percent", "-1%", "0%", "101%", True, None, 0, -5, 1.5, "1e9B", "９%", 2**61]
)
def test_limit__that_means_nothing__is_refused(written: object):
    with pytest.raises(ValueError, match="must be"):
        parse_limit(written)


@pytest.mark.parametrize(
    ("used", "verdict"), [(0, Verdict.UP), (799, Verdict.UP), (800, Verdict.DEGRADED), (900, Verdict.DOWN)]
)
def test_usage__is_judged_from_each_limit_on(used: int, verdict: Verdict):
    assert judge_usage("it", used, 1000, "90%", 800).verdict is verdict


def test_usage__says_amounts_and_the_limit_that_was_reached():
    outcome = judge_usage("/data", 3 * GIB, 4 * GIB, "2GiB", "")
    assert outcome.output == "/data uses 3 GiB (75.0 % of 4 GiB); the limit is 2 GiB"


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        (200, range(200, 201)),
        ("204", range(204, 205)),
        ("2xx", range(200, 300)),
        ("2XX", range(200, 300)),
        ("200-299", range(200, 300)),
        ("301 - 302", range(301, 303)),
    ],
)
def test_status__as_code_class_or_range__is_read(written: object, codes: range):
    assert parse_status(written) == codes


@pytest.mark.parametrize(
    "written", [0, 99, 600, 999, True, None, 200.0, "", "xx", "6xx", "299-200", "٢xx", "200-", "abc"]
)
def test_status__outside_100_to_599__is_refused(written: object):
    with pytest.raises(ValueError, match=r"must be|begins above"):
        parse_status(written)

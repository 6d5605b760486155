"""
Numbers, durations and timestamps as conditions write and bodies hold them.

Every function takes any text and answers None for what it cannot read. Text longer than a number
has reason to be is not looked at: what comes from a target may be a megabyte of digits.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from math import isfinite

MAX_LENGTH = 400

_UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HTTP_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
_MILLISECONDS_FROM = 1e12


def whole_number(text: str) -> int | None:
    """A whole number: decimal, ``0x``, ``0o``, ``0b``, or octal with a leading zero."""
    if not text or len(text) > MAX_LENGTH or not text.isascii():
        return None
    if text.isdigit() and text[0] != "0":
        return int(text)
    if not (text[0] in "+-" or text[0].isdigit()) or not text[-1].isalnum():
        return None
    for base in (0, 8):
        try:
            return int(text, base)
        except ValueError:
            continue
    return None


def number(text: str) -> float | None:
    """A number, or a duration in milliseconds."""
    if (whole := whole_number(text)) is not None:
        return whole
    if len(text) > MAX_LENGTH:
        return None
    if (duration := milliseconds(text)) is not None:
        return duration
    if _FLOAT.fullmatch(text) and isfinite(value := float(text)):
        return value
    return None


def milliseconds(text: str) -> float | None:
    """A duration such as ``48h``, ``1h30m``, ``300ms`` or ``-1.5s``, in milliseconds."""
    if len(text) > MAX_LENGTH:
        return None
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    total_ns = position = 0
    while part := _PART.match(rest, position):
        whole, _, fraction = part[1].partition(".")
        unit_ns = _UNITS_NS[part[2]]
        total_ns += int(whole or "0") * unit_ns + int(fraction or "0") * unit_ns // 10 ** len(fraction)
        position = part.end()
    if position == 0 or position != len(rest):
        return None
    whole_ms, rest_ns = divmod(total_ns, 1_000_000)
    return sign * (whole_ms + rest_ns / 1e6 if rest_ns else whole_ms)


def timestamp(text: str) -> int | None:
    """
    An instant as microseconds since the Unix epoch.

    Read are HTTP dates, RFC 3339, and Unix time in seconds or, from 10^12 on, in milliseconds.
    """
    text = text.strip().strip('"')
    if not text or len(text) > MAX_LENGTH:
        return None
    if _FLOAT.fullmatch(text):
        value = float(text)
        if not isfinite(value) or value <= 0:
            return None
        return int(value) * 1000 if value >= _MILLISECONDS_FROM else int(value * 1e6)
    instant = _rfc_3339(text) or _http_date(text)
    return None if instant is None else (instant - _EPOCH) // timedelta(microseconds=1)


def _rfc_3339(text: str) -> datetime | None:
    if text[10:11] not in ("T", "t"):
        return None
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant


def _http_date(text: str) -> datetime | None:
    for form in _HTTP_DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def shown_duration(duration_ms: int) -> str:
    """Whole seconds, shortest form: ``336h``, ``1h30m``, ``-5s``; below a second ``250ms``."""
    total = abs(duration_ms)
    sign = "-" if duration_ms < 0 else ""
    if total < 1000:
        return f"{sign}{total}ms" if total else "0s"
    minutes, seconds = divmod(total // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return sign + "".join(f"{count}{unit}" for count, unit in parts if count)

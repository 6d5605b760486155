"""Statuses, times and amounts as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

NBSP = "\u00a0"

STATUS: dict[str, Promise] = {
    "up": gettext_lazy("Up"),
    "degraded": gettext_lazy("Degraded"),
    "down": gettext_lazy("Down"),
    "unknown": gettext_lazy("Unknown"),
    "paused": gettext_lazy("Paused"),
}
VERDICT: dict[str, Promise] = {
    **STATUS,
    "blocked": gettext_lazy("Blocked by policy"),
    "skipped": gettext_lazy("Skipped"),
    "unknown": gettext_lazy("Could not measure"),
}


def status_word(status: str) -> str:
    return str(STATUS.get(status, status))


def verdict_word(verdict: str) -> str:
    return str(VERDICT.get(verdict, verdict))


def span(value: timedelta) -> str:
    """A length of time in its largest fitting unit: ``40 s``, ``12 min``, ``3 h``, ``5 d``."""
    seconds = max(0, int(value.total_seconds()))
    if seconds < 60:
        return _("%(n)d s") % {"n": seconds}
    if seconds < 3_600:
        return _("%(n)d min") % {"n": seconds // 60}
    if seconds < 48 * 3_600:
        return _("%(n)d h") % {"n": seconds // 3_600}
    return _("%(n)d d") % {"n": seconds // 86_400}


def ago(at: datetime, now: datetime) -> str:
    if now - at < timedelta(seconds=1):
        return _("just now")
    return _("%(span)s ago") % {"span": span(now - at)}


def lasting(since: datetime, now: datetime) -> str:
    return _("for %(span)s") % {"span": span(now - since)}


def ahead(at: datetime, now: datetime) -> str:
    """Time until `at`; a slot that has passed says how late it is."""
    if at > now:
        return _("in %(span)s") % {"span": span(at - now + timedelta(milliseconds=500))}
    if now - at < timedelta(seconds=5):
        return _("now")
    return _("%(span)s late") % {"span": span(now - at)}


def exact(at: datetime) -> str:
    """Date and time to the second, with its zone."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S %Z}"


def clock(at: datetime) -> str:
    """Time of day to the second."""
    return f"{timezone.localtime(at):%H:%M:%S}"


def iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def milliseconds(value: float | None) -> str:
    """``0.42 ms``, ``34 ms``, ``1.2 s``; a dash when nothing was measured."""
    if value is None:
        return "–"
    if value < 0.005:
        return _amount(0, 0, _("ms"))
    if value < 1_000:
        return _amount(value, 0 if value >= 10 else 1 if value >= 1 else 2, _("ms"))
    return _amount(value / 1_000, 1 if value >= 10_000 else 2, _("s"))


def _amount(value: float, places: int, unit: str) -> str:
    return f"{number_format(round(value, places), places)}{NBSP}{unit}"


def percent(share: float | None) -> str:
    """
    A share of 1 as percent. 100 % is said only of a share without any failure: what lies between
    the last digit and it is cut, never rounded up.
    """
    if share is None:
        return "–"
    if share >= 1:
        return f"100{NBSP}%"
    places = 3 if share >= 0.999 else 2
    cut = int(share * 100 * 10**places + 1e-6) / 10**places
    return f"{number_format(cut, places)}{NBSP}%"


STRIP_LETTERS: tuple[tuple[str, str], ...] = (
    ("d", "down"),
    ("g", "degraded"),
    ("n", "unknown"),
    ("b", "blocked"),
    ("s", "skipped"),
    ("-", "gap"),
    ("u", "up"),
)


def strip_text(strip: str) -> str:
    """What a strip shows, for those who do not see it: ``last 40: 38 up, 1 down, 1 not measured``."""
    if not strip:
        return _("no slots yet")
    names = {
        "d": lambda n: ngettext("%(n)d down", "%(n)d down", n),
        "g": lambda n: ngettext("%(n)d degraded", "%(n)d degraded", n),
        "n": lambda n: ngettext("%(n)d unknown", "%(n)d unknown", n),
        "b": lambda n: ngettext("%(n)d blocked", "%(n)d blocked", n),
        "s": lambda n: ngettext("%(n)d skipped", "%(n)d skipped", n),
        "-": lambda n: ngettext("%(n)d not measured", "%(n)d not measured", n),
        "u": lambda n: ngettext("%(n)d up", "%(n)d up", n),
    }
    parts = [
        names[letter](count) % {"n": count}
        for letter, _name in STRIP_LETTERS
        if (count := strip.count(letter))
    ]
    return _("last %(n)d: %(parts)s") % {"n": len(strip), "parts": ", ".join(parts)}


PHASE: dict[str, Promise] = {
    "dns": gettext_lazy("name lookup"),
    "connect": gettext_lazy("connect"),
    "tls": gettext_lazy("TLS"),
    "first_byte": gettext_lazy("first byte"),
    "transfer": gettext_lazy("transfer"),
}


def phase_word(phase: str) -> str:
    return str(PHASE.get(phase, phase))

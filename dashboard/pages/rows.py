"""A check's row: strings ready to print, so that a template of a thousand rows has nothing to work out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from checks.queries.overview import CheckRow
from dashboard.pages import words

STRIP_SLOTS = 40
STRIP_STEP = 6
"""Width of a slot in a strip, in pixels, the space after it included."""

STRIP_BARS = {
    # letter: (class, y, height) in a strip 24 high: what is wrong stands taller.
    "u": ("up", 7, 10),
    "g": ("degraded", 3, 18),
    "d": ("down", 0, 24),
    "b": ("blocked", 9, 6),
    "s": ("skipped", 9, 6),
    "n": ("unknown", 9, 6),
    "-": ("gap", 11, 2),
}


@dataclass(frozen=True, slots=True)
class Run:
    """
    Neighbouring slots of one kind, as one bar; a mask cuts it into slots.

    Numbers stand as text, since a template would localise each of them at ten times the cost.
    """

    css: str
    x: str
    y: str
    width: str
    height: str


def run(css: str, x: int, y: int, width: int, height: int) -> Run:
    return Run(css, str(x), str(y), str(width), str(height))


@dataclass(frozen=True, slots=True)
class Strip:
    runs: tuple[Run, ...]
    text: str
    width: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as `<time datetime title>text</time>`; an empty `text` prints nothing."""

    iso: str
    exact: str
    text: str


NO_MOMENT = Moment("", "", "")


@dataclass(frozen=True, slots=True)
class RowView:
    slug: str
    url: str
    name: str
    group: str
    group_url: str
    tags: tuple[tuple[str, str], ...]
    icon: str
    kind: str
    target: str
    status: str
    status_word: str
    flags: tuple[str, ...]
    since: Moment
    next_run: Moment
    latency: str
    output: str
    strip: Strip
    position: str


def row_view(row: CheckRow, *, now: datetime, position: int, beat_silent: bool = False) -> RowView:
    # When nothing is being run at all, the page says so once; a flag on every row would only add noise.
    facts = row.facts
    overview = reverse("overview")
    return RowView(
        slug=facts.slug,
        url=reverse("check", args=(facts.slug,)),
        name=facts.name,
        group=facts.group,
        group_url=f"{overview}?{urlencode({'group': facts.group})}",
        tags=tuple((tag, f"{overview}?{urlencode({'tag': tag})}") for tag in facts.tags),
        icon=facts.icon,
        kind=str(facts.kind_label),
        target=facts.target,
        status=row.status,
        status_word=words.status_word(row.status),
        flags=flags_of(paused=row.paused, stale=row.stale and not beat_silent),
        since=moment(row.since, words.lasting(row.since, now)) if row.last_run_at else NO_MOMENT,
        next_run=next_run(row, now),
        latency=words.milliseconds(row.latency_ms),
        output=row.output if row.status != "up" else "",
        strip=strip_view(row.strip[-STRIP_SLOTS:]),
        position=str(position),
    )


def flags_of(*, paused: bool, stale: bool) -> tuple[str, ...]:
    """What stands beside a status without hiding it."""
    return (*((_("paused"),) if paused else ()), *((_("out of date"),) if stale else ()))


def next_run(row: CheckRow, now: datetime) -> Moment:
    if row.next_run_at is None:
        return NO_MOMENT
    return moment(row.next_run_at, words.ahead(row.next_run_at, now))


def moment(at: datetime, text: str) -> Moment:
    return Moment(words.iso(at), words.exact(at), text)


def strip_view(strip: str) -> Strip:
    """Bars set to the right, so that the newest slots of all rows stand under each other."""
    runs = []
    x = 0
    for letter, slots in groupby(strip):
        css, y, height = STRIP_BARS[letter]
        width = len(list(slots)) * STRIP_STEP
        runs.append(run(css, x, y, width, height))
        x += width
    return Strip(tuple(runs), words.strip_text(strip), str(x))

"""A public status page: nothing in it that its readers may not know (no targets, no outputs, no settings)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Sum

from checks.errors import NotFound
from checks.models import CheckState, Result, Rollup, StatusPage
from checks.queries.history import layers
from checks.queries.log import head
from checks.queries.page_members import page_members
from checks.rules.outcome import Verdict
from checks.rules.status import Status, worst

DAYS = 90


@dataclass(frozen=True, slots=True)
class Day:
    """
    Attributes:
        measured: Results that speak about the target; with 0 the day is a gap.
        degraded, down: Those of them that were not up.
    """

    date: date
    measured: int
    degraded: int
    down: int


@dataclass(frozen=True, slots=True)
class Service:
    """
    A check under its public name.

    Attributes:
        days: The newest 90 days in UTC, oldest first, today last and unfinished.
        share: Of the measurements of these days, from 0 to 1; None when nothing was measured.
    """

    slug: str
    name: str
    status: str
    paused: bool
    since: datetime
    days: tuple[Day, ...]
    share: float | None


@dataclass(frozen=True, slots=True)
class PublicSection:
    title: str
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class PublicPage:
    """
    Attributes:
        position: The log's position when reading began.
    """

    position: int
    slug: str
    title: str
    description: str
    status: str
    sections: tuple[PublicSection, ...]
    generated_at: datetime


def public_page(slug: str, *, now: datetime) -> PublicPage:
    """
    Raises:
        NotFound: There is no such page.
    """
    position = head()
    page = StatusPage.objects.filter(slug=slug).first()
    if page is None:
        raise NotFound(f"There is no status page {slug!r}.")
    members = page_members(page.sections)
    services = _services({check for section in members for check in section}, now)
    sections = tuple(
        PublicSection(
            title=section.get("title", ""),
            services=tuple(services[check] for check in checks if check in services),
        )
        for section, checks in zip(page.sections, members, strict=True)
    )
    return PublicPage(
        position=position,
        slug=page.slug,
        title=page.title,
        description=page.description,
        status=worst(Status(service.status) for service in services.values()),
        sections=tuple(section for section in sections if section.services),
        generated_at=now,
    )


def page_titles() -> tuple[tuple[str, str], ...]:
    """Every page's slug and title."""
    return tuple(StatusPage.objects.order_by("title").values_list("slug", "title"))


def _services(slugs: set[str], now: datetime) -> dict[str, Service]:
    states = list(
        CheckState.objects.filter(check_ref__slug__in=slugs).values_list(
            "check_ref_id", "check_ref__slug", "check_ref__name", "status", "paused", "since"
        )
    )
    dates = [now.date() - timedelta(days=back) for back in reversed(range(DAYS))]
    counts = _counts([state[0] for state in states], dates[0], now)
    services = {}
    for check_id, slug, name, status, paused, since in states:
        past = counts.get(check_id, {})
        days = tuple(Day(day, *past.get(day, (0, 0, 0))) for day in dates)
        measured = sum(day.measured for day in days)
        down = sum(day.down for day in days)
        share = (measured - down) / measured if measured else None
        services[slug] = Service(slug, name, status, paused, since, days, share)
    return services


Counts = dict[int, dict[date, tuple[int, int, int]]]
"""By check and day: measured, degraded, down."""


def _counts(check_ids: Sequence[int], first: date, now: datetime) -> Counts:
    counts: Counts = {check_id: {} for check_id in check_ids}
    since = now.replace(
        year=first.year, month=first.month, day=first.day, hour=0, minute=0, second=0, microsecond=0
    )
    to_read, raw_since = layers(Rollup.DAY, since, now)
    for layer in to_read:
        rollups = Rollup.objects.filter(
            check_id__in=check_ids, span_minutes=layer.span, start__gte=layer.since, start__lt=layer.until
        )
        if layer.span == Rollup.DAY:
            for check_id, start, up, degraded, down in rollups.values_list(
                "check_id", "start", "up", "degraded", "down"
            ):
                counts[check_id][start.date()] = (up + degraded + down, degraded, down)
            continue
        summed = rollups.values("check_id", "start__date").annotate(Sum("up"), Sum("degraded"), Sum("down"))
        for row in summed.values_list("check_id", "start__date", "up__sum", "degraded__sum", "down__sum"):
            _add(counts, *row)
    # The last minutes are not summed yet; on the first day they are all there is.
    raw = Result.objects.filter(check_id__in=check_ids, slot__gte=raw_since, slot__lte=now)
    for check_id, day, verdict, count in raw.values_list("check_id", "slot__date", "verdict").annotate(
        Count("slot")
    ):
        if Verdict(verdict).blames_target:
            of = [count if verdict == each else 0 for each in (Verdict.UP, Verdict.DEGRADED, Verdict.DOWN)]
            _add(counts, check_id, day, *of)
    return counts


def _add(counts: Counts, check_id: int, day: date, up: int, degraded: int, down: int) -> None:
    before = counts[check_id].get(day, (0, 0, 0))
    counts[check_id][day] = (before[0] + up + degraded + down, before[1] + degraded, before[2] + down)

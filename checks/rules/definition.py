"""
A check's definition: the keys of ``checks.yaml``, read once and the same for every door.

Files, code, the admin and the API all hand a mapping of public keys to `parse()`. The keys that
every check has are read and judged here; whatever is left over are the settings of its kind, which
only the kind can judge (see runner.prepared).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from checks.errors import InvalidInput, Problem
from checks.rules.reading import Reader, shown, unstorable

INTERVAL_SECONDS = (1, 604_800)
TIMEOUT_SECONDS = (0.1, 120)
DEFAULT_INTERVAL = timedelta(seconds=60)
DEFAULT_TIMEOUT = timedelta(seconds=10)
DEFAULT_LOCATION = "default"
DEFAULT_TIMEZONE = "UTC"
DEFAULT_KIND = "http"
MAX_RETRIES = 3
MAX_THRESHOLD = 100
MAX_DEGRADED_LATENCY_MS = 120_000

MAX_NAME = 200
MAX_DESCRIPTION = 4_000
MAX_URL = 2_048
MAX_TAGS = 50
MAX_TAG = 50
MAX_DEPENDENCIES = 50
MAX_CONDITIONS = 50
MAX_CONDITION = 1_000
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?")
LOCATION = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?")

COMMON_KEYS = (
    "name",
    "kind",
    "group",
    "tags",
    "owner",
    "description",
    "runbook_url",
    "depends_on",
    "location",
    "interval",
    "cron",
    "timezone",
    "timeout",
    "retries",
    "failure_threshold",
    "success_threshold",
    "degraded_latency_ms",
    "conditions",
    "degraded_conditions",
)
"""The keys that every check has, in the order in which an export writes them."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """
    What to watch, how often, and when to call it down.

    Attributes:
        slug: The check's name in URLs, files and streams; never changes.
        settings: The kind's own settings as they were written, ``${NAME}`` unexpanded.
        interval: Time between two slots; None when `cron` says when.
        cron: Five fields, read on the wall clock of `timezone`.
        timeout: How long one attempt may take.
        retries: Confirmation retries inside a slot.
        failure_threshold: Failures in a row before the check is down.
        success_threshold: Successes in a row before it is up again.
        degraded_latency_ms: An answer slower than this is degraded; None for never.
        conditions: What must hold, or the outcome is down.
        degraded_conditions: What must hold, or the outcome is degraded.
    """

    slug: str
    name: str
    kind: str
    settings: Mapping[str, Any]
    group: str = ""
    tags: tuple[str, ...] = ()
    owner: str = ""
    description: str = ""
    runbook_url: str = ""
    depends_on: tuple[str, ...] = ()
    location: str = DEFAULT_LOCATION
    interval: timedelta | None = DEFAULT_INTERVAL
    cron: str | None = None
    timezone: str = DEFAULT_TIMEZONE
    timeout: timedelta = DEFAULT_TIMEOUT
    retries: int = 0
    failure_threshold: int = 3
    success_threshold: int = 2
    degraded_latency_ms: int | None = None
    conditions: tuple[str, ...] = ()
    degraded_conditions: tuple[str, ...] = ()

    def public(self) -> dict[str, Any]:
        """The keys that differ from their defaults: the shortest mapping that `parse()` reads the same."""
        timeout_by_default = default_timeout(self.interval, self.retries)
        written: dict[str, Any] = {
            "name": self.name if self.name != self.slug else None,
            "kind": None if self.kind == DEFAULT_KIND and "url" in self.settings else self.kind,
            "group": self.group,
            "tags": list(self.tags),
            "owner": self.owner,
            "description": self.description,
            "runbook_url": self.runbook_url,
            "depends_on": list(self.depends_on),
            "location": _unless(DEFAULT_LOCATION, self.location),
            "interval": _seconds(self.interval) if self.interval not in (None, DEFAULT_INTERVAL) else None,
            "cron": self.cron,
            "timezone": _unless(DEFAULT_TIMEZONE, self.timezone),
            "timeout": _seconds(self.timeout) if self.timeout != timeout_by_default else None,
            "retries": self.retries or None,
            "failure_threshold": _unless(3, self.failure_threshold),
            "success_threshold": _unless(2, self.success_threshold),
            "degraded_latency_ms": self.degraded_latency_ms,
            "conditions": list(self.conditions),
            "degraded_conditions": list(self.degraded_conditions),
        }
        public = {key: value for key, value in written.items() if value not in (None, "", [])}
        return public | dict(self.settings)


def default_timeout(interval: timedelta | None, retries: int) -> timedelta:
    """10 s, or less where all attempts of one slot would not fit into the interval."""
    if interval is None:
        return DEFAULT_TIMEOUT
    share = interval / (retries + 1)
    return min(DEFAULT_TIMEOUT, share - share % timedelta(milliseconds=1))


def check_slug(slug: object) -> str:
    """Raises `InvalidInput` unless `slug` is one."""
    if isinstance(slug, str) and SLUG.fullmatch(slug):
        return slug
    raise InvalidInput(
        Problem(
            "",
            f"{shown(slug)} cannot be a slug: use lower-case letters, digits and hyphens, at most 100, "
            "beginning and ending with a letter or digit",
        )
    )


def parse(slug: str, raw: Mapping[str, Any]) -> Definition:
    """
    Read a definition from its public keys.

    Raises:
        InvalidInput: Every problem found, each with the key as its place.
    """
    check_slug(slug)
    read = Reader(raw)
    interval, cron = _schedule(read)
    retries = read.whole("retries", 0, 0, MAX_RETRIES)
    timeout = read.seconds("timeout", default_timeout(interval, retries), *TIMEOUT_SECONDS)
    _fits(read, timeout, retries, interval)
    settings = settings_in(raw)
    read.problems.extend(unstorable(settings))
    definition = Definition(
        slug=slug,
        name=read.text("name", slug, MAX_NAME, required=True),
        kind=_kind(read, settings),
        settings=settings,
        group=read.text("group", "", MAX_NAME),
        tags=read.texts("tags", MAX_TAGS, MAX_TAG),
        owner=read.text("owner", "", MAX_NAME),
        description=read.text("description", "", MAX_DESCRIPTION, lines=True),
        runbook_url=_link(read, "runbook_url"),
        depends_on=_dependencies(read, slug),
        location=_location(read),
        interval=interval,
        cron=cron,
        timezone=read.text("timezone", DEFAULT_TIMEZONE, MAX_NAME, required=True),
        timeout=timeout,
        retries=retries,
        failure_threshold=read.whole("failure_threshold", 3, 1, MAX_THRESHOLD),
        success_threshold=read.whole("success_threshold", 2, 1, MAX_THRESHOLD),
        degraded_latency_ms=_degraded_latency(read),
        conditions=read.texts("conditions", MAX_CONDITIONS, MAX_CONDITION),
        degraded_conditions=read.texts("degraded_conditions", MAX_CONDITIONS, MAX_CONDITION),
    )
    if read.problems:
        raise InvalidInput(read.problems)
    return definition


def settings_in(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What is left for the kind once the common keys are taken."""
    return {key: value for key, value in raw.items() if key not in COMMON_KEYS}


def _schedule(read: Reader) -> tuple[timedelta | None, str | None]:
    if "interval" in read.raw and "cron" in read.raw:
        read.refuse("interval", "interval and cron are both given: choose one")
        return DEFAULT_INTERVAL, None
    if "cron" in read.raw:
        return None, read.text("cron", "", MAX_NAME, required=True)
    if read.raw.get("timezone", DEFAULT_TIMEZONE) != DEFAULT_TIMEZONE:
        read.refuse("timezone", "belongs to cron; an interval needs no time zone")
    interval = read.seconds("interval", DEFAULT_INTERVAL, *INTERVAL_SECONDS)
    if interval % timedelta(seconds=1):
        read.refuse("interval", f"whole seconds expected, got {_seconds(interval)}")
        return DEFAULT_INTERVAL, None
    return interval, None


def _fits(read: Reader, timeout: timedelta, retries: int, interval: timedelta | None) -> None:
    if interval is None:
        return
    if timeout > interval:
        read.refuse(
            "timeout",
            f"{_seconds(timeout)} s is longer than the interval of {_seconds(interval)} s: "
            "make it shorter, or the interval longer",
        )
    elif timeout * (retries + 1) > interval:
        read.refuse(
            "retries",
            f"{retries + 1} attempts of {_seconds(timeout)} s do not fit into the interval of "
            f"{_seconds(interval)} s: lower retries or timeout",
        )


def _kind(read: Reader, settings: Mapping[str, Any]) -> str:
    if "kind" not in read.raw and "url" not in settings:
        read.refuse("kind", "is required (only a check with a url is http without saying so)")
    return read.text("kind", DEFAULT_KIND, 40, required=True)


def _link(read: Reader, key: str) -> str:
    value = read.text(key, "", MAX_URL)
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in value
    except ValueError:
        sound = False
    if not sound or "@" in parts.netloc:
        read.refuse(key, "a web address without a password expected, such as https://wiki.example.org/api")
    return value


def _dependencies(read: Reader, slug: str) -> tuple[str, ...]:
    found = read.texts("depends_on", MAX_DEPENDENCIES, 100)
    if slug in found:
        read.refuse("depends_on", f"{slug!r} cannot depend on itself")
    return found


def _location(read: Reader) -> str:
    value = read.text("location", DEFAULT_LOCATION, MAX_NAME, required=True)
    if value and not LOCATION.fullmatch(value):
        read.refuse("location", f"{shown(value)} is no location: use lower-case letters, digits and hyphens")
    return value


def _degraded_latency(read: Reader) -> int | None:
    if read.raw.get("degraded_latency_ms") is None:
        return None
    return read.whole("degraded_latency_ms", 1, 1, MAX_DEGRADED_LATENCY_MS)


def _seconds(value: timedelta | None) -> int | float | None:
    if value is None:
        return None
    seconds = value.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def _unless(default: T, value: T) -> T | None:
    return None if value == default else value

"""Start-up checks: settings that are sound each by itself and do not go together."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from checks.egress import parse_policy
from checks.errors import InvalidInput
from checks.rules.definition import LOCATION


@register
def locations_are_names(**_: Any) -> list[CheckMessage]:
    bad = [name for name in settings.LOCATIONS if not LOCATION.fullmatch(name)]
    if not bad and len(set(settings.LOCATIONS)) == len(settings.LOCATIONS):
        return []
    return [
        Error(
            f"LOCATIONS={','.join(settings.LOCATIONS)!r} holds what is no location's name, or one twice.",
            hint="Name each location once, in lower-case letters, digits, dots and hyphens: default,eu-west.",
            id="breakwater.E001",
        )
    ]


@register
def egress_can_be_read(**_: Any) -> list[CheckMessage]:
    try:
        parse_policy(settings.EGRESS, settings.EGRESS_ALLOW)
    except InvalidInput as error:
        return [
            Error(
                f"EGRESS_ALLOW cannot be read: {error}",
                hint="List networks, addresses or host names with ports: 10.0.0.0/8, 127.0.0.1:8001.",
                id="breakwater.E002",
            )
        ]
    return []


@register
def retention_grows_with_the_step(**_: Any) -> list[CheckMessage]:
    names = ("MINUTE_RETENTION", "HOUR_RETENTION", "DAY_RETENTION")
    kept = [getattr(settings, name) for name in names]
    if kept == sorted(kept):
        return []
    return [
        Error(
            "A longer step is kept for a shorter time: "
            + ", ".join(f"{name}_DAYS={time.days}" for name, time in zip(names, kept, strict=True)),
            hint="Let each be at least as long as the one before: days are made of hours, hours of minutes.",
            id="breakwater.E003",
        )
    ]


@register
def open_to_the_network(**_: Any) -> list[CheckMessage]:
    if _is_loopback(settings.HOST):
        return []
    found: list[CheckMessage] = []
    if settings.DEBUG:
        found.append(
            Error(
                f"DEBUG is on while HOST={settings.HOST} can be reached from other machines.",
                hint="Turn DEBUG off: its error pages show settings and data to everybody.",
                id="breakwater.E004",
            )
        )
    if settings.PUBLIC_DASHBOARD:
        found.append(
            Warning(
                f"PUBLIC_DASHBOARD is on and HOST={settings.HOST}: whoever reaches it may read all checks.",
                hint="Turn PUBLIC_DASHBOARD off to ask readers to sign in; public status pages stay public.",
                id="breakwater.W001",
            )
        )
    return found


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

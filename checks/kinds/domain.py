"""A domain's registration, asked of its registry by RDAP (RFC 9082, RFC 9083)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import Field

from checks.egress import HttpRequest, HttpResponse
from checks.errors import ProbeUnable
from checks.kinds.base import Kind, Probing, kind
from checks.kinds.expiry import check_order, verdict_by_days
from checks.kinds.fields import USER_AGENT, Host, HttpUrl
from checks.kinds.timing import total
from checks.rules.outcome import Facts, Outcome
from checks.rules.targets import dialled_host, parse_url, shown_host

DEGRADED_DAYS = 30
DOWN_DAYS = 7
NOT_FOUND = 404
TOO_MANY = 429


@kind("domain")
@dataclass(frozen=True, kw_only=True)
class Domain(Kind):
    label = gettext_lazy("Domain registration")
    summary = gettext_lazy("Up while the domain is registered and far enough from its end.")
    icon: ClassVar[str] = "globe"
    placeholders: ClassVar[frozenset[str]] = frozenset(
        {"STATUS", "BODY", "CONNECTED", "RESPONSE_TIME", "IP", "DOMAIN_EXPIRATION"}
    )

    domain: Annotated[
        Host, Field(title=_("Domain"), description=_("The registered name, such as example.org."))
    ]
    server: Annotated[
        HttpUrl,
        Field(
            title=_("Server"),
            description=_("The RDAP service that is asked; the default leads on to each registry's own."),
        ),
    ] = "https://rdap.org"
    degraded_days: Annotated[
        int,
        Field(
            ge=0,
            le=3650,
            title=_("Degraded days"),
            description=_("Degraded with fewer days than this until the registration ends."),
        ),
    ] = DEGRADED_DAYS
    down_days: Annotated[
        int,
        Field(
            ge=0,
            le=3650,
            title=_("Down days"),
            description=_("Down with fewer days than this until the registration ends."),
        ),
    ] = DOWN_DAYS

    def __post_init__(self) -> None:
        check_order(self.degraded_days, self.down_days)

    async def probe(self, probing: Probing) -> Outcome:
        name = dialled_host(self.domain).rstrip(".")
        headers = {"Accept": "application/rdap+json", "User-Agent": USER_AGENT}
        request = HttpRequest(url=f"{parse_url(self.server).wire.rstrip('/')}/domain/{name}", headers=headers)
        response = await probing.egress.http(request)
        if response.status == NOT_FOUND:
            return Outcome.down(f"{name} is not registered", facts=_facts(response, None))
        if response.status != 200:
            # A service that is busy or broken tells nothing about the domain.
            why = (
                "asks us to come back later" if response.status == TOO_MANY else f"answered {response.status}"
            )
            raise ProbeUnable(f"the RDAP service {parse_url(response.url).host} {why}")
        expires_at = _expiry(response.text())
        if expires_at is None:
            raise ProbeUnable(f"the registry of {name} does not tell when its registration ends")
        return self._judged(response, expires_at, probing.now)

    def _judged(self, response: HttpResponse, expires_at: datetime, now: datetime) -> Outcome:
        left = expires_at - now
        verdict, by_default = verdict_by_days(
            left,
            degraded_days=self.degraded_days,
            down_days=self.down_days,
            usual=(DEGRADED_DAYS, DOWN_DAYS),
        )
        return Outcome(
            verdict=verdict,
            output=f"registered until {expires_at:%Y-%m-%d}, {left.days} days from now",
            facts=_facts(response, left),
            phases_ms=response.phases_ms,
            replaceable_by="DOMAIN_EXPIRATION" if by_default else "",
        )

    def target(self) -> str:
        return shown_host(self.domain)

    def peer(self) -> str:
        return parse_url(self.server).host


def _facts(response: HttpResponse, left: timedelta | None) -> Facts:
    return Facts(
        status=response.status,
        response_time=total(response.phases_ms),
        body=response.text().replace("\0", ""),
        connected=True,
        ip=response.ip,
        domain_expiration=left,
    )


def _expiry(text: str) -> datetime | None:
    """The instant of the ``expiration`` event; None where the answer has none that can be read."""
    try:
        answer: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    events = answer.get("events") if isinstance(answer, dict) else None
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict) and event.get("eventAction") == "expiration":
            try:
                instant = datetime.fromisoformat(str(event.get("eventDate")))
            except ValueError:
                continue
            return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    return None

"""Echo requests, as ping sends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import Field

from checks.kinds.base import Kind, Probing, kind
from checks.kinds.fields import Host
from checks.kinds.timing import total
from checks.rules.outcome import Facts, Outcome
from checks.rules.targets import dialled_host, shown_host


@kind("icmp")
@dataclass(frozen=True, kw_only=True)
class Icmp(Kind):
    label = gettext_lazy("Ping")
    summary = gettext_lazy("Up when the host answers ICMP echo requests.")
    icon: ClassVar[str] = "radar"

    host: Annotated[Host, Field(title=_("Host"), description=_("Host name or IP address."))]
    count: Annotated[
        int,
        Field(ge=1, le=10, title=_("Count"), description=_("How many echo requests are sent, from 1 to 10.")),
    ] = 1
    max_loss_percent: Annotated[
        int,
        Field(
            ge=0,
            le=99,
            title=_("Loss that is borne, in percent"),
            description=_("More unanswered requests than this are down, from 0 to 99."),
        ),
    ] = 50

    async def probe(self, probing: Probing) -> Outcome:
        reply = await probing.egress.ping(self.host, count=self.count)
        facts = Facts(connected=True, ip=reply.ip, response_time=total(reply.phases_ms))
        sentence = f"{reply.ip} answered {reply.received} of {reply.sent} requests"
        loss_percent = 100 * (reply.sent - reply.received) / reply.sent
        if loss_percent > self.max_loss_percent:
            return Outcome.down(sentence, facts=facts, phases_ms=reply.phases_ms)
        return Outcome.up(sentence, facts=facts, phases_ms=reply.phases_ms)

    def target(self) -> str:
        return shown_host(self.host)

    def peer(self) -> str:
        return dialled_host(self.host)

"""Memory in use, by this process or by the whole machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import psutil
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import Field

from checks.kinds.base import Kind, Probing, kind
from checks.kinds.fields import Amount, OptionalAmount
from checks.rules.limit import judge_usage
from checks.rules.outcome import Outcome


@kind("memory")
@dataclass(frozen=True, kw_only=True)
class Memory(Kind):
    label = gettext_lazy("Memory")
    summary = gettext_lazy("Up while memory in use stays below its limit.")
    icon: ClassVar[str] = "chip"
    placeholders: ClassVar[frozenset[str]] = frozenset({"RESPONSE_TIME"})

    of: Annotated[
        Literal["process", "machine"],
        Field(title=_("Whose"), description=_("The worker process that probes, or the machine it runs on.")),
    ] = "machine"
    limit: Annotated[
        Amount,
        Field(title=_("Limit"), description=_('Down from this much in use: "90%", "512MiB", or bytes.')),
    ] = "95%"
    degraded_limit: Annotated[
        OptionalAmount,
        Field(title=_("Degraded limit"), description=_("Degraded from this much in use; may be left out.")),
    ] = ""

    async def probe(self, probing: Probing) -> Outcome:
        return memory_usage(self.of, self.limit, self.degraded_limit)

    def target(self) -> str:
        return self.of


def memory_usage(of: str, limit: int | str, degraded_limit: int | str = "") -> Outcome:
    machine = psutil.virtual_memory()
    if of == "process":
        own = psutil.Process().memory_info().rss
        return judge_usage("this process", own, machine.total, limit, degraded_limit)
    # What can be had without swapping is not in use, whatever caches hold it now.
    used = machine.total - machine.available
    return judge_usage("the machine", used, machine.total, limit, degraded_limit)

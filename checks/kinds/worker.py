"""Breakwater's own workers: each location's last sign of life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import Field

from checks.kinds.base import Kind, Probing, kind
from checks.kinds.fields import Line
from checks.rules.outcome import Outcome


@kind("worker")
@dataclass(frozen=True, kw_only=True)
class Worker(Kind):
    label = gettext_lazy("Own workers")
    summary = gettext_lazy("Up while a worker of each location shows signs of life.")
    icon: ClassVar[str] = "pulse"
    placeholders: ClassVar[frozenset[str]] = frozenset({"RESPONSE_TIME"})

    locations: Annotated[
        tuple[Line, ...],
        Field(
            max_length=100,
            title=_("Locations"),
            description=_("Whose workers must be alive; every location that ever had one when empty."),
        ),
    ] = ()
    max_silence_seconds: Annotated[
        int,
        Field(
            ge=2,
            le=86_400,
            title=_("Longest silence, in seconds"),
            description=_("Down when a location was silent for longer, from 2 to 86400."),
        ),
    ] = 30

    async def probe(self, probing: Probing) -> Outcome:
        signs = await probing.worker_signs()
        wanted = sorted(self.locations or signs)
        if not wanted:
            return Outcome.down("no worker has been seen yet")
        longest = timedelta(seconds=self.max_silence_seconds)
        silent = []
        for location in wanted:
            if (seen_at := signs.get(location)) is None:
                silent.append(f"{location} was never seen")
            elif probing.now - seen_at > longest:
                silent.append(f"{location} was silent for {(probing.now - seen_at).total_seconds():.0f} s")
        if silent:
            return Outcome.down("; ".join(silent))
        return Outcome.up(f"workers are alive in {', '.join(wanted)}")

    def target(self) -> str:
        return ", ".join(self.locations)

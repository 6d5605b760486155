"""What one probe saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

NOTHING: Mapping[str, float] = MappingProxyType({})


class Verdict(StrEnum):
    """
    A probe's answer in one word.

    The first three speak about the target; the others lay no blame on it and count neither as
    its uptime nor as its downtime.
    """

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"

    @property
    def blames_target(self) -> bool:
        return self in (Verdict.UP, Verdict.DEGRADED, Verdict.DOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    What a condition can ask about. None (or empty) means: this probe did not learn it.

    Attributes:
        status: The HTTP status code, or the code of a protocol that has one.
        response_time: From the first byte sent until the answer was complete.
        body: The answer's body as text, cut at the response limit.
        connected: Whether a connection (or an exchange of datagrams) came about.
        ip: The address that was dialled.
        dns_rcode: The DNS response code's name: ``NOERROR``, ``NXDOMAIN`` …
        certificate_expiration: Time until the served certificate expires; negative when expired.
        domain_expiration: Time until the domain's registration expires.
    """

    status: int | None = None
    response_time: timedelta | None = None
    body: str | None = None
    connected: bool = False
    ip: str = ""
    dns_rcode: str = ""
    certificate_expiration: timedelta | None = None
    domain_expiration: timedelta | None = None


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionResult:
    """One condition after evaluation: `explained` shows the seen value, ``[STATUS] (503) == 200``."""

    condition: str
    explained: str
    met: bool
    degrades_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    What a probe saw.

    Attributes:
        verdict: The answer in one word.
        output: One sentence for people; never a secret.
        facts: What conditions may ask about.
        phases_ms: Milliseconds per phase, in order: ``dns connect tls first_byte transfer`` for
            HTTP; kinds without phases leave it empty.
        replaceable_by: The placeholder (``STATUS``, ``CONNECTED`` …) whose condition, when the
            check has one, decides instead of this verdict: a kind's default expectation yields
            to an explicit one. Empty when the verdict is final.
        conditions: Filled by the runner once conditions have been evaluated.
    """

    verdict: Verdict
    output: str = ""
    facts: Facts = NO_FACTS
    phases_ms: Mapping[str, float] = field(default_factory=lambda: NOTHING)
    replaceable_by: str = ""
    conditions: tuple[ConditionResult, ...] = ()

    @classmethod
    def up(
        cls, output: str = "", *, facts: Facts = NO_FACTS, phases_ms: Mapping[str, float] = NOTHING
    ) -> Outcome:
        return cls(verdict=Verdict.UP, output=output, facts=facts, phases_ms=phases_ms)

    @classmethod
    def degraded(
        cls, output: str, *, facts: Facts = NO_FACTS, phases_ms: Mapping[str, float] = NOTHING
    ) -> Outcome:
        return cls(verdict=Verdict.DEGRADED, output=output, facts=facts, phases_ms=phases_ms)

    @classmethod
    def down(
        cls,
        output: str,
        *,
        facts: Facts = NO_FACTS,
        phases_ms: Mapping[str, float] = NOTHING,
        replaceable_by: str = "",
    ) -> Outcome:
        return cls(
            verdict=Verdict.DOWN,
            output=output,
            facts=facts,
            phases_ms=phases_ms,
            replaceable_by=replaceable_by,
        )

    @classmethod
    def blocked(cls, output: str) -> Outcome:
        return cls(verdict=Verdict.BLOCKED, output=output)

    @classmethod
    def unknown(cls, output: str) -> Outcome:
        return cls(verdict=Verdict.UNKNOWN, output=output)

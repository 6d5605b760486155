"""A DNS question and its answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Annotated, ClassVar, Literal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator, Field

from checks.egress import DnsAnswer
from checks.kinds.base import Kind, Probing, kind
from checks.kinds.fields import Line, OptionalHost, Port
from checks.kinds.timing import total
from checks.rules.outcome import Facts, Outcome
from checks.rules.targets import dialled_host, host_and_port, shown_host

SHOWN_ANSWERS = 5


def _question(name: str) -> str:
    if name != ".":
        dialled_host(name)
    return name


@kind("dns")
@dataclass(frozen=True, kw_only=True)
class Dns(Kind):
    label = gettext_lazy("DNS")
    summary = gettext_lazy("Up when the resolver gives the expected answer.")
    icon: ClassVar[str] = "signpost"
    placeholders: ClassVar[frozenset[str]] = frozenset(
        {"CONNECTED", "RESPONSE_TIME", "IP", "BODY", "DNS_RCODE"}
    )

    query: Annotated[
        Line,
        AfterValidator(_question),
        Field(title=_("Query"), description=_("The name that is asked for, such as example.org.")),
    ]
    record_type: Annotated[
        Literal[
            "A",
            "AAAA",
            "CAA",
            "CNAME",
            "HTTPS",
            "MX",
            "NAPTR",
            "NS",
            "PTR",
            "SOA",
            "SRV",
            "SVCB",
            "TLSA",
            "TXT",
        ],
        Field(title=_("Record type"), description=_("What is asked about the name.")),
    ] = "A"
    resolver: Annotated[
        OptionalHost,
        Field(title=_("Resolver"), description=_("The server that is asked; this machine's own when empty.")),
    ] = ""
    resolver_port: Annotated[Port, Field(title=_("Resolver port"), description=_("From 1 to 65535."))] = 53
    expected: Annotated[
        tuple[Line, ...],
        Field(
            max_length=50,
            title=_("Expected answers"),
            description=_('Each must be among the answers, such as "192.0.2.1" or "10 mail.example.org".'),
        ),
    ] = ()
    exactly: Annotated[
        bool, Field(title=_("Exactly"), description=_("Refuse answers that are not among the expected ones."))
    ] = False
    expected_rcode: Annotated[
        Literal["", "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"],
        Field(
            title=_("Expected response code"), description=_("NOERROR, with at least one answer, when empty.")
        ),
    ] = ""

    def __post_init__(self) -> None:
        if self.exactly and not self.expected:
            raise ValueError("exactly needs the expected answers beside it")
        if self.expected and self.expected_rcode not in ("", "NOERROR"):
            raise ValueError(
                f"expected_rcode {self.expected_rcode} comes without answers: leave out expected"
            )

    async def probe(self, probing: Probing) -> Outcome:
        unsorted = await probing.egress.dns(
            dialled_host(self.query) if self.query != "." else self.query,
            self.record_type,
            resolver=self.resolver or None,
            port=self.resolver_port,
        )
        # Resolvers shuffle what they answer; what is shown and compared should stay the same.
        answer = replace(unsorted, answers=tuple(sorted(unsorted.answers)))
        facts = Facts(
            connected=True,
            ip=answer.ip,
            response_time=total(answer.phases_ms),
            dns_rcode=answer.rcode,
            body="\n".join(answer.answers).replace("\0", ""),
        )
        if failure := self._failure(answer):
            # An explicit expectation is the check's own word; only our default yields to a condition.
            by_default = not self.expected_rcode and answer.rcode != "NOERROR"
            return Outcome.down(
                failure,
                facts=facts,
                phases_ms=answer.phases_ms,
                replaceable_by="DNS_RCODE" if by_default else "",
            )
        return Outcome.up(_said(answer), facts=facts, phases_ms=answer.phases_ms)

    def _failure(self, answer: DnsAnswer) -> str:
        wanted = self.expected_rcode or "NOERROR"
        if answer.rcode != wanted:
            return f"{answer.rcode}, expected {wanted}"
        given = {_plain(text) for text in answer.answers}
        if missing := [text for text in self.expected if _plain(text) not in given]:
            return f"{_said(answer)}, without {_listed(missing)}"
        expected = {_plain(text) for text in self.expected}
        if self.exactly and (strange := [text for text in answer.answers if _plain(text) not in expected]):
            return f"unexpected answer: {_listed(strange)}"
        if not self.expected_rcode and not answer.answers:
            return f"{wanted}, but no {self.record_type} record"
        return ""

    def target(self) -> str:
        asked = f"{shown_host(self.query) if self.query != '.' else '.'} {self.record_type}"
        return f"{asked} @{host_and_port(self.resolver, self.resolver_port)}" if self.resolver else asked

    def peer(self) -> str:
        return dialled_host(self.resolver) if self.resolver else ""


def _plain(text: str) -> str:
    """One form for what means the same: lower case, without the root dot of names and the quotes of texts."""
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return " ".join(part.strip('"').removesuffix(".").lower() for part in text.split())


def _said(answer: DnsAnswer) -> str:
    return f"{answer.rcode}: {_listed(answer.answers)}" if answer.answers else answer.rcode


def _listed(texts: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(text if len(text) <= 200 else f"{text[:200]}…" for text in texts[:SHOWN_ANSWERS])
    return shown if len(texts) <= SHOWN_ANSWERS else f"{shown} and {len(texts) - SHOWN_ANSWERS} more"

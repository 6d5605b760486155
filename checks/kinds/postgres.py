"""A PostgreSQL server: it lets us in, and optionally a query answers true."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import Field

from checks.errors import CheckError, ProbeUnable
from checks.kinds.base import Kind, Probing, kind
from checks.kinds.fields import Host, Line, Port, SecretLine, Text
from checks.kinds.secrets import hide
from checks.kinds.timing import timed, total
from checks.rules.outcome import Facts, Outcome
from checks.rules.targets import dialled_host, host_and_port


@kind("postgres")
@dataclass(frozen=True, kw_only=True)
class Postgres(Kind):
    label = gettext_lazy("PostgreSQL")
    summary = gettext_lazy("Up when the server lets us in and the query, if any, returns true.")
    icon: ClassVar[str] = "database"
    placeholders: ClassVar[frozenset[str]] = frozenset({"CONNECTED", "RESPONSE_TIME", "IP", "BODY"})

    host: Annotated[Host, Field(title=_("Host"), description=_("Host name or IP address."))]
    port: Annotated[Port, Field(title=_("Port"), description=_("From 1 to 65535."))] = 5432
    database: Annotated[
        Line, Field(min_length=1, title=_("Database"), description=_("The database to connect to."))
    ] = "postgres"
    user: Annotated[
        Line,
        Field(min_length=1, title=_("User"), description=_("Give it no more rights than the query needs.")),
    ] = "postgres"
    password: Annotated[
        SecretLine, Field(title=_("Password"), description=_("Empty when the server asks for none."))
    ] = ""
    tls: Annotated[
        Literal["disable", "prefer", "require", "verify-full"],
        Field(title=_("TLS"), description=_("As libpq's sslmode; verify-full also checks the certificate.")),
    ] = "prefer"
    query: Annotated[
        Text,
        Field(
            title=_("Query"),
            description=_("Run read-only; its first value must be true, as in SELECT count(*) < 9 FROM t."),
        ),
    ] = ""

    async def probe(self, probing: Probing) -> Outcome:
        try:
            # Only here: psycopg is an extra, and costs memory where no check needs it.
            from checks.kinds import postgres_session
        except ImportError as error:
            message = "psycopg is not installed; install Breakwater with its extra postgres"
            raise ProbeUnable(message) from error
        phases_ms: dict[str, float] = {}
        with timed(phases_ms, "dns"):
            address = await probing.egress.address_for(self.host, self.port)
        try:
            value = await postgres_session.first_value(
                self.query or "SELECT true", self._parameters(address, probing), phases_ms
            )
        except CheckError as error:
            raise CheckError(hide(str(error), [self.password])) from error
        facts = Facts(
            connected=True,
            ip=address,
            response_time=total(phases_ms),
            body="" if value is None else str(value).replace("\0", ""),
        )
        if self.query and value is not True:
            return Outcome.down(
                f"the query returned {_shown(value)}, not true", facts=facts, phases_ms=phases_ms
            )
        sentence = "the query returned true" if self.query else f"accepts queries to {self.database}"
        return Outcome.up(sentence, facts=facts, phases_ms=phases_ms)

    def _parameters(self, address: str, probing: Probing) -> dict[str, Any]:
        """libpq's, in full: nothing from this process's environment or home folder reaches the target."""
        return {
            "host": dialled_host(self.host),
            "hostaddr": address,
            "port": self.port,
            "dbname": self.database,
            "user": self.user,
            "password": self.password,
            "sslmode": self.tls,
            "sslrootcert": "system" if self.tls == "verify-full" else "",
            "sslcert": "",
            "sslkey": "",
            "sslcertmode": "disable",
            "gssencmode": "disable",
            # Nothing can be below a device, and libpq warns of any file that is no plain one.
            "passfile": f"{os.devnull}/none",
            "application_name": "breakwater",
            "options": "-c default_transaction_read_only=on",
            "target_session_attrs": "any",
            "connect_timeout": max(2, round(probing.timeout.total_seconds()) + 1),
        }

    def target(self) -> str:
        return f"{host_and_port(self.host, self.port)}/{self.database}"

    def peer(self) -> str:
        return dialled_host(self.host)


def _shown(value: object) -> str:
    text = repr(value)
    return "nothing" if value is None else text if len(text) <= 80 else f"{text[:80]}…"

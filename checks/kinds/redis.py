"""A Redis server, or one that speaks its protocol: it answers PING."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import Field

from checks.errors import CheckError
from checks.kinds.base import Kind, Probing, kind
from checks.kinds.certificates import context
from checks.kinds.fields import Host, Line, Port, SecretLine
from checks.kinds.secrets import hide
from checks.kinds.timing import timed, total
from checks.rules.outcome import Facts, Outcome
from checks.rules.targets import dialled_host, host_and_port

MAX_LINE_BYTES = 4096
SHOWN_CHARACTERS = 200


@kind("redis")
@dataclass(frozen=True, kw_only=True)
class Redis(Kind):
    label = gettext_lazy("Redis")
    summary = gettext_lazy("Up when the server answers PING.")
    icon: ClassVar[str] = "database"
    placeholders: ClassVar[frozenset[str]] = frozenset({"CONNECTED", "RESPONSE_TIME", "IP"})

    host: Annotated[Host, Field(title=_("Host"), description=_("Host name or IP address."))]
    port: Annotated[Port, Field(title=_("Port"), description=_("From 1 to 65535."))] = 6379
    username: Annotated[
        Line, Field(title=_("User name"), description=_("For servers with access lists; else empty."))
    ] = ""
    password: Annotated[
        SecretLine, Field(title=_("Password"), description=_("Empty when the server asks for none."))
    ] = ""
    database: Annotated[
        int, Field(ge=0, le=65_535, title=_("Database"), description=_("The database's number."))
    ] = 0
    tls: Annotated[bool, Field(title=_("TLS"), description=_("Connect by TLS."))] = False
    verify_tls: Annotated[
        bool,
        Field(title=_("Verify TLS"), description=_("Down when the certificate is not valid for this host.")),
    ] = True

    def __post_init__(self) -> None:
        if self.username and not self.password:
            raise ValueError("username needs password beside it")

    async def probe(self, probing: Probing) -> Outcome:
        tls = context(verify=self.verify_tls) if self.tls else None
        async with await probing.egress.connect(self.host, self.port, tls=tls) as connection:
            phases_ms = dict(connection.phases_ms)
            with timed(phases_ms, "first_byte"):
                failure = await self._talk(connection.reader, connection.writer)
            facts = Facts(connected=True, ip=connection.ip, response_time=total(phases_ms))
        if failure:
            return Outcome.down(failure, facts=facts, phases_ms=phases_ms)
        return Outcome.up("PONG", facts=facts, phases_ms=phases_ms)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """Why the server is not well; empty when it is."""
        commands: list[tuple[str, ...]] = []
        if self.password:
            commands.append(
                ("AUTH", self.username, self.password) if self.username else ("AUTH", self.password)
            )
        if self.database:
            commands.append(("SELECT", str(self.database)))
        commands.append(("PING",))
        writer.write(b"".join(_encoded(command) for command in commands))
        await writer.drain()
        for command in commands:
            answer = hide(await _line(reader), [self.password])
            expected = "+PONG" if command == ("PING",) else "+OK"
            if answer.startswith("-"):
                return f"{command[0]} was refused: {answer[1:]}"
            if answer != expected:
                return f"answered {answer!r} to {command[0]}; it does not speak Redis' protocol"
        return ""

    def target(self) -> str:
        return f"{host_and_port(self.host, self.port)}/{self.database}"

    def peer(self) -> str:
        return dialled_host(self.host)


def _encoded(command: tuple[str, ...]) -> bytes:
    parts = [part.encode() for part in command]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


async def _line(reader: asyncio.StreamReader) -> str:
    """One simple answer; every answer to what we ask is one line."""
    try:
        line = await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            raise CheckError("closed the connection without an answer") from None
        line = error.partial
    except asyncio.LimitOverrunError:
        raise CheckError("answered an endless line; it does not speak Redis' protocol") from None
    text = line[:MAX_LINE_BYTES].decode("utf-8", "replace").rstrip("\r\n").replace("\0", "")
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"

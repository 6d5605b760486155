"""A TCP connection, and optionally a short exchange on it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import Field

from checks.errors import CheckError
from checks.kinds.base import Kind, Probing, kind
from checks.kinds.fields import Host, Port, Text
from checks.kinds.timing import timed, total
from checks.rules.outcome import Facts, Outcome
from checks.rules.targets import dialled_host, host_and_port

MAX_ANSWER_BYTES = 65_536
SHOWN_CHARACTERS = 80


@kind("tcp")
@dataclass(frozen=True, kw_only=True)
class Tcp(Kind):
    label = gettext_lazy("TCP")
    summary = gettext_lazy("Up when a TCP connection opens and, if asked to, answers as expected.")
    icon: ClassVar[str] = "plug"
    placeholders: ClassVar[frozenset[str]] = frozenset({"CONNECTED", "RESPONSE_TIME", "IP", "BODY"})

    host: Annotated[Host, Field(title=_("Host"), description=_("Host name or IP address."))]
    port: Annotated[Port, Field(title=_("Port"), description=_("From 1 to 65535."))]
    send: Annotated[
        Text, Field(title=_("Send"), description=_("Text sent once connected, as it stands, in UTF-8."))
    ] = ""
    expect: Annotated[
        Text,
        Field(title=_("Expect"), description=_("Text that must occur in the first 64 KiB of the answer.")),
    ] = ""

    async def probe(self, probing: Probing) -> Outcome:
        async with await probing.egress.connect(self.host, self.port) as connection:
            phases_ms = dict(connection.phases_ms)
            answer = b""
            if self.send:
                connection.writer.write(self.send.encode())
                await connection.writer.drain()
            if self.expect:
                with timed(phases_ms, "first_byte"):
                    answer = await _read_until(self.expect.encode(), connection.reader)
            text = answer.decode("utf-8", "replace").replace("\0", "")
            facts = Facts(connected=True, ip=connection.ip, response_time=total(phases_ms), body=text)
        if self.expect.encode() in answer:
            said = f"connected to {self.target()}, which answered as expected" if self.expect else ""
            return Outcome.up(said or f"connected to {self.target()}", facts=facts, phases_ms=phases_ms)
        shown = text[:SHOWN_CHARACTERS] + ("…" if len(text) > SHOWN_CHARACTERS else "")
        return Outcome.down(f"answered {shown!r} without the expected text", facts=facts, phases_ms=phases_ms)

    def target(self) -> str:
        return host_and_port(self.host, self.port)

    def peer(self) -> str:
        return dialled_host(self.host)


async def _read_until(wanted: bytes, reader: asyncio.StreamReader) -> bytes:
    """What came until `wanted` did, at most `MAX_ANSWER_BYTES`, or all when the other side closed."""
    answer = bytearray()
    while wanted not in answer and len(answer) < MAX_ANSWER_BYTES:
        if not (part := await reader.read(MAX_ANSWER_BYTES - len(answer))):
            if not answer:
                raise CheckError("closed the connection without an answer")
            break
        answer += part
    return bytes(answer)

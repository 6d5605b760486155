"""What goes in at the door and what comes out of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

MEBIBYTE = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """
    One HTTP exchange, redirects included. Secrets stay out of its repr.

    Attributes:
        url: Absolute, ``http`` or ``https``, without credentials in it.
        headers: Sent as given. When a redirect leaves the origin they stay behind, but for
            ``Accept``, ``Accept-Language`` and ``User-Agent``.
        max_body_bytes: Of the body after decompression. A longer one is cut, which is no failure.
        proxy: ``http://[user:password@]host:port``. It is what gets dialled, so it is what gets
            judged; what lies behind it is then the proxy's to guard.
        ca_bundle: A PEM file of trusted authorities in place of the usual ones.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    follow_redirects: bool = True
    max_redirects: int = 5
    verify_tls: bool = True
    ca_bundle: Path | None = None
    client_certificate_pem: str | None = field(default=None, repr=False)
    client_key_pem: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)
    bearer: str | None = field(default=None, repr=False)
    max_body_bytes: int = MEBIBYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """
    The last answer of an exchange.

    Attributes:
        headers: In the order of arrival, names as sent, repeated ones repeated.
        body: After decompression, at most `HttpRequest.max_body_bytes`.
        truncated: The body went on beyond that limit.
        ip: The address that was dialled last.
        phases_ms: ``dns connect tls first_byte transfer``, summed over redirects; never negative.
        url: Where the answer came from, after redirects.
        certificate_expires_at: Of the served certificate, UTC; None without TLS.
        http_version: ``1.0``, ``1.1``, ``2`` or ``3``.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool
    ip: str
    phases_ms: Mapping[str, float]
    url: str
    redirects: int
    certificate_expires_at: datetime | None
    http_version: str

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case of letters."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def text(self) -> str:
        """The body by the charset it claims, else UTF-8; what does not fit becomes U+FFFD."""
        claimed = (self.header("content-type") or "").lower().partition("charset=")[2]
        charset = claimed.partition(";")[0].strip(" \"'")
        # A page may claim any codec Python knows; only those that read bytes as text plainly are used.
        encoding = (
            charset if charset in ("iso-8859-1", "latin-1", "windows-1251", "windows-1252") else "utf-8"
        )
        return self.body.decode(encoding, "replace")


@dataclass(slots=True, kw_only=True)
class Connection:
    """
    An open stream to a judged address.

    As a context manager it closes hard: what was not sent is dropped and nobody waits for the
    other side, so a hung target cannot hold its probe.

    Attributes:
        ip: The address that was dialled.
        phases_ms: ``dns``, ``connect`` and, with TLS, ``tls``.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ip: str
    port: int
    phases_ms: dict[str, float]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close at once. Closing twice is harmless."""
        self.writer.transport.abort()


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsAnswer:
    """
    What a resolver answered.

    Attributes:
        rcode: ``NOERROR``, ``NXDOMAIN``, ``SERVFAIL`` …
        answers: The values of the asked type, as text: addresses, ``10 mail.example.`` …
        ip: The resolver's address.
        flags: Such as ``AA``, ``AD``, ``RA``, ``TC``.
        phases_ms: ``dns`` for finding the resolver, ``first_byte`` until its answer.
    """

    rcode: str
    answers: tuple[str, ...]
    ip: str
    flags: tuple[str, ...]
    phases_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PingReply:
    """
    Echoes that came back.

    Attributes:
        ip: The address that was asked.
        sent: Requests sent.
        received: Answers to them; at least one.
        round_trip_ms: The fastest answer.
    """

    ip: str
    sent: int
    received: int
    round_trip_ms: float
    phases_ms: Mapping[str, float]

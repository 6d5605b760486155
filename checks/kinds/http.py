"""An HTTP or HTTPS request: the kind that most checks are of."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from typing import Annotated, ClassVar, Literal

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from checks.egress import HttpRequest, HttpResponse
from checks.kinds.base import Kind, Probing, kind
from checks.kinds.fields import (
    MAX_TEXT,
    USER_AGENT,
    Headers,
    HttpUrl,
    Line,
    Pem,
    SecretLine,
    SecretPem,
    Text,
    not_empty,
)
from checks.kinds.masking import TELLING
from checks.kinds.secrets import hide
from checks.rules.expected_status import is_expected, parse_status, shown_status
from checks.rules.outcome import Facts, Outcome
from checks.rules.targets import parse_url, shown_host

SUCCESS = (range(200, 300),)
SUCCESS_OR_REDIRECT = (range(200, 400),)


def _status(written: object) -> object:
    parse_status(written)
    return written


def _body(text: str) -> str:
    if (size := len(text.encode())) > MAX_TEXT:
        raise ValueError(f"takes {size} bytes; at most {MAX_TEXT} are allowed")
    return text


def _proxy(url: str) -> str:
    if url:
        scheme, separator, rest = url.rpartition("://")
        if separator and scheme != "http":
            raise ValueError("must be a proxy spoken to by plain HTTP, such as http://proxy.example.org:3128")
        # Only here may credentials stand in a URL: a proxy's have no settings of their own.
        parse_url(f"http://{rest.rpartition('@')[2]}")
    return url


Status = Annotated[
    int | str,
    BeforeValidator(_status),
    WithJsonSchema({"type": ["integer", "string"], "examples": [200, "2xx"]}),
]


@kind("http")
@dataclass(frozen=True, kw_only=True)
class Http(Kind):
    label = gettext_lazy("HTTP")
    summary = gettext_lazy("Up when the URL answers with an expected status.")
    icon: ClassVar[str] = "globe"
    placeholders: ClassVar[frozenset[str]] = frozenset(
        {"STATUS", "RESPONSE_TIME", "BODY", "CONNECTED", "IP", "CERTIFICATE_EXPIRATION"}
    )

    url: Annotated[
        HttpUrl, Field(title=_("URL"), description=_("Where to ask, such as https://example.org/health."))
    ]
    method: Annotated[
        Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        Field(title=_("Method"), description=_("The request method.")),
    ] = "GET"
    headers: Annotated[
        Headers, Field(title=_("Headers"), description=_("Sent with the request; write secrets as ${NAME}."))
    ] = field(default_factory=dict)
    body: Annotated[
        Text,
        AfterValidator(_body),
        Field(title=_("Body"), description=_("Sent as plain text unless a Content-Type is set.")),
    ] = ""
    username: Annotated[Line, Field(title=_("User name"), description=_("For basic authentication."))] = ""
    password: Annotated[
        SecretLine, Field(title=_("Password"), description=_("For basic authentication."))
    ] = ""
    bearer: Annotated[
        SecretLine,
        Field(title=_("Bearer token"), description=_("Sent as Authorization: Bearer.")),
    ] = ""
    follow_redirects: Annotated[
        bool,
        Field(title=_("Follow redirects"), description=_("At most 5; the last answer is judged.")),
    ] = True
    expected_status: Annotated[
        tuple[Status, ...],
        AfterValidator(not_empty),
        Field(
            title=_("Expected status"),
            description=_('Codes or ranges, such as 200, "2xx" or "200-299"; 200 to 299 when left out.'),
            max_length=50,
        ),
    ] = ()
    verify_tls: Annotated[
        bool,
        Field(title=_("Verify TLS"), description=_("Down when the certificate is not valid for this host.")),
    ] = True
    client_certificate: Annotated[
        Pem, Field(title=_("Client certificate"), description=_("PEM text, with its chain."))
    ] = ""
    client_key: Annotated[
        SecretPem, Field(title=_("Client key"), description=_("PEM text of the certificate's private key."))
    ] = ""
    proxy: Annotated[
        SecretLine,
        AfterValidator(_proxy),
        Field(title=_("Proxy"), description=_("Ask through it: http://[user:password@]host:port.")),
    ] = ""

    def __post_init__(self) -> None:
        if self.password and not self.username:
            raise ValueError("password needs username beside it")
        if self.bearer and (self.username or self._own_authorization):
            raise ValueError("bearer, username and an Authorization header exclude each other: keep one")
        if self.username and self._own_authorization:
            raise ValueError("username and an Authorization header exclude each other: keep one")
        if ":" in self.username:
            raise ValueError("username cannot hold a colon: basic authentication ends the name there")
        if bool(self.client_certificate) != bool(self.client_key):
            raise ValueError("client_certificate and client_key are given together or not at all")
        if self.body and self.method in ("GET", "HEAD"):
            raise ValueError(f"a body is not sent with {self.method}; use POST, PUT or PATCH, or no body")

    @property
    def _own_authorization(self) -> bool:
        return any(name.lower() == "authorization" for name in self.headers)

    @cached_property
    def request(self) -> HttpRequest:
        headers = dict(self.headers)
        named = {name.lower() for name in headers}
        if "user-agent" not in named:
            headers["User-Agent"] = USER_AGENT
        if self.body and "content-type" not in named:
            headers["Content-Type"] = "text/plain; charset=utf-8"
        return HttpRequest(
            method=self.method,
            url=parse_url(self.url).wire,
            headers=headers,
            body=self.body.encode() if self.body else None,
            follow_redirects=self.follow_redirects,
            verify_tls=self.verify_tls,
            client_certificate_pem=self.client_certificate or None,
            client_key_pem=self.client_key or None,
            proxy=self.proxy or None,
            basic_auth=(self.username, self.password) if self.username else None,
            bearer=self.bearer or None,
        )

    @cached_property
    def _expected(self) -> tuple[range, ...]:
        if self.expected_status:
            return tuple(parse_status(written) for written in self.expected_status)
        return SUCCESS if self.follow_redirects else SUCCESS_OR_REDIRECT

    @cached_property
    def _secrets(self) -> tuple[str, ...]:
        sent = [self.password, self.bearer]
        sent += (value for name, value in self.headers.items() if TELLING.search(name))
        if self.username:
            sent.append(b64encode(f"{self.username}:{self.password}".encode()).decode())
        # "Bearer abc" is echoed with its scheme or without.
        return tuple(part for secret in sent for part in (secret, secret.rpartition(" ")[2]) if part)

    async def probe(self, probing: Probing) -> Outcome:
        response = await probing.egress.http(self.request)
        facts = self._facts(response, probing.now)
        sentence = _said(response)
        if is_expected(response.status, self._expected):
            return Outcome.up(sentence, facts=facts, phases_ms=response.phases_ms)
        return Outcome.down(
            f"{sentence}, expected {self._wanted()}",
            facts=facts,
            phases_ms=response.phases_ms,
            replaceable_by="" if self.expected_status else "STATUS",
        )

    def _facts(self, response: HttpResponse, now: datetime) -> Facts:
        expires_at = response.certificate_expires_at
        body = response.text().replace("\0", "")
        return Facts(
            status=response.status,
            response_time=timedelta(milliseconds=sum(response.phases_ms.values())),
            body=hide(body, self._secrets) if self._secrets else body,
            connected=True,
            ip=response.ip,
            certificate_expiration=expires_at - now if expires_at else None,
        )

    def _wanted(self) -> str:
        return ", ".join(shown_status(codes) for codes in self._expected)

    def target(self) -> str:
        """The URL without its query, which may hold secrets, and with the dialled form of its host."""
        shown = self.url.partition("?")[0].partition("#")[0]
        if shown.isascii():
            return shown
        host = parse_url(self.url).shown_host
        return shown.replace(host, shown_host(host), 1)

    def peer(self) -> str:
        return parse_url(self.url).host


def _said(response: HttpResponse) -> str:
    try:
        status = f"{response.status} {HTTPStatus(response.status).phrase}"
    except ValueError:
        status = str(response.status)
    if response.redirects:
        status += f" after {response.redirects} redirect{'s' if response.redirects > 1 else ''}"
    return status

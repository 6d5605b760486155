"""
URLs as they are dialled, read strictly, and where a redirect may lead.

Lenient parsers disagree with each other about backslashes, tabs and credentials, and a request
that is judged as one host and sent to another is an open door. So a URL is read once, here, and
libcurl gets one that is put together anew from the parts.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import quote, urljoin

from checks.egress.addresses import Address, literal
from checks.egress.lookup import ascii_name
from checks.egress.messages import HttpRequest
from checks.errors import CheckError

REDIRECTS = frozenset({301, 302, 303, 307, 308})
DEFAULT_PORTS = {"http": 80, "https": 443}

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-z:.%]+\]|[^\s:/?#@\\\[\]%]+)(?::(?P<port>\d{1,5}))?(?P<rest>[/?#].*)?",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_KEPT_IN_PATH = "/%:?[]@!$&'()*+,;=~-._|{}^`\"<>\\"
# What a caller's headers may carry to another origin: how to answer, and who asks.
_HARMLESS = frozenset({"accept", "accept-language", "user-agent"})
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class Target:
    """
    A URL in parts.

    Attributes:
        host: The name in ASCII form, or the address in its usual spelling, without brackets.
        address: Set when the URL names an address.
        path: Path and query, percent-encoded, starting with a slash.
        url: The parts put together anew.
    """

    scheme: str
    host: str
    port: int
    path: str
    url: str
    address: Address | None

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


@lru_cache(maxsize=8192)
def parse_url(url: str) -> Target:
    """
    Read an absolute URL.

    Raises:
        NameNotResolved: Its host can be no name.
        CheckError: It is not an ``http`` or ``https`` URL, or it carries credentials.
    """
    found = _URL.fullmatch(url)
    if found is None or _CONTROL.search(found["host"]):
        raise CheckError(_what_is_wrong(url))
    scheme, host = found["scheme"].lower(), found["host"].lower()
    port = int(found["port"] or DEFAULT_PORTS[scheme])
    if not 0 < port <= 65_535:
        raise CheckError(f"the URL's port {port} is not one from 1 to 65535")
    address = literal(host) or literal(host := ascii_name(host))
    path = (found["rest"] or "/").partition("#")[0]
    path = path if path.startswith("/") else f"/{path}"
    host = host if address is None else str(address)
    path = quote(path, _KEPT_IN_PATH)
    shown_host = f"[{host.replace('%', '%25')}]" if ":" in host else host
    shown_port = "" if port == DEFAULT_PORTS[scheme] else f":{port}"
    return Target(scheme, host, port, path, f"{scheme}://{shown_host}{shown_port}{path}", address)


def _what_is_wrong(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in DEFAULT_PORTS:
        return "only absolute http:// and https:// URLs are dialled"
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        return "a URL with credentials in it is not dialled; give them in the settings for authentication"
    return "the URL's host is malformed"


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of an exchange: where to, and what goes along."""

    target: Target
    request: HttpRequest
    redirects: int = 0


def next_hop(hop: Hop, status: int, location: str | None) -> Hop:
    """
    Where a redirect leads and what may go there.

    Another origin gets neither credentials nor the body nor the caller's headers.

    Raises:
        CheckError: The redirect is not followed; the sentence says why.
    """
    request = hop.request
    if location is None or not location.strip():
        raise CheckError(f"answered {status} without a Location to follow")
    if hop.redirects >= request.max_redirects:
        raise CheckError(f"too many redirects: more than {request.max_redirects}")
    target = _follow(hop.target, location)
    request = _after_status(request, status)
    if target.origin != hop.target.origin:
        if hop.target.scheme == "https" and target.scheme == "http" and _has_credentials(request):
            raise CheckError(f"redirects from https to http at {target.host}: no place for credentials")
        if request.body is not None:
            raise CheckError(
                f"redirects ({status}) to {target.host}, which does not get another origin's body"
            )
        request = replace(
            request,
            headers={name: value for name, value in request.headers.items() if name.lower() in _HARMLESS},
            basic_auth=None,
            bearer=None,
            client_certificate_pem=None,
            client_key_pem=None,
        )
    return Hop(target, request, hop.redirects + 1)


def _follow(base: Target, location: str) -> Target:
    location = location.strip()
    if _CONTROL.search(location.replace(" ", "")):
        raise CheckError("redirects to a malformed URL: it has control characters")
    try:
        # Headers arrive as Latin-1; what is beyond ASCII is meant as the bytes that came.
        joined = urljoin(base.url, quote(location.encode("latin-1"), safe=_KEPT_IN_PATH + "#"))
    except ValueError:
        raise CheckError("redirects to a malformed URL") from None
    if (scheme := joined.partition(":")[0].lower()) not in DEFAULT_PORTS:
        raise CheckError(f"redirects to {scheme}:, and only http and https are followed")
    try:
        return parse_url(joined)
    except CheckError as error:
        raise type(error)(f"redirects to a URL that is not followed: {error}") from None


def _after_status(request: HttpRequest, status: int) -> HttpRequest:
    becomes_get = (status == 303 and request.method not in ("GET", "HEAD")) or (
        status in (301, 302) and request.method == "POST"
    )
    if not becomes_get:
        return request
    about_body = [name for name in request.headers if name.lower().startswith("content-")]
    headers = {name: value for name, value in request.headers.items() if name not in about_body}
    return replace(request, method="GET", body=None, headers=headers)


def _has_credentials(request: HttpRequest) -> bool:
    return bool(
        request.basic_auth
        or request.bearer
        or request.client_certificate_pem
        or not _SECRET.isdisjoint(name.lower() for name in request.headers)
    )


def request_headers(request: HttpRequest) -> list[bytes]:
    """
    The header lines for libcurl: the caller's, credentials, and nothing libcurl would add unasked.

    Raises:
        CheckError: A method, name or value that would break out of its line.
    """
    if not _TOKEN.fullmatch(request.method):
        raise CheckError(
            f"the request's method {request.method[:40]!r} has characters that no method may have"
        )
    lines = [_line(name, value) for name, value in request.headers.items()]
    named = {name.lower() for name in request.headers}
    if request.bearer is not None and "authorization" not in named:
        lines.append(_line("Authorization", f"Bearer {request.bearer}"))
    elif request.basic_auth is not None and "authorization" not in named:
        lines.append(_line("Authorization", f"Basic {_basic(*request.basic_auth)}"))
    if request.body is not None:
        lines.append(b"Expect:")
        if "content-type" not in named:
            lines.append(b"Content-Type:")
    return lines


def _line(name: str, value: str) -> bytes:
    if not _TOKEN.fullmatch(name) or _BREAKS_LINE.search(value):
        raise CheckError(f"the request's header {name[:40]!r} has characters that no header may have")
    # libcurl drops a header "Name:"; with a semicolon it sends one that is empty.
    return f"{name}: {value}".encode() if value.strip() else f"{name};".encode()


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BREAKS_LINE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def _basic(user: str, password: str) -> str:
    return b64encode(f"{user}:{password}".encode()).decode()

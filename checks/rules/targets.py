"""
What may stand where a probe is told to go: URLs, host names, ports and headers.

One strict reading for every kind. Where two parsers could see two hosts (a backslash, credentials,
control characters), the text is refused instead of mended. Whether an *address* may be dialled is
not decided here but by egress, at the moment of dialling.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from string import ascii_letters, digits, punctuation
from urllib.parse import quote

URL_CHARACTERS = 2048
HOST_CHARACTERS = 253
HEADERS = 50
HEADER_BYTES = 16_384

DEFAULT_PORTS = {"http": 80, "https": 443}

# They speak about one connection, or frame the body: the client that sends them has to mean them.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE | re.ASCII)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::(.*))?", re.DOTALL)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_AS_IT_STANDS = ascii_letters + digits + punctuation


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """
    An absolute URL, taken apart.

    Attributes:
        host: As dialled: ASCII (``xn--`` where it was not), lower case, IPv6 without brackets.
        shown_host: As it was written.
        path: Path and query as sent, beginning with ``/``; without the fragment.
    """

    scheme: str
    host: str
    shown_host: str
    port: int
    path: str

    @property
    def wire(self) -> str:
        """The URL as it is sent: ASCII only."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def origin(self) -> str:
        """Scheme, host and port: what distinguishes one target from another, without its secrets."""
        return Url(scheme=self.scheme, host=self.host, shown_host=self.host, port=self.port, path="").wire


def parse_url(text: str) -> Url:
    """Take an ``http`` or ``https`` URL apart. Raises ValueError saying what would be right."""
    if not text.strip():
        raise ValueError("is required: an address such as https://example.org/health")
    if len(text) > URL_CHARACTERS:
        raise ValueError(f"has {len(text)} characters; at most {URL_CHARACTERS} are allowed")
    _refuse_invisible(text)
    if "\\" in text:
        raise ValueError("has a backslash, which programs read differently; write / or %5C")
    if (match := _SCHEME.fullmatch(text)) is None:
        raise ValueError("needs a scheme: it must begin with http:// or https://")
    scheme, rest = match[1].lower(), match[2]
    if scheme not in DEFAULT_PORTS:
        raise ValueError(f"scheme {scheme!r} is not supported; it must begin with http:// or https://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise ValueError("has credentials in it; give them as settings of their own, not in the URL")
    shown_host, port = split_host_and_port(authority)
    path = rest[len(authority) :].partition("#")[0]
    path = quote(path, safe=_AS_IT_STANDS)
    return Url(
        scheme=scheme,
        host=dialled_host(shown_host),
        shown_host=shown_host,
        port=DEFAULT_PORTS[scheme] if port is None else port,
        path=path if path.startswith("/") else f"/{path}",
    )


def split_host_and_port(authority: str) -> tuple[str, int | None]:
    """``host``, ``host:port``, ``[ipv6]`` or ``[ipv6]:port``; IPv6 comes back without its brackets."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None or authority.startswith("[") != match[1].startswith("["):
        raise ValueError("has a bracket that is not closed, or an IPv6 address without brackets")
    host, port = match[1], match[2]
    if not host or host == "[]":
        raise ValueError("has no host: write one, as in https://example.org/health")
    if host.startswith("[") and ":" not in host:
        raise ValueError(f"{host!r} is not an IPv6 address")
    return host.removeprefix("[").removesuffix("]"), None if port is None else parse_port(port)


def parse_port(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 5 or not 1 <= int(text) <= 65_535:
        raise ValueError(f"port {text[:20]!r} is not a whole number from 1 to 65535")
    return int(text)


def dialled_host(text: str) -> str:
    """
    The form of a host name or address that is looked up and dialled: ASCII, lower case.

    Raises:
        ValueError: It is empty, too long, or has characters that no host name has: blanks,
            control and direction characters, a leading hyphen, shell or URL punctuation.
    """
    if not text.strip():
        raise ValueError("is required: a host name or an IP address")
    if len(text) > HOST_CHARACTERS + 1:
        raise ValueError(f"has {len(text)} characters; a host name has at most {HOST_CHARACTERS}")
    _refuse_invisible(text)
    if ":" in text or text.startswith("["):
        return str(_ipv6(text))
    labels = text.removesuffix(".").split(".")
    if "" in labels:
        raise ValueError(f"{text!r} has an empty part between its dots")
    ascii_form = ".".join(_ascii_label(label, of=text) for label in labels)
    if len(ascii_form) > HOST_CHARACTERS:
        raise ValueError(f"is longer than the {HOST_CHARACTERS} characters of a host name")
    return ascii_form + ("." if text.endswith(".") else "")


def shown_host(text: str) -> str:
    """A host for people: beyond ASCII it is followed by what is dialled, ``раy.example (xn--…)``."""
    return text if text.isascii() else f"{text} ({dialled_host(text)})"


def host_and_port(host: str, port: int) -> str:
    """``host:port`` for people; IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{shown_host(host)}:{port}"


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises ValueError naming the header that cannot be sent, and why."""
    if len(headers) > HEADERS:
        raise ValueError(f"has {len(headers)} headers; at most {HEADERS} are allowed")
    seen: dict[str, str] = {}
    for name, value in headers.items():
        shown = name if len(name) <= 60 else f"{name[:60]}…"
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{shown!r} is not a header name: letters, digits and hyphens are")
        if (earlier := seen.setdefault(name.lower(), name)) != name:
            raise ValueError(f"header {shown!r} is given twice (also as {earlier!r})")
        if name.lower() in HOP_BY_HOP:
            raise ValueError(f"header {shown!r} belongs to the connection and cannot be set by hand")
        _check_header_value(shown, value)
    if (size := sum(len(name) + len(value) + 4 for name, value in headers.items())) > HEADER_BYTES:
        raise ValueError(f"takes {size} bytes in all; at most {HEADER_BYTES} are allowed")


def _check_header_value(name: str, value: str) -> None:
    if any((ord(character) < 32 and character != "\t") or ord(character) == 127 for character in value):
        raise ValueError(f"header {name!r} has a line break or control character in its value")
    if not value.isascii():
        try:
            value.encode("latin-1")
        except UnicodeEncodeError as error:
            raise ValueError(
                f"header {name!r} has {value[error.start]!r} in its value; only Latin-1 can be sent"
            ) from None
    if value != value.strip():
        raise ValueError(f"header {name!r} has blanks around its value")


def _refuse_invisible(text: str) -> None:
    for position, character in enumerate(text, start=1):
        # C*: control, format (direction marks, zero width), surrogates, unassigned; Z*: blanks.
        if unicodedata.category(character)[0] in "CZ":
            raise ValueError(
                f"has a blank, control or invisible character (U+{ord(character):04X}) at position {position}"
            )


def _ipv6(text: str) -> IPv6Address:
    inner = text.removeprefix("[").removesuffix("]")
    try:
        address = IPv6Address(inner)
    except ValueError:
        raise ValueError(f"{text!r} is neither a host name nor an IP address") from None
    if address.scope_id:
        raise ValueError(f"{text!r} names a network interface (%{address.scope_id}), which is not supported")
    return address


def _ascii_label(label: str, *, of: str) -> str:
    try:
        ascii_form = label.lower() if label.isascii() else label.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(f"{label!r} cannot be part of a host name") from None
    # A compatibility form may hide a dot, as full-width digits hide an address.
    if not all(_LABEL.fullmatch(part) for part in ascii_form.split(".")):
        raise ValueError(
            f"{of!r} is not a host name: it has letters, digits, hyphens and dots, "
            "and no part begins or ends with a hyphen"
        )
    return ascii_form.lower()

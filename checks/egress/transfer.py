"""
One request as libcurl makes it: how its easy handle is set up, and what it receives.

libcurl never looks a name up and never follows a redirect: it is given judged addresses, and its
socket callback refuses to open a socket to any other.
"""

from __future__ import annotations

import re
import socket
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import certifi
import pycurl

from checks.egress.addresses import Address
from checks.egress.messages import HttpRequest
from checks.egress.urls import REDIRECTS, Target, request_headers
from checks.errors import CheckError, ProbeUnable

MAX_HEADER_BYTES = 65_536
_HEADERS_TOO_LONG = f"answered with headers of more than {MAX_HEADER_BYTES // 1024} KiB"

# Each probe meets its target afresh: no connection, TLS session, cookie, proxy or password of
# the environment is used, and only http and https are spoken.
_ALWAYS: tuple[tuple[int, object], ...] = (
    (pycurl.NOSIGNAL, 1),
    (pycurl.FRESH_CONNECT, 1),
    (pycurl.FORBID_REUSE, 1),
    (pycurl.SSL_SESSIONID_CACHE, 0),
    (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
    (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
    (pycurl.PATH_AS_IS, 1),
    (pycurl.USERAGENT, "Breakwater"),
)
_LENGTH = re.compile(rb"\d{1,18}")
_HTTP_VERSIONS = {
    pycurl.CURL_HTTP_VERSION_1_0: "1.0",
    pycurl.CURL_HTTP_VERSION_1_1: "1.1",
    pycurl.CURL_HTTP_VERSION_2_0: "2",
    pycurl.CURL_HTTP_VERSION_3: "3",
}
PHASES = ("dns", "connect", "tls", "first_byte", "transfer")


class _HandedOver(socket.SocketType):
    """A socket for libcurl, which works on a duplicate: the original closes as soon as it has been taken."""

    __slots__ = ()

    def __del__(self) -> None:
        self.close()


class Transfer:
    """One easy handle and what it has received. Made once, used for many requests."""

    __slots__ = (
        "_addresses",
        "_alias",
        "_decoder",
        "_following",
        "_header_bytes",
        "_limit",
        "_no_socket",
        "body",
        "curl",
        "encoding",
        "fault",
        "headers",
        "in_headers",
        "status",
        "truncated",
        "unjudged",
    )

    def __init__(self, number: int) -> None:
        self.curl = pycurl.Curl()
        self._alias = f"target-{number}.invalid"

    def prepare(
        self, target: Target, request: HttpRequest, addresses: Sequence[Address], proxy: ProxyTarget | None
    ) -> None:
        """Set the handle up for one request to judged `addresses`: the target's, or its proxy's."""
        self.body = bytearray()
        self.headers: list[bytes] = []
        self.status = 0
        self.truncated = False
        self.encoding = ""
        self.fault: str | None = None
        self.unjudged = ""
        self._no_socket = 0
        self._decoder: Any = None
        self._header_bytes = 0
        self.in_headers = True
        self._limit = request.max_body_bytes
        self._following = request.follow_redirects
        self._addresses = frozenset(map(str, addresses))
        setopt = self.curl.setopt
        for option, value in _ALWAYS:
            setopt(option, value)
        setopt(pycurl.URL, target.url)
        setopt(pycurl.HEADERFUNCTION, self._on_header)
        setopt(pycurl.WRITEFUNCTION, self._on_body)
        setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        if proxy is not None:
            setopt(pycurl.PROXY, proxy.url_at(addresses[0]))
            setopt(pycurl.NOPROXY, "")
            if proxy.credentials:
                setopt(pycurl.PROXYUSERPWD, proxy.credentials.encode())
        else:
            setopt(pycurl.PROXY, "")
            self._pin(target, addresses)
        self._set_method(request)
        if target.scheme == "https":
            self._set_tls(request)

    def _pin(self, target: Target, addresses: Sequence[Address]) -> None:
        """Lead the connection to `addresses`; the URL keeps the name for Host, SNI and certificate."""
        if target.address is not None:
            return
        if len(addresses) == 1:
            self.curl.setopt(pycurl.CONNECT_TO, [f"::{_bracketed(addresses[0])}:{target.port}"])
            return
        # libcurl tries several addresses side by side as it would after a lookup. The alias is this
        # handle's own, because the table of names is shared by all handles of the loop.
        joined = ",".join(_bracketed(address) for address in addresses)
        self.curl.setopt(pycurl.RESOLVE, [f"{self._alias}:{target.port}:{joined}"])
        self.curl.setopt(pycurl.CONNECT_TO, [f"::{self._alias}:{target.port}"])

    def _set_method(self, request: HttpRequest) -> None:
        setopt = self.curl.setopt
        if request.method == "HEAD":
            setopt(pycurl.NOBODY, 1)
        elif request.body is not None or request.method in ("POST", "PUT", "PATCH"):
            setopt(pycurl.POSTFIELDS, request.body or b"")
            setopt(pycurl.CUSTOMREQUEST, request.method)
        elif request.method != "GET":
            setopt(pycurl.CUSTOMREQUEST, request.method)
        if lines := request_headers(request):
            setopt(pycurl.HTTPHEADER, lines)

    def _set_tls(self, request: HttpRequest) -> None:
        setopt = self.curl.setopt
        setopt(pycurl.OPT_CERTINFO, 1)
        # libcurl keeps the parsed authorities of a file for all handles of one multi handle.
        setopt(pycurl.CAINFO, authorities(request.ca_bundle))
        if not request.verify_tls:
            setopt(pycurl.SSL_VERIFYPEER, 0)
            setopt(pycurl.SSL_VERIFYHOST, 0)
        if request.client_certificate_pem is not None:
            setopt(pycurl.SSLCERTTYPE, "PEM")
            setopt(pycurl.SSLCERT_BLOB, request.client_certificate_pem.encode())
            setopt(pycurl.SSLKEYTYPE, "PEM")
            setopt(pycurl.SSLKEY_BLOB, (request.client_key_pem or request.client_certificate_pem).encode())

    def reset(self) -> None:
        """Forget everything, secrets first of all."""
        self.curl.reset()
        self.body = bytearray()
        self.headers = []

    def phases_ms(self) -> tuple[float, float, float, float, float]:
        """How long each of `PHASES` took, as libcurl saw it."""
        info = self.curl.getinfo
        looked_up = info(pycurl.NAMELOOKUP_TIME_T)
        connected = max(info(pycurl.CONNECT_TIME_T), looked_up)
        secured = max(info(pycurl.APPCONNECT_TIME_T), connected)
        first_byte = max(info(pycurl.STARTTRANSFER_TIME_T), secured)
        total = max(info(pycurl.TOTAL_TIME_T), first_byte)
        return (
            looked_up / 1000,
            (connected - looked_up) / 1000,
            (secured - connected) / 1000,
            (first_byte - secured) / 1000,
            (total - first_byte) / 1000,
        )

    @property
    def http_version(self) -> str:
        return _HTTP_VERSIONS.get(self.curl.getinfo(pycurl.INFO_HTTP_VERSION), "1.1")

    @property
    def ip(self) -> str:
        address: str = self.curl.getinfo(pycurl.PRIMARY_IP)
        return address

    @property
    def os_error(self) -> int:
        number: int = self._no_socket or self.curl.getinfo(pycurl.OS_ERRNO)
        return number

    def certificates(self) -> list[list[tuple[str, str]]]:
        chain: list[list[tuple[str, str]]] = self.curl.getinfo(pycurl.INFO_CERTINFO)
        return chain

    def place(self, host: str, port: int, addresses: Sequence[Address]) -> str:
        """Who was spoken to, for people: the address, and the name that led there."""
        ip = self.ip or str(addresses[0])
        shown = f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
        return shown if host == ip else f"{host} ({shown})"

    def header_pairs(self) -> tuple[tuple[str, str], ...]:
        pairs = (line.decode("latin-1").partition(":") for line in self.headers)
        return tuple((name.strip(), value.strip()) for name, separator, value in pairs if separator)

    def redirect_location(self) -> str | None:
        for line in self.headers:
            if line[:9].lower() == b"location:":
                return line[9:].decode("latin-1").strip()
        return None

    def check_whole(self) -> None:
        """Raises `CheckError` when head or body ended before their end, which libcurl lets pass."""
        if self.in_headers:
            raise CheckError("closed the connection before a whole answer")
        if self._decoder is not None and self.body and not self.truncated and not self._decoder.eof:
            raise CheckError(f"closed its {self.encoding} body before the end of it")

    # What libcurl calls. An exception here would be printed and lost, so faults are noted instead;
    # a count other than that of the bytes given ends the transfer.

    def _open_socket(self, purpose: int, address: Any) -> Any:
        if address.addr[0] not in self._addresses:
            self.unjudged = address.addr[0]
            return pycurl.SOCKET_BAD
        try:
            return _HandedOver(address.family, address.socktype, address.protocol)
        except OSError as error:
            self._no_socket = error.errno or 0
            return pycurl.SOCKET_BAD

    def _on_header(self, line: bytes) -> int | None:
        self._header_bytes += len(line)
        if self._header_bytes > MAX_HEADER_BYTES:
            self.fault = _HEADERS_TOO_LONG
            return 0
        if not self.in_headers:
            if line[:5] != b"HTTP/":
                return None  # a trailer
            self.in_headers = True
        if line[:5] == b"HTTP/":
            # An interim answer, or a proxy's, has come before: only the last one counts.
            self.headers.clear()
            code = line[9:12]
            self.status = int(code) if code.isdigit() else 0
        elif line in (b"\r\n", b"\n"):
            self.in_headers = False
            return None if self._headers_done() else 0
        else:
            self.headers.append(line)
        return None

    def _headers_done(self) -> bool:
        """Judge the head as a whole; False ends the transfer, with or without a fault."""
        encodings: list[str] = []
        for line in self.headers:
            name, _, value = line.partition(b":")
            match name.strip().lower():
                case b"content-length" if not _LENGTH.fullmatch(value.strip()):
                    self.fault = "gave a malformed answer: its Content-Length is none"
                    return False
                case b"content-encoding":
                    encodings += [part.strip().lower() for part in value.decode("latin-1").split(",")]
        if self._following and self.status in REDIRECTS:
            self._limit = 0  # nobody reads the body of a redirect
        elif encodings := [each for each in encodings if each not in ("", "identity")]:
            self.encoding = ", ".join(encodings)
            if self.encoding in ("gzip", "x-gzip", "deflate"):
                self._decoder = zlib.decompressobj(wbits=47)  # gzip or zlib, as its first bytes say
        return True

    def _on_body(self, chunk: bytes) -> int | None:
        room = self._limit - len(self.body)
        if self.encoding:
            if self._decoder is None:
                self.fault = f"answered with a body that cannot be decoded: {self.encoding[:80]}"
                return 0
            try:
                # One byte more than fits is enough to know that it does not.
                chunk_out = self._decoder.decompress(chunk, room + 1)
            except zlib.error:
                self.fault = f"answered with a body that cannot be decoded as {self.encoding}"
                return 0
        else:
            chunk_out = chunk
        if len(chunk_out) > room:
            self.body += chunk_out[:room]
            self.truncated = True
            return 0
        self.body += chunk_out
        return None


class ProxyTarget:
    """A proxy as the policy sees it: where it is dialled, and what it wants to know."""

    __slots__ = ("credentials", "host", "port")

    def __init__(self, host: str, port: int, credentials: str) -> None:
        self.host, self.port, self.credentials = host, port, credentials

    def url_at(self, address: Address) -> str:
        return f"http://{_bracketed(address)}:{self.port}"


@lru_cache(maxsize=64)
def authorities(bundle: Path | None) -> str:
    """The file of trusted authorities. Raises `ProbeUnable` when it cannot be read."""
    if bundle is None:
        return certifi.where()
    if not bundle.is_file():
        raise ProbeUnable(f"the file of trusted authorities {bundle} cannot be read")
    return str(bundle)


def _bracketed(address: Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)

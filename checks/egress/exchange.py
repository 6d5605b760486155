"""One HTTP exchange: look up, judge, send, and the same again at each redirect."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import pycurl

from checks.egress.addresses import Address
from checks.egress.certificates import expiry_in, names_in
from checks.egress.faults import clean, curl_fault
from checks.egress.http import Bridge
from checks.egress.messages import HttpRequest, HttpResponse
from checks.egress.transfer import PHASES, ProxyTarget, Transfer
from checks.egress.urls import REDIRECTS, Hop, Target, next_hop, parse_url
from checks.errors import CheckError, EgressBlocked

Resolve = Callable[[str, int], Awaitable[tuple[Address, ...]]]
Explain = Callable[[Target], Awaitable[str]]
NO_TIME = (0.0, 0.0, 0.0, 0.0, 0.0)


async def exchange(bridge: Bridge, resolve: Resolve, explain: Explain, request: HttpRequest) -> HttpResponse:
    """
    Send `request`, follow where it leads, return the last answer.

    Args:
        resolve: Gives judged addresses.
        explain: Says more about a certificate that was refused as expired, or nothing.
    """
    hop = Hop(parse_url(request.url), request)
    spent: tuple[float, ...] = NO_TIME
    while True:
        transfer = bridge.transfer()
        try:
            spent = await _send(bridge, resolve, explain, hop, transfer, spent)
            if not (hop.request.follow_redirects and transfer.status in REDIRECTS):
                return _response(hop, transfer, spent)
            try:
                hop = next_hop(hop, transfer.status, transfer.redirect_location())
            except CheckError as error:
                raise type(error)(f"{hop.target.host} {error}") from None
        finally:
            bridge.release(transfer)


async def _send(
    bridge: Bridge,
    resolve: Resolve,
    explain: Explain,
    hop: Hop,
    transfer: Transfer,
    spent: tuple[float, ...],
) -> tuple[float, ...]:
    target, request = hop.target, hop.request
    proxy = parse_proxy(request.proxy) if request.proxy else None
    began = time.perf_counter()
    host, port = (proxy.host, proxy.port) if proxy else (target.host, target.port)
    addresses = await resolve(host, port)
    looked_up_ms = (time.perf_counter() - began) * 1000
    transfer.prepare(target, request, addresses, proxy)
    code, words = await bridge.perform(transfer)
    if code and not (code == pycurl.E_WRITE_ERROR and transfer.fault is None and not transfer.in_headers):
        place = transfer.place(host, port, addresses)
        if proxy and code != pycurl.E_COULDNT_CONNECT:
            place = f"{target.host} through the proxy {place}"
        if transfer.unjudged:
            raise EgressBlocked(
                f"{transfer.unjudged} was about to be dialled for {host} without being judged"
            )
        if transfer.fault is not None:
            raise CheckError(f"{place} {transfer.fault}")
        fault = curl_fault(code, words, transfer.os_error, place)
        if code == pycurl.E_PEER_FAILED_VERIFICATION:
            more = await _more(transfer, None if proxy else explain, target, str(fault))
            fault = CheckError(f"{fault}{more}")
        raise fault
    try:
        transfer.check_whole()
    except CheckError as error:
        raise CheckError(f"{transfer.place(host, port, addresses)} {error}") from None
    dns, *others = map(sum, zip(spent, transfer.phases_ms(), strict=True))
    return (dns + looked_up_ms, *others)


async def _more(transfer: Transfer, explain: Explain | None, target: Target, fault: str) -> str:
    if "another name" in fault:
        names = names_in(transfer.certificates())
        return f" ({clean(', '.join(names))})" if names else ""
    if "expired" in fault and explain is not None:
        return await explain(target)
    return ""


def _response(hop: Hop, transfer: Transfer, spent: tuple[float, ...]) -> HttpResponse:
    https = hop.target.scheme == "https"
    return HttpResponse(
        status=transfer.status,
        headers=transfer.header_pairs(),
        body=bytes(transfer.body),
        truncated=transfer.truncated,
        ip=transfer.ip,
        phases_ms=dict(zip(PHASES, spent, strict=True)),
        url=hop.target.url,
        redirects=hop.redirects,
        certificate_expires_at=expiry_in(transfer.certificates()) if https else None,
        http_version=transfer.http_version,
    )


@lru_cache(maxsize=256)
def parse_proxy(url: str) -> ProxyTarget:
    """
    Read ``http://[user:password@]host:port``.

    Raises:
        CheckError: Another scheme, or no host.
    """
    parts = urlsplit(url)
    try:
        port = parts.port or 3128
    except ValueError:
        port = 0
    if parts.scheme != "http" or not parts.hostname or not port or any(letter <= " " for letter in url):
        raise CheckError("the proxy must be given as http://host:port")
    credentials = ""
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return ProxyTarget(parts.hostname, port, credentials)

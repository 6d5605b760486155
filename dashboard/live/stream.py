"""`GET /live/`: server-sent events, as plain ASGI, so that an open page costs no thread."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.utils.translation import get_language_from_request

from dashboard.access import may_read
from dashboard.live.fragments import frame
from dashboard.live.hub import Hub

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HEARTBEAT = 15.0  # seconds: proxies close what is silent for long, and rights are asked again
SEND_WITHIN = 30.0  # seconds: a client that takes nothing for so long is gone
RETRY_MS = 2_000
MAX_CLIENTS = 2_000
MAX_CLIENTS_PER_ADDRESS = 200  # an office behind one address has many people

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]

hub = Hub()
streams_of: Counter[str] = Counter()
"""How many streams each address has open."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one client until it leaves, loses its rights, or the task is cancelled."""
    request = request_from(scope)
    if (refusal := await _refusal(scope, request)) is not None:
        return await _refuse(send, *refusal)
    address = _address(scope)
    streams_of[address] += 1
    try:
        await _follow(receive, send, request)
    finally:
        streams_of[address] -= 1
        if not streams_of[address]:
            del streams_of[address]


async def _follow(receive: Receive, send: Send, request: HttpRequest) -> None:
    client = await hub.join(get_language_from_request(request))
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        hello = frame("hello", {"position": hub.position}, hub.position)
        await _write(send, f"retry: {RETRY_MS}\n\n".encode() + hello)
        while not client.ended and not leaving.done():
            waiting = asyncio.ensure_future(client.frames())
            try:
                await asyncio.wait({waiting, leaving}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
                if waiting.done():
                    await _write(send, waiting.result())
                elif not leaving.done():
                    if not await _allowed(request):
                        break
                    await _write(send, b": still here\n\n")
            finally:
                waiting.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        return  # it takes nothing any more; the server closes the connection
    finally:
        leaving.cancel()
        hub.leave(client)


def request_from(scope: Scope) -> HttpRequest:
    """As much of a Django request as language, host and rights need."""
    request = HttpRequest()
    request.method = scope["method"]
    request.path = request.path_info = scope["path"]
    request.META = {
        "HTTP_" + name.decode("latin-1").upper().replace("-", "_"): value.decode("latin-1")
        for name, value in scope["headers"]
    }
    # For a client that names no host.
    request.META["SERVER_NAME"], request.META["SERVER_PORT"] = map(str, scope.get("server") or ("", ""))
    try:
        cookies = SimpleCookie(request.META.get("HTTP_COOKIE", ""))
    except CookieError:
        cookies = SimpleCookie()
    # No database takes a NUL in the key of a session.
    request.COOKIES = {name: each.value for name, each in cookies.items() if "\0" not in each.value}
    return request


async def _refusal(scope: Scope, request: HttpRequest) -> tuple[int, str] | None:
    if scope["method"] != "GET":
        return 405, "GET only."
    try:
        host = request.get_host()
    except DisallowedHost:
        return 400, "This host name is not served here; see ALLOWED_HOSTS."
    origin = request.META.get("HTTP_ORIGIN", "")
    if origin and origin.partition("://")[2] != host and origin not in settings.CSRF_TRUSTED_ORIGINS:
        return 403, "Other sites may not follow this stream."
    if not await _allowed(request):
        return 403, "Sign in to follow."
    if len(hub.clients) >= MAX_CLIENTS:
        return 503, "Too many streams are open."
    if streams_of[_address(scope)] >= MAX_CLIENTS_PER_ADDRESS:
        return 429, "Too many streams are open to this address."
    return None


def _address(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])


async def _allowed(request: HttpRequest) -> bool:
    return settings.PUBLIC_DASHBOARD or await hub.on_thread(_may_read, request)


def _may_read(request: HttpRequest) -> bool:
    """Ask anew each time: the session may have ended since."""
    sessions = import_module(settings.SESSION_ENGINE)
    request.session = sessions.SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    request.user = get_user(request)
    return may_read(request)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _write(send: Send, body: bytes) -> None:
    async with asyncio.timeout(SEND_WITHIN):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _refuse(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{sentence}\n".encode(), "more_body": False})

"""
What one request may weigh, judged before one of the few threads is given to it.

Django reads a body on the thread that answers, so that clients which send slowly would hold them
all. Here the body is read on the event loop, where waiting costs nothing; what is too large or too
slow is refused with a sentence.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from dashboard.api.errors import error_document

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_HEAD_BYTES = 65_536
BODY_WITHIN = 20.0  # seconds


class Refused(Exception):
    """A request that is not handed on; `args` are the HTTP status, a code and a sentence."""


class Left(Exception):
    """The client has gone before it had said everything."""


class RequestLimits:
    """
    Hands on requests whose head and body are within their limits, the body as a whole.

    Args:
        body_within: Seconds in which a body has to arrive.
    """

    def __init__(self, app: App, *, body_within: float = BODY_WITHIN) -> None:
        self.app = app
        self.body_within = body_within

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _judge_head(scope)
            if _has_body(scope):
                receive = _again(await self._body(scope, receive), receive)
        except Refused as refusal:
            return await _refuse(scope, send, *refusal.args)
        except Left:
            return
        await self.app(scope, receive, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if (length := _header(scope, b"content-length")).isdigit() and int(length) > limit:
            raise _too_large(limit)
        body = bytearray()
        try:
            async with asyncio.timeout(self.body_within):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Left
                    body += message.get("body", b"")
                    if len(body) > limit:
                        raise _too_large(limit)
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            sentence = f"The request's body did not arrive within {self.body_within:g} s."
            raise Refused(408, "too_slow", sentence) from None


def _judge_head(scope: Scope) -> None:
    size = len(scope["query_string"]) + len(scope.get("raw_path") or b"")
    size += sum(len(name) + len(value) for name, value in scope["headers"])
    if size > MAX_HEAD_BYTES:
        raise Refused(431, "head_too_large", f"Address and headers take more than {MAX_HEAD_BYTES} bytes.")


def _too_large(limit: int) -> Refused:
    return Refused(413, "body_too_large", f"The request's body takes more than {limit} bytes.")


def _has_body(scope: Scope) -> bool:
    return _header(scope, b"content-length") not in (b"", b"0") or bool(_header(scope, b"transfer-encoding"))


def _header(scope: Scope, wanted: bytes) -> bytes:
    return next((value for name, value in scope["headers"] if name == wanted), b"")


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body that has been read, then what the client says after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return waiting.pop() if waiting else await receive()

    return received


async def _refuse(scope: Scope, send: Send, status: int, code: str, sentence: str) -> None:
    in_json = scope["path"].startswith("/api/")
    body = (json.dumps(error_document(code, sentence)) if in_json else f"{sentence}\n").encode()
    headers = [
        (b"content-type", b"application/json" if in_json else b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if status == 408:
        # A large body is passed over, so that its sender gets to read why; a slow one is not waited for.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})

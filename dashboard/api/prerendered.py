"""
The public status document, answered before Django.

Readers poll it, many of them every second. It is rendered at most once a second for all of them,
in a thread, and then handed out as it is. Whatever is not exactly that document (filters, other
formats, a dashboard that is not public, a host that is not ours) is left to Django.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django.http.request import split_domain_port, validate_host

from dashboard.api.frame import JSON
from dashboard.api.status import is_current, rendered_status
from dashboard.api.status_document import Rendered
from dashboard.metrics import API_RESPONSE_SECONDS

log = logging.getLogger(__name__)

PATH = "/api/v1/status"
FRESH_FOR = 1.0  # seconds
ANY_JSON = (b"", b"*/*", JSON.encode())
KNOWN_HOSTS_KEPT = 64

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class PrerenderedStatus:
    """
    One per process, used from one event loop.

    `answer()` takes a request or leaves it; a caller that gets False must answer it otherwise.
    """

    def __init__(
        self, render: Callable[[], Rendered] = rendered_status, fresh_for: float = FRESH_FOR
    ) -> None:
        self._render = render
        self._fresh_for = fresh_for
        self._rendered: Rendered | None = None
        self._rendered_at = 0.0
        self._rendering: asyncio.Future[Rendered] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="status")
        self._known_hosts: set[bytes] = set()

    async def answer(self, scope: Scope, send: Send) -> bool:
        """Answer the request if it asks for the public status document; say whether it did."""
        began = time.perf_counter()
        if not self._is_ours(scope):
            return False
        headers = dict(scope["headers"])
        if not self._is_plain(headers):
            return False
        try:
            rendered = await self._current()
        except Exception:
            # Django answers then, and tells the reader what is wrong in the way that all the API does.
            log.exception("the status document could not be rendered")
            return False
        code = 304 if is_current(rendered, headers.get(b"if-none-match", b"").decode("latin-1")) else 200
        await _send(send, rendered, code, with_body=scope["method"] == "GET")
        API_RESPONSE_SECONDS.labels(PATH, str(code)).observe(time.perf_counter() - began)
        return True

    def close(self) -> None:
        """Let the rendering thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _is_ours(self, scope: Scope) -> bool:
        return (
            scope["type"] == "http"
            and scope["path"] == PATH
            and not scope["query_string"]
            and scope["method"] in ("GET", "HEAD")
            and settings.PUBLIC_DASHBOARD
        )

    def _is_plain(self, headers: dict[bytes, bytes]) -> bool:
        accept, host = headers.get(b"accept", b""), headers.get(b"host", b"")
        return accept.strip() in ANY_JSON and self._is_our_host(host)

    def _is_our_host(self, host: bytes) -> bool:
        """Django's own rule. A page of a stranger whose name leads here must not read the answer."""
        if host in self._known_hosts:
            return True
        domain, _ = split_domain_port(host.decode("latin-1"))
        if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
            return False
        if len(self._known_hosts) < KNOWN_HOSTS_KEPT:
            self._known_hosts.add(host)
        return True

    async def _current(self) -> Rendered:
        if self._rendered is not None and time.monotonic() - self._rendered_at < self._fresh_for:
            return self._rendered
        if self._rendering is None:
            self._rendering = asyncio.get_running_loop().run_in_executor(self._thread, self._render_anew)
            self._rendering.add_done_callback(self._keep)
        # A reader that goes away must not take the rendering from the others.
        return await asyncio.shield(self._rendering)

    def _keep(self, rendering: asyncio.Future[Rendered]) -> None:
        self._rendering = None
        if not rendering.cancelled() and rendering.exception() is None:
            self._rendered, self._rendered_at = rendering.result(), time.monotonic()

    def _render_anew(self) -> Rendered:
        close_old_connections()
        return self._render()


async def _send(send: Send, rendered: Rendered, code: int, *, with_body: bool) -> None:
    body = rendered.body if code == 200 else b""
    headers = [
        (b"etag", rendered.etag.encode()),
        (b"cache-control", b"no-cache"),
        (b"vary", b"Accept"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    ]
    if code == 200:
        headers += [
            (b"content-type", rendered.content_type.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": body if with_body else b""})

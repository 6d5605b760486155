"""
HTTP as our own server reads it, with a limit on what is collected while a request is incomplete.

uvicorn takes httptools where it is installed and h11 else. h11 refuses a long head; httptools
collects a header without end, in a time that grows with the square of its length, on the loop that
serves everybody.
"""

from __future__ import annotations

import asyncio

try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
except ImportError:
    HTTP: str | type[asyncio.Protocol] = "h11"
else:

    class BoundedHttp(HttpToolsProtocol):
        """Closes a connection that sends much of which no request comes: head, chunk's head, trailers."""

        MAX_UNREAD_BYTES = 65_536
        unread_bytes = 0

        def data_received(self, data: bytes) -> None:
            if self.unread_bytes > self.MAX_UNREAD_BYTES:
                if not self.transport.is_closing():
                    self.send_400_response("The request's head is too long.")
                return
            self.unread_bytes += len(data)
            super().data_received(data)

        def on_headers_complete(self) -> None:
            self.unread_bytes = 0
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self.unread_bytes = 0
            super().on_body(body)

    HTTP = BoundedHttp

"""
Local servers that behave, and many that do not, for tests of whatever dials out.

    with serve(answer(b"ok")) as server:
        ... http://127.0.0.1:{server.port}/ ...
        assert server.requests[0].startswith(b"GET / ")

    with serve(hang()) as server: ...                       # takes the request, never answers
    with serve(answer(b"ok"), tls=Authority().server("localhost")) as server: ...
    with serve_dns({("www.example", "A"): ["192.0.2.7"]}) as server: ...

Every server runs on a thread and a loop of its own, so it serves tests with and without a loop,
and one that hangs hangs alone. Leaving the block drops all its connections.
"""

from tests.backends import free_port, postgres, redis
from tests.servers.certificates import Authority, Issued, self_signed
from tests.servers.http import (
    answer,
    bomb,
    close_early,
    compressed,
    cut_body,
    drip,
    echo,
    endless_body,
    hang,
    hang_mid_body,
    huge_trailers,
    many_headers,
    proxy,
    raw,
    redirect,
    reset_mid_body,
    response,
    routes,
)
from tests.servers.names import dns_answer, dns_failure, dns_liar, dns_silence, serve_dns
from tests.servers.running import LOOPBACK, Behaviour, Peer, Server, for_ever, serve
from tests.servers.tcp import (
    deaf_port,
    hang_in_handshake,
    refused_port,
    tcp_banner,
    tcp_close,
    tcp_reply,
    tcp_reset,
    tcp_silent,
)

__all__ = [
    "LOOPBACK",
    "Authority",
    "Behaviour",
    "Issued",
    "Peer",
    "Server",
    "answer",
    "bomb",
    "close_early",
    "compressed",
    "cut_body",
    "deaf_port",
    "dns_answer",
    "dns_failure",
    "dns_liar",
    "dns_silence",
    "drip",
    "echo",
    "endless_body",
    "for_ever",
    "free_port",
    "hang",
    "hang_in_handshake",
    "hang_mid_body",
    "huge_trailers",
    "many_headers",
    "postgres",
    "proxy",
    "raw",
    "redirect",
    "redis",
    "refused_port",
    "reset_mid_body",
    "response",
    "routes",
    "self_signed",
    "serve",
    "serve_dns",
    "tcp_banner",
    "tcp_close",
    "tcp_reply",
    "tcp_reset",
    "tcp_silent",
]

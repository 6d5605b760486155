"""
Breakwater's first checks watch Breakwater itself.

Other apps register theirs in the same way; see `checks.kinds.python`.
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings

from checks.egress import Egress, HttpRequest, parse_policy
from checks.errors import CheckError
from checks.kinds.database import database_answers
from checks.kinds.memory import memory_usage
from checks.kinds.python import register_check
from checks.rules.outcome import Outcome
from checks.rules.targets import DEFAULT_PORTS

GROUP = "Breakwater"
TAGS = ("self",)
# A server that listens on every address is asked at this machine's own.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared with, not bound to


@register_check(
    "python-api",
    interval=30,
    timeout=5,
    group=GROUP,
    tags=TAGS,
    description="Breakwater's own web server answers at BASE_URL.",
)
async def python_api() -> Outcome:
    door, url = own_listener(settings.BASE_URL)
    response = await door.http(HttpRequest(url=url, follow_redirects=False))
    if response.status != HTTPStatus.OK:
        raise CheckError(f"{url} answered {response.status}, expected 200")
    return Outcome.up(f"{url} answered 200", phases_ms=response.phases_ms)


@register_check(
    "database",
    interval=30,
    timeout=3,
    group=GROUP,
    tags=TAGS,
    description="Breakwater's own database answers SELECT 1.",
)
async def database() -> Outcome:
    return await database_answers("default")


@register_check(
    "memory",
    interval=30,
    timeout=1,
    group=GROUP,
    tags=TAGS,
    description="This machine has memory left: degraded from 90 % in use, down from 97 %.",
)
async def memory() -> Outcome:
    return memory_usage("machine", "97%", "90%")


@cache
def own_listener(base_url: str) -> tuple[Egress, str]:
    """
    A door for this one purpose, and the URL behind it.

    The door that checks use never opens to Breakwater itself. This one opens to the listener that
    BASE_URL names; where that is a name and not an address, to its port on whatever the name
    means in this network, this machine included.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    host = EVERYWHERE.get(host, host)
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if ":" in host or host.replace(".", "").isdecimal():
        policy = parse_policy("list", [place])
    else:
        policy = parse_policy("lan", [f"127.0.0.1:{port}", f"[::1]:{port}"])
    return Egress(policy), f"{parts.scheme}://{place}{parts.path.rstrip('/')}/livez"

"""The door out as settings describe it: one for the whole process."""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connections

from checks.egress import Egress, parse_policy

DEFAULT_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "postgresql": 5432}


@cache
def egress() -> Egress:
    """
    The process's door.

    Raises:
        InvalidInput: EGRESS or EGRESS_ALLOW cannot be read.
    """
    return Egress(parse_policy(settings.EGRESS, settings.EGRESS_ALLOW, own_services()))


def own_services() -> list[str]:
    """Our own listener, databases and broker as ``host:port``: no check may dial these."""
    services = [f"{_host(settings.HOST)}:{settings.PORT}"]
    for connection in connections.all():
        if connection.vendor == "postgresql":
            host = connection.settings_dict["HOST"] or "127.0.0.1"
            if not host.startswith("/"):
                services.append(
                    f"{_host(host)}:{connection.settings_dict['PORT'] or DEFAULT_PORTS['postgresql']}"
                )
    broker = urlsplit(settings.BROKER_URL)
    if broker.hostname:
        services.append(f"{_host(broker.hostname)}:{broker.port or DEFAULT_PORTS.get(broker.scheme, 0)}")
    return services


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host

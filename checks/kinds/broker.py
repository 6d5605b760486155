"""Breakwater's own message broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from celery import current_app
from django.utils.translation import gettext_lazy
from kombu.exceptions import KombuError

from checks.errors import CheckError
from checks.kinds.base import Kind, Probing, kind
from checks.kinds.blocking import in_thread
from checks.rules.outcome import Outcome

SHOWN_CHARACTERS = 300


@kind("broker")
@dataclass(frozen=True, kw_only=True)
class Broker(Kind):
    label = gettext_lazy("Own broker")
    summary = gettext_lazy("Up when Breakwater's own message broker lets us in.")
    icon: ClassVar[str] = "queue"
    placeholders: ClassVar[frozenset[str]] = frozenset({"RESPONSE_TIME"})

    async def probe(self, probing: Probing) -> Outcome:
        if current_app.connection_for_write().transport.driver_type == "memory":
            return Outcome.up("messages stay in this process's memory; there is no broker that could fail")
        return Outcome.up(await in_thread(_reach, probing.timeout.total_seconds()))

    def target(self) -> str:
        return str(current_app.connection_for_write().as_uri())


def _reach(timeout_seconds: float) -> str:
    # Each transport has its own word for how long it waits.
    redis = {"socket_connect_timeout": timeout_seconds, "socket_timeout": timeout_seconds}
    with current_app.connection_for_write(connect_timeout=timeout_seconds) as connection:
        if connection.transport.driver_type == "redis":
            connection.transport_options = {**(connection.transport_options or {}), **redis}
        place = connection.as_uri()
        try:
            connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=timeout_seconds)
        except (KombuError, OSError, *connection.recoverable_connection_errors) as error:
            raise CheckError(f"{place}: {str(error)[:SHOWN_CHARACTERS]}") from error
    return f"{place} lets us in"

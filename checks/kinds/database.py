"""Breakwater's own databases, by their Django alias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from django.conf import settings
from django.db import DatabaseError, connections
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator, Field

from checks.errors import CheckError
from checks.kinds.base import Kind, Probing, kind
from checks.kinds.blocking import in_thread
from checks.rules.outcome import Outcome

SHOWN_CHARACTERS = 300


def _alias(alias: str) -> str:
    if alias not in settings.DATABASES:
        raise ValueError(f"there is no database {alias!r}; known: {', '.join(sorted(settings.DATABASES))}")
    return alias


@kind("database")
@dataclass(frozen=True, kw_only=True)
class Database(Kind):
    label = gettext_lazy("Own database")
    summary = gettext_lazy("Up when Breakwater's own database answers SELECT 1.")
    icon: ClassVar[str] = "database"
    placeholders: ClassVar[frozenset[str]] = frozenset({"RESPONSE_TIME"})

    alias: Annotated[
        str, AfterValidator(_alias), Field(title=_("Alias"), description=_("Its name in Django's DATABASES."))
    ] = "default"

    async def probe(self, probing: Probing) -> Outcome:
        return await database_answers(self.alias)

    def target(self) -> str:
        return self.alias


async def database_answers(alias: str) -> Outcome:
    """Raises CheckError in the database's words."""
    try:
        await in_thread(_select_one, alias)
    except DatabaseError as error:
        sentence = " ".join(str(error).split())[:SHOWN_CHARACTERS]
        raise CheckError(f"{alias}: {sentence or type(error).__name__}") from error
    return Outcome.up(f"{alias} answers queries ({connections[alias].vendor})")


def _select_one(alias: str) -> None:
    # A connection of its own: it tells whether one can be had, and none stays open in this thread.
    connection = connections[alias].copy()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    finally:
        connection.close()

"""What must stand before anything runs: tables, registered checks and, once, the first checks and user."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError

from checks import bus
from checks.commands.actor import Actor
from checks.commands.configuration import SyncRegistered
from checks.errors import BreakwaterError
from dashboard import env

ADMIN = "admin"
CODE = Actor("code", "code")
PASSWORD_BYTES = 12  # of chance; printed once

Say = Callable[[str, str], None]


class DatabaseUnusable(BreakwaterError):
    """The database cannot be opened."""


def prepare(say: Say) -> None:
    """
    Bring the tables and the checks defined in code up to date.

    On an installation without users, also apply CHECKS_FILE and make the first one.

    The user comes last, so that a first start that was interrupted or refused is a first start again.

    Raises:
        DatabaseUnusable: With a sentence that names the setting.
        InvalidInput: A check defined in code, or the file of checks, is wrong.
    """
    bring_tables_up_to_date(say)
    bus.handle(SyncRegistered(), actor=Actor("code", "code"))
    if get_user_model().objects.exists():
        return
    for file in settings.CHECKS_FILES:
        say("checks", f"applying {file}")
        call_command("apply", file)
    given = env.secret("ADMIN_PASSWORD")
    password = given or secrets.token_urlsafe(PASSWORD_BYTES)
    get_user_model().objects.create_superuser(ADMIN, password=password)
    shown = "that ADMIN_PASSWORD holds" if given else f"{password} (shown only now)"
    say("sign in", f"as {ADMIN} with the password {shown}")


def bring_tables_up_to_date(say: Say) -> None:
    try:
        executor = MigrationExecutor(connection)
        steps = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError as error:
        raise DatabaseUnusable(
            f"The database cannot be opened ({str(error).strip()}): check DATABASE_URL and DATA_DIR."
        ) from error
    if steps:
        say("database", f"preparing the tables, {len(steps)} steps")
        call_command("migrate", interactive=False, verbosity=0)
    say("database", f"{where()}, up to date")


def where() -> str:
    """Name the database without its password."""
    entry = settings.DATABASES["default"]
    if connection.vendor == "sqlite":
        return str(entry["NAME"])
    return f"PostgreSQL on {entry.get('HOST') or 'localhost'}, database {entry['NAME']}"

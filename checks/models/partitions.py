"""
Raw results by day, on PostgreSQL: a day is one partition, and forgetting a day is one DROP.

Rows whose day has no partition yet land in the default one, so an insert never fails; making the
day's partition afterwards moves them over.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "checks_result"
PREFIX = f"{TABLE}_day_"
DEFAULT = f"{TABLE}_default"
"""Holds results of days without a partition: of long ago, when they come late."""


def create_table(connection: BaseDatabaseWrapper) -> None:
    """Create the partitioned table and its default partition."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE TABLE {TABLE} (
                check_id bigint NOT NULL,
                slot timestamptz NOT NULL,
                started_at timestamptz NOT NULL,
                verdict varchar(10) NOT NULL,
                latency_ms double precision NULL,
                late_ms double precision NOT NULL,
                attempts smallint NOT NULL CHECK (attempts >= 0),
                output text NOT NULL,
                detail jsonb NOT NULL,
                PRIMARY KEY (check_id, slot)
            ) PARTITION BY RANGE (slot)
            """
        )
        cursor.execute(f"CREATE TABLE {DEFAULT} PARTITION OF {TABLE} DEFAULT")


def days(connection: BaseDatabaseWrapper) -> list[date]:
    """The days that have a partition, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE %s", [f"{PREFIX}%"])
        names = [row[0].removeprefix(PREFIX) for row in cursor.fetchall()]
    return sorted(datetime.strptime(name, "%Y%m%d").replace(tzinfo=UTC).date() for name in names)


def add_day(connection: BaseDatabaseWrapper, day: date) -> None:
    """
    Make the day's partition, and move what the default one holds of that day into it.

    Nothing happens when somebody else has made it meanwhile.
    """
    name = f"{PREFIX}{day:%Y%m%d}"
    bounds = (f"{day:%Y-%m-%d} 00:00:00+00", f"{day + timedelta(days=1):%Y-%m-%d} 00:00:00+00")
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
        if day in days(connection):
            return
        cursor.execute(f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING ALL)")
        cursor.execute(
            f"WITH moved AS (DELETE FROM {DEFAULT} WHERE slot >= %s AND slot < %s RETURNING *) "  # noqa: S608
            f"INSERT INTO {name} SELECT * FROM moved",
            bounds,
        )
        cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", bounds)


def drop_day(connection: BaseDatabaseWrapper, day: date) -> None:
    """Forget one day of raw results."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {PREFIX}{day:%Y%m%d}")

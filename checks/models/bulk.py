"""
Many rows in one statement: the engine's hot path, where one ORM call per row would cost more than the probe.

Values are given as Python has them; each column's field prepares them for the database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection, models

Row = Sequence[Any]


def insert(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows; a row whose key exists already is left as it stands."""
    prepared = _prepared(model, columns, rows)
    if not prepared:
        return
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    table = connection.ops.quote_name(model._meta.db_table)
    if connection.vendor == "postgresql":
        source = _unnest(model, tuple(columns))
        sql = f"INSERT INTO {table} ({names}) SELECT * FROM {source} ON CONFLICT DO NOTHING"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(sql, _by_column(prepared))
    else:
        marks = ", ".join(["%s"] * len(columns))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        with connection.cursor() as cursor:
            cursor.executemany(sql, prepared)


def update(
    model: type[models.Model],
    keys: Sequence[str],
    columns: Sequence[str],
    rows: Iterable[Row],
    *,
    kept_when_none: Container[str] = (),
) -> int:
    """
    Update rows, each of which gives the keys' values and then a value per column.

    Args:
        kept_when_none: Columns that stay as they are where a row gives None for them.
    Returns:
        How many rows were found; those whose keys match nothing are passed over.
    """
    wanted = (*keys, *columns)
    prepared = _prepared(model, wanted, rows)
    if not prepared:
        return 0
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    on_postgresql = connection.vendor == "postgresql"

    def assignment(column: str) -> str:
        value = f"new.{quote(column)}" if on_postgresql else "%s"
        kept = f"COALESCE({value}, old.{quote(column)})" if column in kept_when_none else value
        return f"{quote(column)} = {kept}"

    assignments = ", ".join(map(assignment, columns))
    with connection.cursor() as cursor:
        if on_postgresql:
            match = " AND ".join(f"old.{quote(key)} = new.{quote('key_' + key)}" for key in keys)
            source = _unnest(model, wanted, len(keys))
            sql = f"UPDATE {table} AS old SET {assignments} FROM {source} WHERE {match}"  # noqa: S608
            cursor.execute(sql, _by_column(prepared))
        else:
            match = " AND ".join(f"old.{quote(key)} = %s" for key in keys)
            sql = f"UPDATE {table} AS old SET {assignments} WHERE {match}"  # noqa: S608
            count = len(keys)
            cursor.executemany(sql, [(*row[count:], *row[:count]) for row in prepared])
        found: int = cursor.rowcount
    return found


def upsert(
    model: type[models.Model], keys: Sequence[str], columns: Sequence[str], rows: Iterable[Row]
) -> None:
    """Insert rows (keys first, then columns), or overwrite the columns of those that exist."""
    wanted = (*keys, *columns)
    prepared = _prepared(model, wanted, rows)
    if not prepared:
        return
    quote = connection.ops.quote_name
    names = ", ".join(quote(column) for column in wanted)
    conflict = ", ".join(quote(column) for column in keys)
    overwrite = ", ".join(f"{quote(column)} = excluded.{quote(column)}" for column in columns)
    values = ", ".join(["%s"] * len(wanted))
    sql = (
        f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ({values}) "  # noqa: S608
        f"ON CONFLICT ({conflict}) DO UPDATE SET {overwrite}"
    )
    with connection.cursor() as cursor:
        cursor.executemany(sql, prepared)


def _by_column(rows: list[list[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _prepared(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> list[list[Any]]:
    converters = [_converter(model, column, connection.vendor) for column in columns]
    return [
        [
            value if convert is None or value is None else convert(value)
            for convert, value in zip(converters, row, strict=True)
        ]
        for row in rows
    ]


@cache
def _converter(model: type[models.Model], column: str, vendor: str) -> Callable[[Any], Any] | None:
    field = _field(model, column)
    if isinstance(field, models.DateTimeField) and vendor == "sqlite":
        return _sqlite_datetime
    if isinstance(field, models.JSONField):
        return json.dumps
    return None


def _sqlite_datetime(value: datetime) -> str:
    # What Django stores too: UTC, without its offset. Every instant here is in UTC already.
    return str(value if value.tzinfo is UTC else value.astimezone(UTC))[:-6]


@cache
def _field(model: type[models.Model], column: str) -> models.Field[Any, Any]:
    for field in model._meta.concrete_fields:
        if field.column == column:
            return field
    raise ValueError(f"{model.__name__} has no column {column!r}.")


@cache
def _unnest(model: type[models.Model], columns: tuple[str, ...], keys: int = 0) -> str:
    """Arrays as rows; the first `keys` columns get a prefix, as one may be a key and be changed too."""
    quote = connection.ops.quote_name
    arrays = ", ".join(f"%s::{_pg_type(_field(model, column))}[]" for column in columns)
    names = [f"key_{column}" if place < keys else column for place, column in enumerate(columns)]
    return f"unnest({arrays}) AS new({', '.join(map(quote, names))})"


def _pg_type(field: models.Field[Any, Any]) -> str:
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    declared = (
        target.rel_db_type(connection) if isinstance(field, models.ForeignKey) else field.db_type(connection)
    )
    return (declared or "text").split(" GENERATED")[0].split("(")[0]

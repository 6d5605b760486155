"""
Many rows in one statement: the engine's hot path, where one ORM call per row would cost more than the probe.

Values are given as Python has them; each column's field prepares them for the database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection, models

Row = Sequence[Any]


def insert(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert rows; a row whose key exists already is left as it stands."""
    table, names = _quoted(model._meta.db_table), ", ".join(map(_quoted, columns))
    if connection.vendor == "postgresql":
        source = _recordset(model, tuple(columns))
        sql = f"INSERT INTO {table} ({names}) SELECT {names} FROM {source} ON CONFLICT DO NOTHING"  # noqa: S608
        _on_postgresql(sql, columns, rows)
    else:
        marks = ", ".join(["%s"] * len(columns))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        _on_sqlite(sql, _prepared(model, columns, rows))


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
    table = _quoted(model._meta.db_table)
    on_postgresql = connection.vendor == "postgresql"

    def assignment(column: str) -> str:
        value = f"new.{_quoted(column)}" if on_postgresql else "%s"
        kept = f"COALESCE({value}, old.{_quoted(column)})" if column in kept_when_none else value
        return f"{_quoted(column)} = {kept}"

    assignments = ", ".join(map(assignment, columns))
    if on_postgresql:
        # A column may be a key and be changed too, so keys go by another name.
        named = (*map(_as_key, keys), *columns)
        match = " AND ".join(f"old.{_quoted(key)} = new.{_quoted(_as_key(key))}" for key in keys)
        source = _recordset(model, named)
        sql = f"UPDATE {table} AS old SET {assignments} FROM {source} WHERE {match}"  # noqa: S608
        return _on_postgresql(sql, named, rows)
    match = " AND ".join(f"old.{_quoted(key)} = %s" for key in keys)
    sql = f"UPDATE {table} AS old SET {assignments} WHERE {match}"  # noqa: S608
    count = len(keys)
    return _on_sqlite(
        sql, [(*row[count:], *row[:count]) for row in _prepared(model, (*keys, *columns), rows)]
    )


def upsert(
    model: type[models.Model], keys: Sequence[str], columns: Sequence[str], rows: Iterable[Row]
) -> None:
    """Insert rows (keys first, then columns), or overwrite the columns of those that exist."""
    wanted = (*keys, *columns)
    table, names = _quoted(model._meta.db_table), ", ".join(map(_quoted, wanted))
    conflict = ", ".join(map(_quoted, keys))
    overwrite = ", ".join(f"{_quoted(column)} = excluded.{_quoted(column)}" for column in columns)
    otherwise = f"ON CONFLICT ({conflict}) DO UPDATE SET {overwrite}"
    if connection.vendor == "postgresql":
        source = _recordset(model, wanted)
        sql = f"INSERT INTO {table} ({names}) SELECT {names} FROM {source} {otherwise}"  # noqa: S608
        _on_postgresql(sql, wanted, rows)
    else:
        marks = ", ".join(["%s"] * len(wanted))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks}) {otherwise}"  # noqa: S608
        _on_sqlite(sql, _prepared(model, wanted, rows))


def _on_postgresql(sql: str, names: Sequence[str], rows: Iterable[Row]) -> int:
    """All rows as one JSON parameter: adapting each value of each row costs the client far more."""
    records = [dict(zip(names, row, strict=True)) for row in rows]
    if not records:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(sql, [_json(records)])
        found: int = cursor.rowcount
    return found


def _on_sqlite(sql: str, rows: Sequence[Row]) -> int:
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)
        found: int = cursor.rowcount
    return found


def _prepared(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> list[list[Any]]:
    converters = [_converter(model, column) for column in columns]
    return [
        [
            value if convert is None or value is None else convert(value)
            for convert, value in zip(converters, row, strict=True)
        ]
        for row in rows
    ]


@cache
def _converter(model: type[models.Model], column: str) -> Callable[[Any], Any] | None:
    field = _field(model, column)
    if isinstance(field, models.DateTimeField):
        return _utc_text
    if isinstance(field, models.JSONField):
        return _json
    if isinstance(field, models.CharField | models.TextField):
        return _storable_text
    return None


def _utc_text(value: datetime) -> str:
    # What Django stores too: UTC, without its offset. Every instant here is in UTC already.
    return str(value if value.tzinfo is UTC else value.astimezone(UTC))[:-6]


def _json(value: object) -> str:
    text = json.dumps(value, default=str)
    # Seldom, so looked for in the whole: what a target sent may hold characters no database takes.
    return json.dumps(_storable(value), default=str) if _UNSTORABLE.search(text) else text


_UNSTORABLE = re.compile(r"\\u(0000|d[89a-f])")


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, dict):
        return {_storable_text(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


def _storable_text(text: str) -> str:
    """NUL and lone surrogates become U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


_KEY = "key_"


def _as_key(column: str) -> str:
    return _KEY + column


@cache
def _field(model: type[models.Model], column: str) -> models.Field[Any, Any]:
    for field in model._meta.concrete_fields:
        if field.column == column:
            return field
    raise ValueError(f"{model.__name__} has no column {column!r}.")


@cache
def _recordset(model: type[models.Model], names: tuple[str, ...]) -> str:
    types = (f"{_quoted(name)} {_pg_type(_field(model, name.removeprefix(_KEY)))}" for name in names)
    return f"jsonb_to_recordset(%s::jsonb) AS new({', '.join(types)})"


def _pg_type(field: models.Field[Any, Any]) -> str:
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    declared = (
        target.rel_db_type(connection) if isinstance(field, models.ForeignKey) else field.db_type(connection)
    )
    return (declared or "text").split(" GENERATED")[0].split("(")[0]

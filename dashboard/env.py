"""
Typed readers of environment variables.

Each reads one variable and raises ImproperlyConfigured with a sentence that names the variable,
what it holds and what would be right. An empty variable counts as not set.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def secret(name: str, default: str = "") -> str:
    """
    Read a secret from `name`, or from the file that ``<name>_FILE`` points to.

    Files are how container platforms hand secrets over. One trailing newline is not part of the secret.
    """
    path = text(f"{name}_FILE")
    if not path:
        return text(name, default)
    if text(name):
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one of them.")
    try:
        return Path(path).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(
            f"{name}_FILE={path!r} cannot be read ({_reason(error)}): name a readable text file."
        ) from error


def flag(name: str, *, default: bool = False) -> bool:
    raw = text(name).lower()
    if not raw:
        return default
    if raw in TRUE:
        return True
    if raw in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r}: expected on or off (also 1 or 0, true or false, yes or no).")


def whole_number(name: str, default: int, *, low: int, high: int) -> int:
    """Read a whole number from `low` to `high`, both included."""
    raw = text(name, str(default))
    if not raw.isascii() or not raw.isdecimal() or not low <= int(raw) <= high:
        raise ImproperlyConfigured(f"{name}={raw!r}: expected a whole number from {low} to {high}.")
    return int(raw)


def days(name: str, default: int, *, low: int = 1, high: int = 36_500) -> timedelta:
    return timedelta(days=whole_number(name, default, low=low, high=high))


def words(name: str, default: str = "") -> list[str]:
    """Read a list separated by commas; spaces around the parts do not count."""
    return [part for raw in text(name, default).split(",") if (part := raw.strip())]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    raw = text(name, default)
    if raw not in allowed:
        raise ImproperlyConfigured(f"{name}={raw!r}: expected one of {', '.join(allowed)}.")
    return raw


def web_address(name: str, default: str) -> str:
    """Read an http or https address without a path's trailing slash."""
    raw = text(name, default).rstrip("/")
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ImproperlyConfigured(f"{name}={raw!r}: expected an address such as https://status.example.org.")
    return raw


def folder(name: str, default: Path) -> Path:
    """Read a folder's path and make sure that the folder exists and can be written to."""
    path = Path(text(name, str(default))).expanduser().absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}={str(path)!r} cannot be made ({_reason(error)}): "
            f"set {name} to a folder that we may write to."
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(
            f"{name}={str(path)!r} is not writable: set {name} to a folder that we may write to."
        )
    return path


def time_zone(name: str, default: str) -> str:
    raw = text(name, default)
    try:
        ZoneInfo(raw)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ImproperlyConfigured(
            f"{name}={raw!r}: expected a zone's name such as Europe/Berlin."
        ) from error
    return raw


def database(name: str, default: str) -> dict[str, Any]:
    """Read a database URL (SQLite or PostgreSQL) as an entry of Django's DATABASES."""
    raw = secret(name, default)
    try:
        found: dict[str, Any] = dict(dj_database_url.parse(raw))
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(
            f"{name} is not a database URL: expected sqlite:////path/to/file.sqlite3 "
            "or postgres://user:password@host:5432/name."
        ) from error
    engine = found["ENGINE"].rpartition(".")[2]
    if engine == "sqlite3":
        return found | SQLITE | {"OPTIONS": found.get("OPTIONS", {}) | SQLITE_OPTIONS}
    if engine == "postgresql":
        _require_psycopg(name)
        return found | POSTGRESQL | {"OPTIONS": POSTGRESQL_OPTIONS | found.get("OPTIONS", {})}
    raise ImproperlyConfigured(f"{name} names {engine}: Breakwater stores in SQLite or PostgreSQL.")


# Without IMMEDIATE, most transactions fail under a handful of writers; WAL lets readers read meanwhile.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,  # seconds to wait for another writer
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000; "
        "PRAGMA mmap_size=134217728; PRAGMA journal_size_limit=67108864;"
    ),
}
# A connection lives as long as its thread: connecting anew costs more than most of our queries.
SQLITE = {"CONN_MAX_AGE": None}
POSTGRESQL = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
# A server that vanishes without a word (a failover, a cut network) must not hold a worker for hours.
POSTGRESQL_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}


def _require_psycopg(name: str) -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise ImproperlyConfigured(
            f"{name} names PostgreSQL, but psycopg is not installed: run `make setup`."
        ) from error


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"

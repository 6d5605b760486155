"""One short session with a PostgreSQL server, by psycopg. Importing this needs the extra `postgres`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from psycopg import AsyncConnection, Error, waiting
from psycopg.abc import PQGen

from checks.errors import CheckError
from checks.kinds.timing import timed

SHOWN_CHARACTERS = 300

T = TypeVar("T")


class _Leaving(AsyncConnection[tuple[Any, ...]]):
    """
    A connection that leaves when it is cancelled.

    psycopg's own first asks the server to cancel the query and waits for it up to ten seconds;
    a server that hangs would hold its probe beyond the deadline.
    """

    async def wait(self, gen: PQGen[T], interval: float = 1.0, timeout: float | None = None) -> T:
        return await waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)


async def first_value(query: str, parameters: Mapping[str, Any], phases_ms: dict[str, float]) -> object:
    """
    Connect, run one statement and return the first value of its first row; None when there is none.

    Args:
        phases_ms: Gets ``connect`` (with TLS and log-in) and ``first_byte``.
    Raises:
        CheckError: In the server's words.
    """
    try:
        with timed(phases_ms, "connect"):
            connection = await _Leaving.connect(autocommit=True, **parameters)
        try:
            with timed(phases_ms, "first_byte"):
                cursor = await connection.execute(query.encode())
                # There is no description after a statement that returns no rows.
                row = await cursor.fetchone() if cursor.description else None
        finally:
            connection.pgconn.finish()
    except Error as error:
        raise CheckError(_sentence(error)) from error
    return row[0] if row else None


def _sentence(error: Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # libpq tells first where it connected to; the reason is the rest of the line.
    reason = lines[0].rpartition("failed: ")[2] if lines else type(error).__name__
    return reason.replace("\0", "")[:SHOWN_CHARACTERS]

"""The pool of database connections, opened once the server is there and known to be new enough."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.kit import metrics, tracing
from services.kit.errors import BadSetting
from services.kit.log import redacted
from services.kit.service import Pool

SCHEMA = "tidemark"
"""Where all tables live. BI users get views in another schema and no rights on this one."""
PATIENCE_SECONDS = 60.0
"""How long a server that is starting is waited for."""
PAUSES = (0.05, 0.2, 0.8, 1.6)
"""Seconds between two tries to change the catalogue."""
POSTGRESQL, TIMESCALEDB = 16, (2, 19)
"""The oldest versions that will do."""

# What waiting does not mend.
_HOPELESS = ("authentication failed", "does not exist", "permission denied", "no pg_hba.conf entry")

log = logging.getLogger(__name__)
T = TypeVar("T")


class Traced(psycopg.AsyncCursor[TupleRow]):
    """A cursor whose statements are spans of what asks for them."""

    async def execute(self, query: Any, params: Any = None, **how: Any) -> Self:
        with tracing.statement(query):
            return await super().execute(query, params, **how)

    @asynccontextmanager
    async def copy(self, statement: Any, params: Any = None, **how: Any) -> AsyncIterator[psycopg.AsyncCopy]:
        with tracing.statement(statement):
            async with super().copy(statement, params, **how) as copy:
                yield copy


def _cursor() -> type[psycopg.AsyncCursor[TupleRow]]:
    return Traced if tracing.is_on() else psycopg.AsyncCursor


@asynccontextmanager
async def pool(url: str, size: int, name: str = "calls") -> AsyncIterator[Pool]:
    """Up to `size` connections to a server that has been probed; metrics call them by `name`."""
    async with await connect(url) as connection:
        await probe(connection)
    async with AsyncConnectionPool(
        conninfo(url),
        min_size=1,
        max_size=size,
        timeout=5.0,
        # A connection is checked when it is taken, so that a restart of the server fails no call that comes after it.
        check=AsyncConnectionPool.check_connection,
        # Attempts to reconnect double their distance; given up early, they begin anew with the next call.
        reconnect_timeout=2.0,
        kwargs={"cursor_factory": _cursor()},
        open=False,
    ) as opened:
        _measure(opened, name)
        yield opened


def _measure(opened: Pool, name: str) -> None:
    """Has the pool looked at when metrics are asked for."""

    def used() -> float:
        stats = opened.get_stats()
        return stats.get("pool_size", 0) - stats.get("pool_available", 0)

    metrics.POOL_CONNECTIONS.labels(name).set_function(used)
    metrics.POOL_WAITING.labels(name).set_function(lambda: opened.get_stats().get("requests_waiting", 0))


def conninfo(url: str) -> str:
    """The URL with what every connection of ours sets."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise BadSetting(
            f"TIDEMARK_DATABASE_URL is {redacted(url)!r}; write postgresql://user:password@host:port/database"
        ) from error
    options = f"{given.get('options') or ''} -c search_path={SCHEMA},public -c timezone=UTC"
    return make_conninfo(url, options=options.strip(), application_name="tidemark")


async def attempt(url: str) -> psycopg.AsyncConnection[Any]:
    """A connection in autocommit mode. Raises `psycopg.OperationalError` while the server is away, for loops that go on trying however
    long that is."""
    return await psycopg.AsyncConnection.connect(
        conninfo(url), autocommit=True, connect_timeout=5, cursor_factory=_cursor()
    )


async def connect(url: str, patience_seconds: float = PATIENCE_SECONDS) -> psycopg.AsyncConnection[Any]:
    """The same as a process starts, from a server that may be starting too; raises `BadSetting` when that takes too long."""
    give_up_at = time.monotonic() + patience_seconds
    while True:
        try:
            return await attempt(url)
        except psycopg.OperationalError as error:
            reason = " ".join(str(error).split())
            left = give_up_at - time.monotonic()
            if left <= 0 or any(text in reason for text in _HOPELESS):
                raise BadSetting(
                    f"PostgreSQL at {redacted(url)} does not answer: {reason}; see TIDEMARK_DATABASE_URL"
                ) from error
            log.info("waiting %.0f s more for PostgreSQL: %s", left, reason)
            await asyncio.sleep(min(1.0, left))


async def retouched(change: Callable[[], Awaitable[T]]) -> T:
    """What a change of the catalogue answers. It is tried again after each of `PAUSES`: that something else has changed the same row meanwhile
    shows as `tuple concurrently updated`, or as a duplicate key of a table of the catalogue.
    """
    for seconds in PAUSES:
        try:
            return await change()
        except (psycopg.InternalError, psycopg.IntegrityError) as error:
            log.info("the catalogue is touched by something else: %s", error)
            await asyncio.sleep(seconds)
    return await change()


async def probe(connection: psycopg.AsyncConnection[Any]) -> None:
    """Raises `BadSetting` where PostgreSQL or TimescaleDB is too old or missing."""
    version = connection.info.server_version // 10_000
    if version < POSTGRESQL:
        raise BadSetting(f"PostgreSQL is version {version}; Tidemark needs {POSTGRESQL} or newer")
    cursor = await connection.execute(
        "SELECT coalesce(installed_version, default_version) FROM pg_available_extensions WHERE name = 'timescaledb'"
    )
    row = await cursor.fetchone()
    needed = ".".join(map(str, TIMESCALEDB))
    if row is None:
        raise BadSetting(
            f"PostgreSQL has no TimescaleDB extension; install version {needed} or newer beside it"
        )
    if tuple(int(part) for part in row[0].split("-")[0].split(".")[:2]) < TIMESCALEDB:
        raise BadSetting(f"TimescaleDB is version {row[0]}; Tidemark needs {needed} or newer")

"""An outbox: where it is kept, and the loop that sends it. Every replica takes some of what is due, tries it, and writes down what came of it.

A service writes what is to be told beside what it tells of, in one transaction; its store, which is one of these, gives it out from there.
A try that a killed process has left behind is made again by whoever comes first, under the same id.
"""

import asyncio
import logging
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import psycopg
from prometheus_client import Counter
from psycopg.rows import dict_row

from services.kit.loop import pause
from services.kit.retry import next_try
from services.kit.sending import Outcome
from services.kit.service import Pool
from tidemark.v1.alert_pb2 import Notification

TICK_SECONDS, BACKOFF_SECONDS = 0.5, 5.0
PENDING, DELIVERED, FAILED = (
    Notification.STATE_PENDING,
    Notification.STATE_DELIVERED,
    Notification.STATE_FAILED,
)
_WORDS = {PENDING: "retried", DELIVERED: "delivered", FAILED: "failed"}
log = logging.getLogger(__name__)

_CLAIM = """
    WITH claimed AS (
        UPDATE {items} SET attempts = attempts + 1, next_at = now() + %(lease)s
        WHERE {item} IN (
            SELECT {item} FROM {items} WHERE state = 1 AND next_at <= now()
            ORDER BY next_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
        RETURNING *
    ), begun AS (
        INSERT INTO {tries} ({item}, attempt) SELECT {item}, attempts FROM claimed
    )
    SELECT 'projects/' || slug AS project, claimed.* FROM claimed JOIN projects USING (project_id)
"""
_TRIED = "UPDATE {tries} SET elapsed = %(elapsed)s, outcome = %(outcome)s WHERE {item} = %(item)s AND attempt = %(attempt)s"
_SETTLE = """
    UPDATE {items} SET state = %(state)s, outcome = %(outcome)s, next_at = %(next)s,
        delivered_at = CASE WHEN %(state)s = 2 THEN now() END
    WHERE {item} = %(item)s AND attempts = %(attempt)s AND state = 1
"""
_TRIES = "SELECT {item}, started_at, elapsed, outcome FROM {tries} WHERE {item} = ANY (%s) ORDER BY attempt"
_GIVE_UP = "UPDATE {items} SET state = 3, next_at = NULL, outcome = %(why)s WHERE {receiver} = %(receiver)s AND state = 1"
_SET_FAULT = "UPDATE {receivers} SET fault = %s WHERE {receiver} = %s"

Connection = psycopg.AsyncConnection[Any]


class Item(Protocol):
    """One try of something that is to be told."""

    @property
    def name(self) -> str:
        """Its resource name, the same in every try; the last part is the id of its row."""
        ...

    @property
    def receiver(self) -> int:
        """The number of whom it is for."""
        ...

    @property
    def attempts(self) -> int:
        """How often it was tried, this one included; tells it from later ones."""
        ...

    @property
    def since(self) -> datetime:
        """Since when it is tried."""
        ...


T = TypeVar("T", bound=Item)


@dataclass(frozen=True, slots=True)
class Tables:
    """What a service calls the tables of its outbox, and the columns by which they are joined."""

    items: str
    item: str
    """The column with the id of an item, also of `tries`."""
    tries: str
    receivers: str
    receiver: str
    """The column with the number of a receiver, also of `items`."""


class Store(ABC, Generic[T]):
    """An outbox in the database; a service adds who receives what."""

    def __init__(self, pool: Pool, tables: Tables) -> None:
        def named(statement: str) -> str:
            return statement.format(**asdict(tables))

        self._pool = pool
        self._claim, self._tried, self._settle = named(_CLAIM), named(_TRIED), named(_SETTLE)
        self._tries, self._give_up, self._set_fault = named(_TRIES), named(_GIVE_UP), named(_SET_FAULT)

    async def claim(self, limit: int, lease: timedelta) -> list[T]:
        """Takes on what is due; what is not settled within the lease is due again."""
        async with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(self._claim, {"limit": limit, "lease": lease})
            return [await self.item(connection, row) for row in await cursor.fetchall()]

    @abstractmethod
    async def item(self, connection: Connection, row: dict[str, Any]) -> T:
        """What is told by a row that was claimed; `project` is the name of its project."""

    async def settle(
        self, item: T, state: int, outcome: str, elapsed: timedelta, next_at: datetime | None
    ) -> None:
        """Writes down what came of a try; without effect on an item that others have taken on since."""
        values = {
            "item": item.name.rpartition("/")[2], "attempt": item.attempts, "state": state, "outcome": outcome,
            "elapsed": elapsed, "next": next_at,
        }  # fmt: skip
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(self._tried, values)
            await connection.execute(self._settle, values)

    async def give_up(self, item: T, why: str) -> None:
        """Uses its receiver no more, who is gone."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(self._set_fault, (why, item.receiver))
            await self.given_up(connection, item.receiver, why)

    async def given_up(self, connection: Connection, receiver: int, why: str) -> None:
        """Gives up what waits for a receiver, in the caller's transaction."""
        await connection.execute(self._give_up, {"receiver": receiver, "why": why})

    async def use_again(self, receiver: int) -> None:
        """Uses a receiver that is there again."""
        async with self._pool.connection() as connection:
            await connection.execute(self._set_fault, ("", receiver))

    async def tries(self, connection: Connection, items: list[str]) -> list[tuple[Any, ...]]:
        """Every try of some items, in order: whose, when it began, how long it took, and what came of it."""
        return await (await connection.execute(self._tries, (items,))).fetchall()


class Outbox(Generic[T]):
    """What one process sends: at most `slots` tries at once, each of which takes less than the lease."""

    def __init__(
        self,
        store: Store[T],
        send: Callable[[T], Awaitable[Outcome]],
        draining: asyncio.Event,
        tries: Counter,
        *,
        slots: int,
        lease: timedelta,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._send, self._draining, self._tries = store, send, draining, tries
        self._slots, self._lease, self._chance = slots, lease, chance
        self._trying: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Worker: sends until draining, and finishes what it has begun; outlives the absence of PostgreSQL."""
        while not self._draining.is_set():
            rest = TICK_SECONDS
            try:
                for item in await self._store.claim(self._slots - len(self._trying), self._lease):
                    self._trying.add(asyncio.create_task(self._deliver(item)))
            except psycopg.Error as error:
                log.warning("the outbox waits for the database: %s", " ".join(str(error).split()))
                rest = BACKOFF_SECONDS
            await pause(self._draining, rest)
            self._trying = {each for each in self._trying if not each.done()}
        if self._trying:
            await asyncio.wait(self._trying)

    async def _deliver(self, item: T) -> None:
        began = time.monotonic()
        try:
            outcome = await self._send(item)
        except Exception:
            log.exception("%s cannot be sent", item.name)
            outcome = Outcome(False, "it could not be sent; the log tells why")
        elapsed = timedelta(seconds=time.monotonic() - began)
        next_at = self._next(item, outcome)
        state = DELIVERED if outcome.delivered else FAILED if next_at is None else PENDING
        try:
            await self._store.settle(item, state, outcome.text, elapsed, next_at)
            if outcome.gone:
                await self._store.give_up(item, f"its receiver says {outcome.text}")
        except psycopg.Error as error:
            # It is tried again when the lease is over; receivers know it by its id.
            log.warning("what came of %s is not written down: %s", item.name, error)
            return
        self._tries.labels(_WORDS[state]).inc()

    def _next(self, item: T, outcome: Outcome) -> datetime | None:
        if outcome.delivered or outcome.gone:
            return None
        return next_try(item.since, datetime.now(UTC), item.attempts, self._chance(), outcome.wait)

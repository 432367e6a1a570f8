"""The loop that sends an outbox: every replica takes some of what is due, tries it, and writes down what came of it.

A service writes what is to be told beside what it tells of, in one transaction; its store gives it out from here. A try that a killed
process has left behind is made again by whoever comes first, under the same id.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar

import psycopg
from prometheus_client import Counter

from services.kit.loop import pause
from services.kit.retry import next_try
from services.kit.sending import Outcome
from tidemark.v1.alert_pb2 import Notification

TICK_SECONDS, BACKOFF_SECONDS = 0.5, 5.0
PENDING, DELIVERED, FAILED = (
    Notification.STATE_PENDING,
    Notification.STATE_DELIVERED,
    Notification.STATE_FAILED,
)
_WORDS = {PENDING: "retried", DELIVERED: "delivered", FAILED: "failed"}
log = logging.getLogger(__name__)


class Item(Protocol):
    """One try of something that is to be told."""

    @property
    def name(self) -> str:
        """The same in every try."""
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


class Store(Protocol[T]):
    """Where the outbox is kept."""

    async def claim(self, limit: int, lease: timedelta) -> list[T]:
        """Takes on what is due; what is not settled within the lease is due again."""
        ...

    async def settle(
        self, item: T, /, state: int, outcome: str, elapsed: timedelta, next_at: datetime | None
    ) -> None:
        """Writes down what came of a try; without effect where others have taken it on since."""
        ...

    async def give_up(self, item: T, /, why: str) -> None:
        """Uses its receiver no more, who is gone."""
        ...


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

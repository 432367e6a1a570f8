"""The loop that sends the outbox: every replica takes some of what is due, tries it, and writes down what came of it.

A try that a killed process has left behind is made again by whoever comes first, under the same id.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg

from services.insights.notify.message import Message
from services.insights.notify.record import Delivery
from services.insights.notify.store import DELIVERED, FAILED, PENDING, Store
from services.insights.notify.writer import Writer
from services.kit import metrics
from services.kit.loop import pause
from services.kit.retry import next_try
from services.kit.sending import Outcome

TICK_SECONDS, BACKOFF_SECONDS = 0.5, 5.0
SLOTS = 32
"""Tries of one process under way at once."""
LEASE = timedelta(seconds=45)
"""Longer than a try takes."""
log = logging.getLogger(__name__)


class Outbox:
    """What one process sends."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        draining: asyncio.Event,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._writer, self._draining, self._chance = store, writer, draining, chance
        self._trying: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Worker: sends until draining, and finishes what it has begun; outlives the absence of PostgreSQL."""
        while not self._draining.is_set():
            rest = TICK_SECONDS
            try:
                for delivery in await self._store.claim(SLOTS - len(self._trying), LEASE):
                    self._trying.add(asyncio.create_task(self._deliver(delivery)))
            except psycopg.Error as error:
                log.warning("the outbox waits for the database: %s", " ".join(str(error).split()))
                rest = BACKOFF_SECONDS
            await pause(self._draining, rest)
            self._trying = {each for each in self._trying if not each.done()}
        if self._trying:
            await asyncio.wait(self._trying)

    async def _deliver(self, delivery: Delivery) -> None:
        began = time.monotonic()
        try:
            outcome = await self._writer.send(delivery.channel, message_of(delivery))
        except Exception:
            log.exception("notification %s cannot be sent", delivery.notification_id)
            outcome = Outcome(False, "it could not be sent; the log of insights tells why")
        elapsed = timedelta(seconds=time.monotonic() - began)
        next_at = self._next(delivery, outcome)
        state = DELIVERED if outcome.delivered else FAILED if next_at is None else PENDING
        try:
            await self._store.settle(delivery, state, outcome.text, elapsed, next_at)
            if outcome.gone:
                await self._store.give_up(delivery.channel, f"its receiver says {outcome.text}")
        except psycopg.Error as error:
            # It is tried again when the lease is over; receivers know it by its id.
            log.warning("what came of %s is not written down: %s", delivery.notification_id, error)
            return
        word = {DELIVERED: "delivered", FAILED: "failed"}.get(state, "retried")
        metrics.NOTIFICATIONS.labels(word).inc()

    def _next(self, delivery: Delivery, outcome: Outcome) -> datetime | None:
        if outcome.delivered or outcome.gone:
            return None
        now = datetime.now(UTC)
        return next_try(delivery.created_at, now, delivery.attempts, self._chance(), outcome.wait)


def message_of(delivery: Delivery) -> Message:
    """What a notification tells; the incidents are as they stand now."""
    return Message(
        message_id=delivery.notification_id,
        kind="incident.resolved" if delivery.resolved else "incident.opened",
        project=delivery.project,
        created_at=delivery.created_at,
        incidents=delivery.incidents,
        answers=delivery.opened_by,
    )

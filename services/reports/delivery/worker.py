"""The loop that brings editions: `store` keeps the outbox, `services/kit/outbox.py` tries it, `writer` brings."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from datetime import timedelta

import psycopg

from services.kit import metrics, outbox
from services.kit.sending import Outcome
from services.reports.delivery.record import Item
from services.reports.delivery.store import Store
from services.reports.delivery.writer import Writer

SLOTS = 4
"""Tries of one process under way at once: a mail with its files is held in memory."""
LEASE, BEAT_SECONDS = timedelta(seconds=45), 15.0
"""How long others leave a try alone, and how often that is renewed: large files take longer, and the dead must not be waited for."""


class Outbox(outbox.Outbox[Item]):
    """What one process brings."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        draining: asyncio.Event,
        chance: Callable[[], float] = random.random,
    ) -> None:
        async def send(item: Item) -> Outcome:
            beat = asyncio.create_task(_held(store, item))
            try:
                return await writer.send(item)
            finally:
                beat.cancel()

        super().__init__(store, send, draining, metrics.DELIVERIES, slots=SLOTS, lease=LEASE, chance=chance)


async def _held(store: Store, item: Item) -> None:
    """Keeps others from a try for as long as it takes; where the database is away, they may make it too, under the same id."""
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        with contextlib.suppress(psycopg.Error):
            await store.hold(item, LEASE)

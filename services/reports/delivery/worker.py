"""The loop that brings editions: `store` keeps the outbox, `services/kit/outbox.py` tries it, `writer` brings."""

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

from services.kit import metrics, outbox
from services.reports.delivery.record import Item
from services.reports.delivery.store import Store
from services.reports.delivery.writer import SECONDS, Writer

SLOTS = 4
"""Tries of one process under way at once: a mail with its files is held in memory."""
LEASE = timedelta(seconds=SECONDS + 20)
"""Longer than a try takes."""


class Outbox(outbox.Outbox[Item]):
    """What one process brings."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        draining: asyncio.Event,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(
            store, writer.send, draining, metrics.DELIVERIES, slots=SLOTS, lease=LEASE, chance=chance
        )

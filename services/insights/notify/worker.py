"""The loop that sends notifications: `store` keeps the outbox, `services/kit/outbox.py` tries it, `writer` sends."""

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

from services.insights.notify.message import Message
from services.insights.notify.record import Delivery
from services.insights.notify.store import Store
from services.insights.notify.writer import Writer
from services.kit import metrics, outbox
from services.kit.sending import Outcome

SLOTS = 32
"""Tries of one process under way at once."""
LEASE = timedelta(seconds=45)
"""Longer than a try takes."""


class Outbox(outbox.Outbox[Delivery]):
    """What one process sends."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        draining: asyncio.Event,
        chance: Callable[[], float] = random.random,
    ) -> None:
        async def send(delivery: Delivery) -> Outcome:
            return await writer.send(delivery.channel, message_of(delivery))

        super().__init__(
            store, send, draining, metrics.NOTIFICATIONS, slots=SLOTS, lease=LEASE, chance=chance
        )


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

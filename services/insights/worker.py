"""The loop that removes what has been kept for long enough: insights that have expired, and incidents that have ended, with what was
said and sent of them."""

import asyncio
from datetime import timedelta

from services.kit.loop import repeat
from services.kit.service import Pool

REST_SECONDS = 3600.0
_AT_ONCE = 1000
_INSIGHTS = """
    WITH old AS (
        SELECT project_id, insight_id FROM insights WHERE state IN (3, 4) AND expires_at < now() - %(kept)s
        LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ), said AS (DELETE FROM insight_feedback USING old
        WHERE (insight_feedback.project_id, insight_feedback.insight_id) = (old.project_id, old.insight_id))
    DELETE FROM insights USING old WHERE (insights.project_id, insights.insight_id) = (old.project_id, old.insight_id)
"""
_INCIDENTS = """
    WITH old AS (
        SELECT incident_id FROM incidents WHERE end_at < now() - %(kept)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ), told AS (DELETE FROM notified USING old WHERE notified.incident_id = old.incident_id)
    DELETE FROM incidents USING old WHERE incidents.incident_id = old.incident_id
"""
# One that is still to be sent tells of an incident that is there.
_NOTIFICATIONS = """
    WITH old AS (
        SELECT notification_id FROM notifications
        WHERE created_at < now() - %(kept)s AND state <> 1
            AND NOT EXISTS (SELECT FROM notified WHERE notified.notification_id = notifications.notification_id)
        LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ), tries AS (DELETE FROM delivery_tries USING old WHERE delivery_tries.notification_id = old.notification_id)
    DELETE FROM notifications USING old WHERE notifications.notification_id = old.notification_id
"""


class Keeper:
    """Removes what is older than `kept`, some at a time."""

    def __init__(self, pool: Pool, kept: timedelta, draining: asyncio.Event) -> None:
        self._pool, self._kept, self._draining = pool, kept, draining

    async def run(self) -> None:
        """Worker: removes until `draining`."""
        await repeat(self.forget, self._draining, REST_SECONDS)

    async def forget(self) -> bool:
        """Removes some of what is too old; whether there was anything."""
        values = {"kept": self._kept, "limit": _AT_ONCE}
        async with self._pool.connection() as connection:
            gone = [
                (await connection.execute(each, values)).rowcount
                for each in (_INSIGHTS, _INCIDENTS, _NOTIFICATIONS)
            ]
        return any(gone)

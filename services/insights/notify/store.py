"""Channels and the outbox in the database. `alerts` writes notifications in its own transactions, `worker` takes them from here."""

# ruff: noqa: S608  (statements are made of constants of this package; values are always parameters)

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from services.insights.notify.incident import COLUMNS as INCIDENT
from services.insights.notify.incident import IncidentRecord
from services.insights.notify.record import ChannelRecord, Delivery, NotificationRecord
from services.kit import outbox
from services.kit.call import Project
from services.kit.errors import AlreadyExists, Exhausted, NotFound
from services.kit.resource import made_id
from services.kit.service import Pool
from tidemark.v1.alert_pb2 import Channel

MAX_CHANNELS = 20

_CHANNEL = "slug AS project, channel_number, channel_id, definition, seed, fault, channels.created_at"
_CHANNELS = (
    f"SELECT {_CHANNEL} FROM channels JOIN projects USING (project_id) WHERE project_id = %(project_id)s"
)
_CHANNEL_OF = f"SELECT {_CHANNEL} FROM channels JOIN projects USING (project_id) WHERE channel_number = %s"
_EVERY = f"SELECT {_CHANNEL} FROM channels JOIN projects USING (project_id) ORDER BY project, channel_id"
_LOCK = "SELECT FROM projects WHERE project_id = %s FOR NO KEY UPDATE"
_TAKEN = "SELECT channel_id FROM channels WHERE project_id = %s"
_INSERT = """
    INSERT INTO channels (project_id, channel_id, definition, least_severity, seed)
    VALUES (%(project_id)s, %(channel_id)s, %(definition)s, %(least_severity)s, %(seed)s)
"""
_DELETE = "DELETE FROM channels WHERE project_id = %s AND channel_id = %s RETURNING channel_number"
_TABLES = outbox.Tables("notifications", "notification_id", "delivery_tries", "channels", "channel_number")

# Locked, so that a channel that is being deleted gives up this notification too.
_TOLD_OF_OPENING = """
    SELECT channel_number, channel_id FROM channels
    WHERE project_id = %(project_id)s AND fault = '' AND least_severity <= %(severity)s
      AND (%(channels)s::text[] = '{}' OR channel_id = ANY (%(channels)s))
    ORDER BY channel_number FOR KEY SHARE
"""
# Whoever heard of the beginning hears of the end.
_TOLD_OF_END = """
    SELECT channel_number, channel_id FROM channels
    WHERE fault = '' AND channel_number IN (SELECT channel_number FROM notified WHERE incident_id = %(incident_id)s AND NOT resolved)
    ORDER BY channel_number FOR KEY SHARE
"""
# A try that has begun has read what it tells: only one that waits can be joined.
_JOINED = """
    SELECT notification_id FROM notifications
    WHERE rule_number = %(rule)s AND channel_number = %(channel)s AND resolved = %(resolved)s
      AND state = 1 AND attempts = 0 AND next_at > now()
    ORDER BY created_at LIMIT 1 FOR UPDATE
"""
_NOTIFY = """
    INSERT INTO notifications (notification_id, project_id, channel_number, channel_id, rule_number, resolved, next_at)
    VALUES (%(notification)s, %(project_id)s, %(channel)s, %(channel_id)s, %(rule)s, %(resolved)s, now() + %(window)s)
"""
_IS_TOLD = "SELECT FROM notified WHERE incident_id = %s AND channel_number = %s AND resolved = %s"
_TELLS = """
    INSERT INTO notified (incident_id, channel_number, resolved, notification_id) VALUES (%s, %s, %s, %s)
"""

_TOLD = f"""
    SELECT {INCIDENT} FROM notified JOIN incidents USING (incident_id) JOIN projects USING (project_id)
    WHERE notification_id = %s ORDER BY incidents.start_at, incident_id
"""
_OPENED_BY = """
    SELECT DISTINCT opening.notification_id FROM notified AS ending
    JOIN notified AS opening USING (incident_id, channel_number)
    WHERE ending.notification_id = %s AND ending.resolved AND NOT opening.resolved ORDER BY 1
"""
_LIST = """
    SELECT slug AS project, notification_id, channel_id, resolved, state, attempts, outcome, notifications.created_at, next_at,
        delivered_at,
        ARRAY(SELECT incident_id FROM notified WHERE notified.notification_id = notifications.notification_id ORDER BY 1) AS incidents,
        '{}'::text[] AS tries
    FROM notifications JOIN projects USING (project_id)
    WHERE project_id = %(project_id)s
      AND (%(incident)s = '' OR EXISTS (
        SELECT FROM notified WHERE notified.notification_id = notifications.notification_id AND incident_id = %(incident)s))
      AND (%(at)s::timestamptz IS NULL OR (notifications.created_at, notification_id) < (%(at)s, %(id)s))
    ORDER BY notifications.created_at DESC, notification_id DESC LIMIT %(limit)s
"""

Connection = psycopg.AsyncConnection[Any]


async def announce(
    connection: Connection,
    project_id: int,
    incident_id: str,
    *,
    severity: int,
    resolved: bool = False,
    channels: Collection[str] = (),
    rule: int | None = None,
    window: timedelta = timedelta(0),
) -> None:
    """Writes what is to be told of an incident that has opened or ended, in the caller's transaction.

    `channels` are ids, all of the project when empty. Incidents of a `rule` within `window` of one another become one message.
    """
    about = {
        "project_id": project_id, "incident_id": incident_id, "severity": severity, "channels": list(channels),
        "rule": rule, "resolved": resolved, "window": window,
    }  # fmt: skip
    found = await connection.execute(_TOLD_OF_END if resolved else _TOLD_OF_OPENING, about)
    for number, channel_id in await found.fetchall():
        about |= {"channel": number, "channel_id": channel_id}
        if (await connection.execute(_IS_TOLD, (incident_id, number, resolved))).rowcount:
            continue
        row = await (await connection.execute(_JOINED, about)).fetchone() if window else None
        notification = row[0] if row else f"n{uuid.uuid4().hex}"
        if row is None:
            await connection.execute(_NOTIFY, about | {"notification": notification})
        await connection.execute(_TELLS, (incident_id, number, resolved, notification))


async def existing(connection: Connection, project_id: int) -> set[str]:
    """The ids of a project's channels."""
    return {row[0] for row in await (await connection.execute(_TAKEN, (project_id,))).fetchall()}


class Store(outbox.Store[Delivery]):
    """The tables `channels`, `notifications`, `notified` and `delivery_tries`."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, _TABLES)

    async def create(self, project: Project, channel_id: str, channel: Channel, seed: bytes) -> ChannelRecord:
        """The channel made; its id is made up unless it is given."""
        async with self._pool.connection() as connection:
            # Two at once must neither choose the same id nor both be the last that fits.
            await connection.execute(_LOCK, (project.project_id,))
            taken = await existing(connection, project.project_id)
            chosen = channel_id or made_id(channel.display_name, "channel", taken)
            if chosen in taken:
                raise AlreadyExists(
                    f"there is a channel {project.name}/channels/{chosen} already", reason="CHANNEL_EXISTS"
                )
            if len(taken) >= MAX_CHANNELS:
                raise Exhausted(
                    f"{project.name} has {MAX_CHANNELS} channels, which is the limit: delete one",
                    retry_after=60.0,
                    reason="TOO_MANY_CHANNELS",
                )
            await connection.execute(
                _INSERT,
                {
                    "project_id": project.project_id,
                    "channel_id": chosen,
                    "definition": channel.SerializeToString(deterministic=True),
                    "least_severity": channel.least_severity,
                    "seed": seed,
                },
            )
            return await _channel(connection, project, chosen)

    async def channel(self, project: Project, channel_id: str) -> ChannelRecord:
        """The channel; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await _channel(connection, project, channel_id)

    async def channels(self, project: Project) -> list[ChannelRecord]:
        """The channels of a project, by id."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(ChannelRecord))
            await cursor.execute(f"{_CHANNELS} ORDER BY channel_id", {"project_id": project.project_id})
            return await cursor.fetchall()

    async def every(self) -> list[ChannelRecord]:
        """The channels of all projects."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(ChannelRecord))
            return await (await cursor.execute(_EVERY)).fetchall()

    async def delete(self, project: Project, channel_id: str) -> None:
        """Deletes the channel and gives up what it has not delivered; raises `NotFound`."""
        async with self._pool.connection() as connection:
            gone = await (await connection.execute(_DELETE, (project.project_id, channel_id))).fetchone()
            if gone is None:
                raise _unknown(project, channel_id)
            await self.given_up(connection, gone[0], "the channel was deleted")

    async def notifications(
        self, project: Project, incident_id: str, after: tuple[datetime, str] | None, limit: int
    ) -> list[NotificationRecord]:
        """Notifications with their tries, newest first, behind `after`."""
        at, notification_id = after or (None, "")
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(NotificationRecord))
            values = {"project_id": project.project_id, "incident": incident_id}
            await cursor.execute(_LIST, values | {"at": at, "id": notification_id, "limit": limit})
            found = {each.notification_id: each for each in await cursor.fetchall()}
            for tried, *about in await self.tries(connection, list(found)):
                found[tried].tries.append(tuple(about))  # type: ignore[arg-type]
            return list(found.values())

    async def item(self, connection: Connection, row: dict[str, Any]) -> Delivery:
        channels = connection.cursor(row_factory=class_row(ChannelRecord))
        await channels.execute(_CHANNEL_OF, (row["channel_number"],))
        channel = await channels.fetchone()
        # Deleting a channel gives up what waits for it, and waits for a claim under way.
        assert channel is not None, "a notification that waits has a channel"
        incidents = connection.cursor(row_factory=class_row(IncidentRecord))
        await incidents.execute(_TOLD, (row["notification_id"],))
        opened_by = await (await connection.execute(_OPENED_BY, (row["notification_id"],))).fetchall()
        return Delivery(
            notification_id=row["notification_id"],
            project=row["project"],
            resolved=row["resolved"],
            attempts=row["attempts"],
            created_at=row["created_at"],
            channel=channel,
            incidents=[each.message() for each in await incidents.fetchall()],
            opened_by=[each for (each,) in opened_by],
        )


async def _channel(connection: Connection, project: Project, channel_id: str) -> ChannelRecord:
    cursor = connection.cursor(row_factory=class_row(ChannelRecord))
    place = {"project_id": project.project_id, "channel_id": channel_id}
    await cursor.execute(f"{_CHANNELS} AND channel_id = %(channel_id)s", place)
    found = await cursor.fetchone()
    if found is None:
        raise _unknown(project, channel_id)
    return found


def _unknown(project: Project, channel_id: str) -> NotFound:
    return NotFound(f"there is no channel {project.name}/channels/{channel_id}", reason="CHANNEL_NOT_FOUND")

"""Destinations and the outbox of editions in the database. `runs` writes deliveries in its own transactions, `worker` takes them."""

# ruff: noqa: S608  (statements are made of constants of this module; values are always parameters)

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row

from services.kit import outbox, seal
from services.kit.call import Project
from services.kit.errors import AlreadyExists, Exhausted, NotFound, Refused
from services.kit.resource import made_id
from services.kit.service import Pool
from services.reports.delivery.record import DeliveryRecord, DestinationRecord, Item
from tidemark.v1.alert_pb2 import Notification
from tidemark.v1.delivery_pb2 import Destination
from tidemark.v1.schedule_pb2 import Recipient

MAX_DESTINATIONS = 50
PENDING, FAILED = Notification.STATE_PENDING, Notification.STATE_FAILED

_DESTINATIONS = """
    SELECT slug AS project, destination_number, destination_id, definition, secret, seed, fault, destinations.created_at
    FROM destinations JOIN projects USING (project_id)
"""
_OF_PROJECT = f"{_DESTINATIONS} WHERE project_id = %(project_id)s ORDER BY destination_id"
_BY_ID = f"{_DESTINATIONS} WHERE project_id = %(project_id)s AND destination_id = %(destination_id)s"
_BY_NUMBER = f"{_DESTINATIONS} WHERE destination_number = %s"
_LOCK = "SELECT FROM projects WHERE project_id = %s FOR NO KEY UPDATE"
_TAKEN = "SELECT destination_id FROM destinations WHERE project_id = %s"
_INSERT = """
    INSERT INTO destinations (project_id, destination_id, definition, secret, seed)
    VALUES (%(project_id)s, %(destination_id)s, %(definition)s, %(secret)s, %(seed)s)
"""
_DELETE = (
    "DELETE FROM destinations WHERE project_id = %s AND destination_id = %s RETURNING destination_number"
)
_OF_ALL = f"{_DESTINATIONS} ORDER BY project, destination_id FOR UPDATE OF destinations"
_SEAL = "UPDATE destinations SET secret = %s WHERE destination_number = %s"
_TABLES = outbox.Tables(
    "deliveries", "delivery_id", "edition_delivery_tries", "destinations", "destination_number"
)

# Locked, so that a destination that is being deleted gives up this delivery too.
_KNOWN = """
    SELECT destination_number, fault FROM destinations WHERE project_id = %(project_id)s AND destination_id = %(destination_id)s
    FOR KEY SHARE
"""
_ENQUEUE = """
    INSERT INTO deliveries (delivery_id, project_id, edition_number, destination_number, destination_id, formats, link_lifetime,
        state, outcome, next_at)
    VALUES (%(delivery_id)s, %(project_id)s, %(edition)s, %(number)s, %(destination_id)s, %(formats)s, %(lifetime)s,
        %(state)s, %(outcome)s, CASE WHEN %(state)s = 1 THEN now() END)
    ON CONFLICT (edition_number, destination_id) DO NOTHING
"""

_HOLD = """
    UPDATE deliveries SET next_at = now() + %s WHERE delivery_id = %s AND attempts = %s AND state = 1
"""
_REPLAY = """
    UPDATE deliveries SET state = 1, since = now(), next_at = now(), delivered_at = NULL,
        destination_number = (SELECT destination_number FROM destinations
                              WHERE project_id = deliveries.project_id AND destination_id = deliveries.destination_id)
    WHERE delivery_id = %s
"""

_LIST = """
    SELECT slug AS project, delivery_id, editions.report_id, edition_id, destination_id, formats, state, attempts, outcome,
        deliveries.created_at, next_at, delivered_at, '{}'::text[] AS tries
    FROM deliveries JOIN editions USING (edition_number) JOIN projects ON projects.project_id = deliveries.project_id
    WHERE deliveries.project_id = %(project_id)s
"""
_ONE = f"{_LIST} AND delivery_id = %(delivery_id)s"
_SOME = f"""
    {_LIST}
      AND (%(report)s = '' OR editions.report_id = %(report)s)
      AND (%(edition)s = '' OR edition_id = %(edition)s)
      AND (%(run)s = '' OR run_number = (SELECT run_number FROM runs WHERE run_id = %(run)s))
      AND (%(destination)s = '' OR destination_id = %(destination)s)
      AND (%(states)s::int[] = '{{}}' OR state = ANY (%(states)s))
      AND (%(at)s::timestamptz IS NULL OR (deliveries.created_at, delivery_id) < (%(at)s, %(id)s))
    ORDER BY deliveries.created_at DESC, delivery_id DESC LIMIT %(limit)s
"""
_HELD = """
    SELECT state, fault FROM deliveries
    LEFT JOIN destinations USING (project_id, destination_id)
    WHERE project_id = %(project_id)s AND delivery_id = %(delivery_id)s FOR UPDATE OF deliveries
"""
_IS_THERE = "SELECT FROM destinations WHERE project_id = %s AND destination_id = %s FOR KEY SHARE"

Connection = psycopg.AsyncConnection[Any]


async def enqueue(
    connection: Connection, project_id: int, edition_number: int, recipients: Iterable[Recipient]
) -> None:
    """Writes what is to be brought of an edition, in the caller's transaction: once to each destination.

    For one that is gone or at fault the log says so, and nothing is brought.
    """
    for recipient in recipients:
        destination_id = recipient.destination.rpartition("/")[2]
        place = {"project_id": project_id, "destination_id": destination_id}
        known = await (await connection.execute(_KNOWN, place)).fetchone()
        number, fault = known or (None, "the destination is not there")
        values = place | {
            "delivery_id": f"d{uuid.uuid4().hex}",
            "edition": edition_number,
            "number": number,
            "formats": list(recipient.formats),
            "lifetime": recipient.link_lifetime.ToTimedelta()
            if recipient.HasField("link_lifetime")
            else None,
            "state": FAILED if fault else PENDING,
            "outcome": fault,
        }
        await connection.execute(_ENQUEUE, values)


async def existing(connection: Connection, project_id: int) -> set[str]:
    """The ids of a project's destinations."""
    return {row[0] for row in await (await connection.execute(_TAKEN, (project_id,))).fetchall()}


class Store(outbox.Store[Item]):
    """The tables `destinations`, `deliveries` and `edition_delivery_tries`."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, _TABLES)

    async def create(
        self,
        project: Project,
        destination_id: str,
        destination: Destination,
        secret: bytes | None,
        seed: bytes,
    ) -> DestinationRecord:
        """The destination made; its id is made up unless it is given."""
        async with self._pool.connection() as connection:
            # Two at once must neither choose the same id nor both be the last that fits.
            await connection.execute(_LOCK, (project.project_id,))
            taken = await existing(connection, project.project_id)
            chosen = destination_id or made_id(destination.display_name, "destination", taken)
            if chosen in taken:
                raise AlreadyExists(
                    f"there is a destination {project.name}/destinations/{chosen} already",
                    reason="DESTINATION_EXISTS",
                )
            if len(taken) >= MAX_DESTINATIONS:
                raise Exhausted(
                    f"{project.name} has {MAX_DESTINATIONS} destinations, which is the limit: delete one",
                    retry_after=60.0,
                    reason="TOO_MANY_DESTINATIONS",
                )
            values = {
                "project_id": project.project_id,
                "destination_id": chosen,
                "definition": destination.SerializeToString(deterministic=True),
                "secret": secret,
                "seed": seed,
            }
            await connection.execute(_INSERT, values)
            return await _destination(connection, project, chosen)

    async def destination(self, project: Project, destination_id: str) -> DestinationRecord:
        """The destination; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await _destination(connection, project, destination_id)

    async def destinations(self, project: Project) -> list[DestinationRecord]:
        """The destinations of a project, by id."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(DestinationRecord))
            return await (await cursor.execute(_OF_PROJECT, {"project_id": project.project_id})).fetchall()

    async def seal_anew(
        self, keys: tuple[str, ...]
    ) -> tuple[list[DestinationRecord], list[DestinationRecord]]:
        """Every secret sealed by the first of the keys; gives all destinations, and those whose secret none of the keys opens."""
        closed = []
        async with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor(row_factory=class_row(DestinationRecord))
            found = await (await cursor.execute(_OF_ALL)).fetchall()
            for each in found:
                if each.secret is None:
                    continue
                try:
                    secret = seal.opened(keys, each.secret, each.seed)
                except ValueError:
                    closed.append(each)
                    continue
                sealed = seal.closed(keys[0], secret, each.seed)
                await connection.execute(_SEAL, (sealed, each.destination_number))
        return found, closed

    async def delete(self, project: Project, destination_id: str) -> None:
        """Deletes the destination and gives up what it has not delivered; raises `NotFound`."""
        async with self._pool.connection() as connection:
            gone = await (await connection.execute(_DELETE, (project.project_id, destination_id))).fetchone()
            if gone is None:
                raise _unknown(project, destination_id)
            await self.given_up(connection, gone[0], "the destination was deleted")

    async def deliveries(
        self,
        project: Project,
        of: tuple[str, str, str],
        destination_id: str,
        states: Collection[int],
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[DeliveryRecord]:
        """Deliveries with their tries, newest first, behind `after`; `of` a report, an edition and a run where these are not empty."""
        at, delivery_id = after or (None, "")
        report, edition, run = of
        values = {
            "project_id": project.project_id, "report": report, "edition": edition, "run": run, "destination": destination_id,
            "states": list(states), "at": at, "id": delivery_id, "limit": limit,
        }  # fmt: skip
        async with self._pool.connection() as connection:
            return await self._deliveries(connection, _SOME, values)

    async def replay(self, project: Project, delivery_id: str) -> DeliveryRecord:
        """The delivery, on its way again for another day; raises `NotFound`, or `Refused` where it is on its way or cannot be."""
        place = {"project_id": project.project_id, "delivery_id": delivery_id}
        name = f"{project.name}/deliveries/{delivery_id}"
        async with self._pool.connection() as connection:
            held = await (await connection.execute(_HELD, place)).fetchone()
            if held is None:
                raise NotFound(f"there is no delivery {name}", reason="DELIVERY_NOT_FOUND")
            state, fault = held
            if state == PENDING:
                raise Refused(f"{name} is on its way; wait until it has ended")
            [found] = await self._deliveries(connection, _ONE, place)
            if not (await connection.execute(_IS_THERE, (project.project_id, found.destination_id))).rowcount:
                raise Refused(
                    f"{project.name}/destinations/{found.destination_id} is not there; create it first"
                )
            if fault:
                raise Refused(
                    f"{project.name}/destinations/{found.destination_id} is not used: {fault}; a test that arrives ends that"
                )
            await connection.execute(_REPLAY, (delivery_id,))
            [found] = await self._deliveries(connection, _ONE, place)
            return found

    async def hold(self, item: Item, lease: timedelta) -> None:
        """Keeps others from a try for another lease; without effect where they have taken it on since."""
        async with self._pool.connection() as connection:
            await connection.execute(_HOLD, (lease, item.delivery_id, item.attempts))

    async def item(self, connection: Connection, row: dict[str, Any]) -> Item:
        cursor = connection.cursor(row_factory=class_row(DestinationRecord))
        destination = await (await cursor.execute(_BY_NUMBER, (row["destination_number"],))).fetchone()
        # Deleting a destination gives up what waits for it, and waits for a claim under way.
        assert destination is not None, "a delivery that waits has a destination"
        names = (
            "delivery_id",
            "project",
            "project_id",
            "edition_number",
            "formats",
            "link_lifetime",
            "attempts",
            "since",
        )
        return Item(**{name: row[name] for name in names}, destination=destination)

    async def _deliveries(
        self, connection: Connection, statement: str, values: dict[str, Any]
    ) -> list[DeliveryRecord]:
        cursor = connection.cursor(row_factory=class_row(DeliveryRecord))
        await cursor.execute(statement, values)
        found = {each.delivery_id: each for each in await cursor.fetchall()}
        for tried, *about in await self.tries(connection, list(found)):
            found[tried].tries.append(tuple(about))  # type: ignore[arg-type]
        return list(found.values())


async def _destination(connection: Connection, project: Project, destination_id: str) -> DestinationRecord:
    cursor = connection.cursor(row_factory=class_row(DestinationRecord))
    place = {"project_id": project.project_id, "destination_id": destination_id}
    found = await (await cursor.execute(_BY_ID, place)).fetchone()
    if found is None:
        raise _unknown(project, destination_id)
    return found


def _unknown(project: Project, destination_id: str) -> NotFound:
    return NotFound(
        f"there is no destination {project.name}/destinations/{destination_id}",
        reason="DESTINATION_NOT_FOUND",
    )

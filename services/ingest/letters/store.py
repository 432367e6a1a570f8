"""Dead letters in the database. Plain values come in from `servicer.py` and `worker.py`, records go back.

The writer makes letters and settles those that are repaired; here they are read, and given up.
"""

# ruff: noqa: S608  (statements are made of constants of this file; values are always parameters)

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from services.ingest.definitions import store as definitions
from services.ingest.definitions.store import Stored
from services.ingest.letters.record import Cluster, Letter
from services.ingest.letters.repair import Waiting
from services.ingest.letters.request import DISCARDED, OPEN, REPAIRED, Selection
from services.kit.errors import NotFound
from services.kit.service import Pool

SHOWN_BYTES = 1000
"""Of a batch that cannot be read, as much as is shown."""
_CONTENT = "CASE WHEN reason = 'CORRUPT' THEN substring(content FROM 1 FOR %(shown)s) ELSE content END"
_COLUMNS = (
    f"dead_letter_id, kind, reason, field, message, signature, name, event_id, user_id, {_CONTENT} AS content, producer_id,"
    " received_at, state, settled_at, rows"
)
# An answer ends early when its letters fill `bytes`; the last column tells how many there were before that.
_MEASURED = """
measured AS (
    SELECT *, count(*) OVER () AS found, sum(octet_length(content) + octet_length(message) + 500)
        OVER (ORDER BY received_at {order}, dead_letter_id {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM page
)
"""
_LIST = f"""
WITH page AS (
    SELECT {_COLUMNS} FROM dead_letters WHERE {{conditions}} ORDER BY received_at DESC, dead_letter_id DESC LIMIT %(size)s
), {_MEASURED.format(order="DESC")}
SELECT dead_letter_id, kind, reason, field, message, signature, name, event_id, user_id, content, producer_id,
    received_at, state, settled_at, rows, found
FROM measured WHERE coalesce(before, 0) < %(bytes)s ORDER BY received_at DESC, dead_letter_id DESC
"""
_PLACES = """
SELECT received_at, dead_letter_id FROM dead_letters
WHERE {conditions} AND dead_letter_id <= %(last)s AND (received_at, dead_letter_id) > (%(after_at)s, %(after_id)s)
ORDER BY received_at, dead_letter_id LIMIT %(size)s
"""
# Found by their numbers alone, whatever the planner believes of the other columns.
_WAITING = f"""
WITH wanted AS MATERIALIZED (
    SELECT {_COLUMNS}, batch_id, project_id FROM dead_letters WHERE dead_letter_id = ANY (%(ids)s)
), page AS (
    SELECT * FROM wanted WHERE project_id = %(project)s AND state = %(state)s
), {_MEASURED.format(order="ASC")}
SELECT dead_letter_id, kind, reason, field, message, signature, name, event_id, user_id, content, measured.producer_id,
    measured.received_at, state, settled_at, rows, coalesce(epoch, 0), coalesce(rules_version, 0),
    event_id IS NOT NULL AND EXISTS (
        SELECT FROM dead_letters AS other
        WHERE other.project_id = %(project)s AND other.event_id = measured.event_id AND other.state = %(state)s
            AND other.dead_letter_id <> measured.dead_letter_id),
    found
FROM measured LEFT JOIN batches
    ON batches.batch_id = measured.batch_id AND batches.received_at = measured.received_at
WHERE coalesce(before, 0) < %(bytes)s ORDER BY measured.received_at, dead_letter_id
"""
_CLUSTERS = f"""
WITH clusters AS (
    SELECT signature, reason, field, name, sum(rows)::bigint AS count, min(received_at) AS first_at, max(received_at) AS last_at,
        max(dead_letter_id) AS newest
    FROM dead_letters WHERE {{conditions}}
    GROUP BY signature, reason, field, name ORDER BY count DESC, newest DESC LIMIT %(size)s
)
SELECT count, first_at, last_at, {", ".join(f"letter.{name}" for name in ("dead_letter_id", "kind", "reason", "field", "message"))},
    letter.signature, letter.name, event_id, user_id, {_CONTENT.replace("reason", "letter.reason")}, producer_id, received_at, state,
    settled_at, rows
FROM clusters JOIN dead_letters AS letter ON dead_letter_id = newest ORDER BY count DESC, newest DESC
"""
_EXTENT = "SELECT count(*), coalesce(max(dead_letter_id), 0) FROM dead_letters WHERE {conditions}"
_DISCARD = "UPDATE dead_letters SET state = %(discarded)s, settled_at = now() WHERE {conditions}"
_SETTLED = "SELECT dead_letter_id FROM dead_letters WHERE dead_letter_id = ANY (%s) AND state = %s"
_KNOWN = """
SELECT event_id, occurred_at
FROM events JOIN unnest(%s::uuid[], %s::timestamptz[]) AS wanted (event_id, occurred_at) USING (event_id, occurred_at)
WHERE project_id = %s AND occurred_at BETWEEN %s AND %s
"""
_REFUSED = """
SELECT number - 1, message
FROM unnest(%s::text[]) WITH ORDINALITY AS given (text, number), pg_input_error_info(text, 'jsonb')
WHERE message IS NOT NULL
"""
_KEY = "INSERT INTO pipelines (project_id) VALUES (%s) ON CONFLICT DO NOTHING"
_RESUME = """
UPDATE partitions SET resumed_to = %s, paused_at = NULL, paused_because = '' WHERE partition = %s AND paused_at IS NOT NULL
"""
_PARTITION = "SELECT FROM partitions WHERE partition = %s"

Position = tuple[datetime, int]
"""When a letter was received, and its number."""


class Store:
    """The table `dead_letters`, and what a repair must know beside it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def letters(
        self, project_id: int, selection: Selection, after: Position | None, size: int, most_bytes: int
    ) -> tuple[list[Letter], bool]:
        """A page of letters, newest first, and whether there are more."""
        conditions, values = _conditions(project_id, selection)
        if after is not None:
            conditions += " AND (received_at, dead_letter_id) < (%(after_at)s, %(after_id)s)"
            values |= {"after_at": after[0], "after_id": after[1]}
        values |= {"size": size + 1, "bytes": most_bytes}
        rows = await self._rows(_LIST.format(conditions=conditions, order="DESC"), values)
        shown = rows[:size]
        return [Letter(*row[:-1]) for row in shown], bool(rows) and rows[0][-1] > len(shown)

    async def clusters(self, project_id: int, selection: Selection, size: int) -> list[Cluster]:
        """Kinds of fault, most frequent first."""
        conditions, values = _conditions(project_id, selection)
        rows = await self._rows(_CLUSTERS.format(conditions=conditions), values | {"size": size})
        return [_cluster(count, first_at, last_at, Letter(*row)) for count, first_at, last_at, *row in rows]

    async def discard(self, project_id: int, selection: Selection) -> int:
        """Gives letters up; how many."""
        conditions, values = _conditions(project_id, selection)
        async with self._pool.connection() as connection:
            done = await connection.execute(
                _DISCARD.format(conditions=conditions), values | {"discarded": DISCARDED}
            )
            return done.rowcount

    async def extent(self, project_id: int, selection: Selection) -> tuple[int, int]:
        """How many letters are selected, and the largest number among them."""
        conditions, values = _conditions(project_id, selection)
        [(count, last)] = await self._rows(_EXTENT.format(conditions=conditions), values)
        return count, last

    async def places(
        self, project_id: int, selection: Selection, after: Position, last: int, size: int
    ) -> list[Position]:
        """Where the next selected letters with numbers up to `last` are, the oldest first."""
        conditions, values = _conditions(project_id, selection)
        values |= {"after_at": after[0], "after_id": after[1], "last": last, "size": size}
        return await self._rows(_PLACES.format(conditions=conditions), values)

    async def waiting(
        self, project_id: int, letter_ids: Sequence[int], most_bytes: int
    ) -> tuple[list[Waiting], bool]:
        """Those of the letters that are open, the oldest first, and whether there are more than fill so many bytes."""
        values = {"project": project_id, "state": OPEN, "shown": SHOWN_BYTES, "ids": list(letter_ids)}
        rows = await self._rows(_WAITING, values | {"bytes": most_bytes})
        found = [Waiting(Letter(*row[:-4]), *row[-4:-1]) for row in rows]
        return found, bool(rows) and rows[0][-1] > len(rows)

    async def repaired(self, letter_ids: Collection[int]) -> set[int]:
        """Those of the letters that are repaired."""
        return {row[0] for row in await self._rows(_SETTLED, (list(letter_ids), REPAIRED))}

    async def open(self, letter_ids: Collection[int]) -> set[int]:
        """Those of the letters that are still open."""
        return {row[0] for row in await self._rows(_SETTLED, (list(letter_ids), OPEN))}

    async def known(
        self, project_id: int, ids: Sequence[bytes], times: Sequence[datetime]
    ) -> set[tuple[bytes, datetime]]:
        """Those of the events, by id and time, that are stored already."""
        if not ids:
            return set()
        where = ([UUID(bytes=each) for each in ids], list(times), project_id, min(times), max(times))
        return {(event_id.bytes, at) for event_id, at in await self._rows(_KNOWN, where)}

    async def refused(self, texts: Sequence[str | None]) -> dict[int, str]:
        """Which texts the database does not take as JSON though they are, such as 1e-20000, and why."""
        return dict(await self._rows(_REFUSED, (list(texts),)))

    async def definition(self, project_id: int, *, hashing: bool) -> Stored:
        """The present rules and schemas, with a key to hash with where one is needed."""
        async with self._pool.connection() as connection:
            if hashing:
                await connection.execute(_KEY, (project_id,))
            return await definitions.read(connection, project_id)

    async def resume(self, partition: int, newest: str) -> None:
        """Lets a paused partition go on, whatever there is up to the entry `newest`; raises `NotFound`."""
        async with self._pool.connection() as connection:
            if not (await connection.execute(_PARTITION, (partition,))).rowcount:
                raise NotFound(f"there is no partition {partition}", reason="PARTITION_NOT_FOUND")
            await connection.execute(_RESUME, (newest, partition))

    async def _rows(self, statement: str, values: Any) -> list[Any]:
        async with self._pool.connection() as connection:
            return await _fetched(connection, statement, values)


async def _fetched(connection: AsyncConnection[Any], statement: str, values: Any) -> list[Any]:
    # Planned for its values: a plan for any selection would read all letters.
    cursor = await connection.execute(statement, values, prepare=False)  # type: ignore[arg-type]
    return await cursor.fetchall()


def _conditions(project_id: int, selection: Selection) -> tuple[str, dict[str, Any]]:
    """The letters of a selection as conditions, and their values."""
    limits = ["project_id = %(project)s", "state = %(state)s"]
    values: dict[str, Any] = {"project": project_id, "state": selection.state, "shown": SHOWN_BYTES}
    for column, value in (
        ("signature", selection.signature),
        ("reason", selection.reason),
        ("name", selection.event_name),
    ):
        if value:
            limits.append(f"{column} = %({column})s")
            values[column] = value
    if selection.ids:
        limits.append("dead_letter_id = ANY (%(ids)s)")
        values["ids"] = list(selection.ids)
    if selection.received is not None:
        limits.append("received_at >= %(start)s AND received_at < %(end)s")
        values["start"], values["end"] = selection.received.start, selection.received.end
    return " AND ".join(limits), values


def _cluster(count: int, first_at: datetime, last_at: datetime, newest: Letter) -> Cluster:
    return Cluster(
        newest.signature, newest.reason, newest.field, newest.name, newest.message, count, first_at, last_at, newest
    )  # fmt: skip

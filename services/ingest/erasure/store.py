"""Erasures in the database, and what they remove there. Plain values come in from `worker` and the servicer of `retention`.

What is committed by the time an erasure begins to remove is what it covers, told by the numbers of batches: whatever a writer commits
later is new data. A day of events goes in one transaction with the buckets that counted them, the account of the batches that brought
them, and a commit of its own for those who watch.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection

from services.ingest import rollup
from services.ingest.erasure import certificate, person, sql
from services.ingest.erasure.certificate import Erasure
from services.ingest.erasure.recount import Group, Recount
from services.ingest.erasure.sql import Day
from services.ingest.store import hold
from services.ingest.windows import store as windows
from services.kit.call import Project
from services.kit.errors import NotFound
from services.kit.instant import at, us_of
from services.kit.service import Pool
from tidemark.v1 import retention_pb2 as pb

FETCHED = 500
"""Minutes that are counted at once."""
MAX_NAMES = 64

_COLUMNS = """
slug, erasure_id, user_sha256, state, requested_by, notes, erasures.created_at, completed_at,
coalesce((SELECT jsonb_object_agg(place, count) FROM erasure_parts WHERE erasure_parts.erasure_id = erasures.erasure_id), '{}'::jsonb)
"""
_FROM = f"SELECT {_COLUMNS} FROM erasures JOIN projects USING (project_id) WHERE project_id = %(project)s"  # noqa: S608
_READ = f"{_FROM} AND erasure_id = %(erasure)s"
_LIST = f"""
{_FROM} AND (erasures.created_at, erasure_id) < (coalesce(%(created_at)s::timestamptz, 'infinity'), %(erasure)s)
ORDER BY erasures.created_at DESC, erasure_id DESC LIMIT %(limit)s
"""
_INSERT = """
INSERT INTO erasures (erasure_id, project_id, user_id, user_sha256, requested_by, waits_for)
VALUES (%(erasure)s, %(project)s, %(user)s, %(sha256)s, %(requested_by)s, %(waits_for)s)
ON CONFLICT (project_id, user_id) WHERE user_id IS NOT NULL DO NOTHING
"""
_SAME = "SELECT erasure_id FROM erasures WHERE project_id = %(project)s AND user_id = %(user)s"

_UNDER_WAY = """
SELECT erasure_id, project_id, user_id, state, waits_for, batches, searched, events_at IS NOT NULL, created_at
FROM erasures WHERE user_id IS NOT NULL ORDER BY created_at, erasure_id
"""
_BEHIND = """
SELECT EXISTS (
    SELECT FROM unnest(%(waits_for)s::text[]) WITH ORDINALITY AS wanted(entry, place) JOIN partitions ON partition = place - 1
    WHERE (split_part(last_id, '-', 1)::numeric, split_part(last_id, '-', 2)::numeric)
        < (split_part(entry, '-', 1)::numeric, split_part(entry, '-', 2)::numeric))
"""
_KNOWN = "INSERT INTO retention (project_id) VALUES (%(project)s) ON CONFLICT DO NOTHING"
_PLACES = "INSERT INTO erasure_parts SELECT %(erasure)s, unnest(%(places)s::text[]), 0 ON CONFLICT DO NOTHING"
_LETTERS = """
SELECT dead_letter_id, content FROM dead_letters
WHERE project_id = %(project)s AND user_id IS NULL AND kind = 'events'
    AND EXISTS (SELECT FROM unnest(%(spellings)s::bytea[]) AS spelling WHERE position(spelling IN content) > 0)
"""
_DELETE_LETTERS = """
DELETE FROM dead_letters WHERE project_id = %(project)s AND (user_id = %(user)s OR dead_letter_id = ANY (%(letters)s))
"""
_DELETE_MEMBERS = """
WITH gone AS (DELETE FROM cohort_people WHERE project_id = %(project)s AND user_id = %(user)s RETURNING cohort_id)
UPDATE cohorts SET people = people - 1, revision = revision + 1, updated_at = now()
FROM gone WHERE project_id = %(project)s AND cohorts.cohort_id = gone.cohort_id
"""
_BEGIN = """
UPDATE erasures SET state = 2, batches = (SELECT array_agg(batches ORDER BY partition) FROM partitions)
WHERE erasure_id = %(erasure)s
"""
_SEARCH = f"""
INSERT INTO erasure_days
SELECT %(erasure)s, date_trunc('day', occurred_at, 'UTC')::date, array_agg(DISTINCT name)
FROM events WHERE project_id = %(project)s AND {sql.OF_PERSON} GROUP BY 2 ON CONFLICT DO NOTHING
"""  # noqa: S608
_SEARCHED = "UPDATE erasures SET searched = true WHERE erasure_id = %(erasure)s"
_DAYS = "SELECT day, names FROM erasure_days WHERE erasure_id = %(erasure)s ORDER BY day LIMIT 1"
_DAY_DONE = "DELETE FROM erasure_days WHERE erasure_id = %(erasure)s AND day = %(day)s"

_CHANGED = "UPDATE retention SET removals = removals + 1 WHERE project_id = %(project)s"
_COUNT = """
INSERT INTO erasure_parts AS had VALUES (%(erasure)s, %(place)s, %(count)s)
ON CONFLICT (erasure_id, place) DO UPDATE SET count = had.count + excluded.count
"""
_NOTE = """
UPDATE erasures SET notes = notes || %(note)s::text WHERE erasure_id = %(erasure)s AND %(note)s::text <> ALL (notes)
"""
_EVENTS_DONE = "UPDATE erasures SET events_at = now() WHERE erasure_id = %(erasure)s"
_MIRROR = """
SELECT segments_at IS NOT NULL,
    EXISTS (SELECT FROM segments WHERE segments.project_id = erasures.project_id)
    OR EXISTS (SELECT FROM frontiers WHERE frontiers.project_id = erasures.project_id)
FROM erasures WHERE erasure_id = %(erasure)s
"""
_NO_MIRROR = "SELECT pg_try_advisory_xact_lock(hashtext('tidemark mirror'))"
_EDITIONS = "SELECT count(*), max(expires_at) FROM editions WHERE project_id = %(project)s"
_COMPLETE = (
    "UPDATE erasures SET state = 3, user_id = NULL, completed_at = now() WHERE erasure_id = %(erasure)s"
)

Connection = AsyncConnection[Any]


class Store:
    """Erasures as they are asked for and about."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(
        self, project: Project, erasure_id: str, user_id: str, requested_by: str, waits_for: Sequence[str]
    ) -> Erasure:
        """The erasure of a person, made now or under way already; it waits for these entries, one of each partition."""
        place = {
            "erasure": erasure_id, "project": project.project_id, "user": user_id, "requested_by": requested_by,
            "sha256": certificate.user_sha256(certificate.name(project.slug, erasure_id), user_id),
            "waits_for": list(waits_for),
        }  # fmt: skip
        async with self._pool.connection() as connection:
            while not (await connection.execute(_INSERT, place)).rowcount:
                same = await (await connection.execute(_SAME, place)).fetchone()
                if same:
                    return await _read(connection, project, same[0])
            return await _read(connection, project, erasure_id)

    async def erasure(self, project: Project, erasure_id: str) -> Erasure:
        """An erasure; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return await _read(connection, project, erasure_id)

    async def erasures(
        self, project: Project, after: tuple[datetime, str] | None, limit: int
    ) -> list[Erasure]:
        """Erasures behind `after`, newest first."""
        created_at, erasure_id = after or (None, "")
        place = {
            "project": project.project_id, "created_at": created_at, "erasure": erasure_id, "limit": limit,
        }  # fmt: skip
        async with self._pool.connection() as connection:
            return [Erasure(*row) for row in await (await connection.execute(_LIST, place)).fetchall()]


async def _read(connection: Connection, project: Project, erasure_id: str) -> Erasure:
    place = {"project": project.project_id, "erasure": erasure_id}
    row = await (await connection.execute(_READ, place)).fetchone()
    if row is None:
        raise NotFound(
            f"there is no erasure {project.name}/erasures/{erasure_id}", reason="ERASURE_NOT_FOUND"
        )
    return Erasure(*row)


@dataclass(frozen=True, slots=True)
class Work:
    """An erasure under way."""

    erasure_id: str
    project_id: int
    user_id: str
    state: int
    waits_for: Sequence[str]
    batches: Sequence[int] | None
    searched: bool
    events_done: bool
    created_at: datetime

    @property
    def waiting(self) -> bool:
        """Whether it has not begun to remove."""
        return self.state == pb.Erasure.STATE_WAITING

    def values(self, **others: object) -> dict[str, object]:
        """For the statements above."""
        found = {"erasure": self.erasure_id, "project": self.project_id, "user": self.user_id}
        return found | {"batches": list(self.batches or ())} | others


async def under_way(connection: Connection) -> list[Work]:
    """The erasures that are not complete, oldest first."""
    return [Work(*row) for row in await (await connection.execute(_UNDER_WAY)).fetchall()]


async def behind(connection: Connection, work: Work) -> bool:
    """Whether something received before an erasure is not committed yet."""
    row = await (await connection.execute(_BEHIND, {"waits_for": list(work.waits_for)})).fetchone()
    return row is None or bool(row[0])


async def begin(connection: Connection, work: Work) -> None:
    """Removes what is not cut into days, and says what the erasure covers.

    Letters go first: a repair of one that is not committed by now will find it gone and store nothing.
    """
    async with connection.transaction():
        await connection.execute(_KNOWN, work.values())
        await connection.execute(_PLACES, work.values(places=list(certificate.PLACES)))
        values = work.values(spellings=person.spellings(work.user_id))
        found = await (await connection.execute(_LETTERS, values)).fetchall()
        letters = [number for number, content in found if person.in_letter(work.user_id, content)]
        gone = await connection.execute(_DELETE_LETTERS, work.values(letters=letters))
        await _count(connection, work, "dead_letters", gone.rowcount)
        await _count(
            connection, work, "cohorts", (await connection.execute(_DELETE_MEMBERS, work.values())).rowcount
        )
        await connection.execute(_BEGIN, work.values())


async def search(connection: Connection, work: Work) -> None:
    """Finds the days on which the person has events."""
    async with connection.transaction():
        await connection.execute(_SEARCH, work.values())
        await connection.execute(_SEARCHED, work.values())


async def next_day(connection: Connection, work: Work) -> Day | None:
    """The next day whose events are to be removed."""
    row = await (await connection.execute(_DAYS, work.values())).fetchone()
    return Day(*row) if row else None


async def erase(
    connection: Connection, work: Work, day: Day, *, locked: bool
) -> list[dict[str, object]] | None:
    """Removes the events of a day and counts its buckets anew; gives the announcements of its commits.

    Counting takes long where much happened on that day. Not `locked`, writers go on meanwhile, and None is given, and nothing is
    changed, where one of them touched the day.
    """
    values = work.values(day=day.day, names=list(day.names), start=day.start, end=day.end)
    async with connection.transaction():
        row = await (await connection.execute(sql.RAW_BEFORE, values)).fetchone()
        raw_before: datetime | None = row[0] if row else None
        touched: list[Group] = await (await connection.execute(sql.TOUCHED, values)).fetchall()
        held = sorted({partition for _, _, partition, _ in touched})
        values |= {"held": held}
        # A commit holds its buckets before it moves its partitions: whoever locks both asks in that order.
        if locked:
            await hold(connection, held)
        versions = dict(
            await (await connection.execute(sql.LOCKED if locked else sql.VERSIONS, values)).fetchall()
        )
        # Where rows are gone by retention, what is left tells nothing of buckets.
        whole = raw_before is None or raw_before <= day.start
        recount = await _recounted(connection, work, touched, values) if whole else None
        if not locked:
            await hold(connection, held)
            await connection.execute(sql.LOCKED, values)
            seen = values | {"versions": [versions[each] for each in sorted(versions)]}
            disturbed = await (await connection.execute(sql.DISTURBED, seen)).fetchone()
            if disturbed is None or disturbed[0]:
                return None
        gone = await (await connection.execute(sql.DELETE, values)).fetchone()
        await _count(connection, work, "events", gone[0] if gone else 0)
        if recount is not None:
            await _put(connection, work, day, recount)
        elif raw_before is not None:
            await connection.execute(_NOTE, work.values(note=certificate.left(raw_before.date())))
        counted = await windows.recount(
            connection, work.project_id, work.user_id, (day.start, day.end), held, raw_before
        )
        await _count(connection, work, "windows", counted)
        await connection.execute(_CHANGED, values)
        await connection.execute(_DAY_DONE, values)
        fenced = await (await connection.execute(sql.FENCE, values)).fetchall()
        for partition, version, _ in fenced:
            await connection.execute(sql.COMMIT, values | {"partition": partition, "version": version})
    return [_announcement(work, day, *each) for each in fenced]


async def _recounted(
    connection: Connection, work: Work, touched: Sequence[Group], values: Mapping[str, object]
) -> Recount:
    """What the touched buckets hold without the person."""
    recount = Recount(work.project_id, touched)
    groups = sorted({group[:3] for group in touched})
    types, names, partitions = (list(column) for column in zip(*groups)) if groups else ([], [], [])
    wanted = {"types": types, "group_names": names, "partitions": partitions}
    async with connection.cursor("left") as cursor:
        await cursor.execute(sql.LEFT, {**values, **wanted})
        while rows := await cursor.fetchmany(FETCHED):
            await asyncio.to_thread(recount.add, rows)
    return recount


async def _put(connection: Connection, work: Work, day: Day, recount: Recount) -> None:
    """Writes buckets counted anew; those with nothing left go."""
    place = (work.project_id, rollup.EVENTS, day.start, day.end)
    for width in rollup.WIDTHS_US:
        rows = [
            (key.type, key.name, at(key.bucket_us), key.partition, bucket.count,
             bucket.uniques.serialize_compact() if bucket.uniques else None)
            for key, bucket in recount.of(width)
        ]  # fmt: skip
        if rows:
            columns = [list(column) for column in zip(*rows)]
            put = await connection.execute(sql.PUT.format(width=width), (*columns, *place))
            await connection.execute(sql.CLEAR.format(width=width), place)
            await _count(connection, work, f"rollups_{width}", put.rowcount)


async def _count(connection: Connection, work: Work, place: str, count: int) -> None:
    if count:
        await connection.execute(_COUNT, work.values(place=place, count=count))


def _announcement(work: Work, day: Day, partition: int, version: int, last_id: str) -> dict[str, object]:
    project = str(work.project_id)
    return {
        "partition": partition,
        "version": version,
        "last_id": last_id,
        "projects": {project: [(us_of(day.start), us_of(day.end))]},
        "names": {project: list(day.names) if len(day.names) <= MAX_NAMES else None},
    }


def everything(work: Work) -> dict[str, object]:
    """An announcement of no commit: whatever is watched of the project is looked at again."""
    always = [(0, us_of(datetime(9999, 1, 1, tzinfo=UTC)))]
    return {"partition": 0, "version": 0, "last_id": "0-0", "projects": {str(work.project_id): always}}


async def events_done(connection: Connection, work: Work) -> None:
    """Says that no row of the person is left, so that the mirror can write segments anew."""
    await connection.execute(_EVENTS_DONE, work.values())


async def complete(connection: Connection, work: Work) -> bool:
    """Ends an erasure once no segment holds the person; whether it has ended.

    Without segments there is nothing to wait for, unless a mirror is at work, which may be writing the first.
    """
    async with connection.transaction():
        row = await (await connection.execute(_MIRROR, work.values())).fetchone()
        assert row is not None
        mirrored, segments = row
        if not mirrored:
            free = await (await connection.execute(_NO_MIRROR)).fetchone()
            if segments or not (free and free[0]):
                return False
        copies = await (await connection.execute(_EDITIONS, work.values())).fetchone()
        if copies is not None and copies[0]:
            note = certificate.kept(copies[0], copies[1].date())
            await connection.execute(_NOTE, work.values(note=note))
        # At the end, when no question finds the person any more: no rule brings them back.
        await connection.execute(sql.RULES, work.values())
        incidents = await connection.execute(sql.INCIDENTS, work.values())
        await connection.execute(sql.NOTIFICATIONS, work.values())
        await _count(connection, work, "incidents", incidents.rowcount)
        await connection.execute(_COMPLETE, work.values())
        await connection.execute(_CHANGED, work.values())
    return True

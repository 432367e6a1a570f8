"""The tables `segments` and `frontiers`: `source` reads in a question's snapshot what segments hold, `worker` writes what it made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from services.kit.calendar import Span
from services.query.columnar import layout
from services.query.columnar.erase import Erasure, Expiry, Removal
from services.query.columnar.segment import NOTHING, Frontier, Mirrored, Segment, path

# What is touched is remembered for an hour; a frontier moves at least every ten minutes.
_MIRRORED = """
SELECT frontiers.batches, frontiers.versions, moved_at > now() - interval '50 minutes',
    frontiers.received = (
        SELECT coalesce(sum(received), 0) FROM project_totals WHERE project_totals.project_id = frontiers.project_id)
FROM frontiers WHERE project_id = %s
"""
_TOUCHED = """
SELECT lower(span), upper(span)
FROM (
    SELECT unnest(range_agg(touched)) AS span
    FROM unnest(%s::bigint[]) WITH ORDINALITY AS seen(version, place)
    JOIN commits ON commits.partition = seen.place - 1 AND commits.version > seen.version
    WHERE commits.project_id = %s
) AS spans
ORDER BY span
"""
_COLUMNS = """
segment_id, project_id, month, first_batches, after_batches, rows, bytes, sha256, first_at, last_at, layout
"""
_SEGMENTS = f"""
SELECT {_COLUMNS} FROM segments
WHERE project_id = %s AND retired_at IS NULL AND first_at < %s AND last_at >= %s ORDER BY first_at, segment_id
"""  # noqa: S608
_LIVE = f"SELECT {_COLUMNS} FROM segments WHERE retired_at IS NULL ORDER BY project_id, month, segment_id"  # noqa: S608
_STATE = """
SELECT array_agg(batches ORDER BY partition), array_agg(version ORDER BY partition), sum(received)::bigint FROM partitions
"""
_RECEIVED = "SELECT coalesce(sum(received), 0)::bigint FROM project_totals WHERE project_id = %s"
_PROJECTS = """
SELECT project_id, sum(project_totals.received)::bigint, frontiers.batches, frontiers.versions, frontiers.received,
    extract(epoch FROM now() - moved_at)::float8, moved_at > now() - interval '50 minutes'
FROM project_totals LEFT JOIN frontiers USING (project_id)
GROUP BY project_id, frontiers.batches, frontiers.versions, frontiers.received, moved_at ORDER BY project_id
"""
_INSERT = f"""
INSERT INTO segments ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""  # noqa: S608
_BEGIN = "INSERT INTO frontiers VALUES (%s, '{}', '{}', 0, '-infinity') ON CONFLICT DO NOTHING"
_MOVE = """
UPDATE frontiers SET batches = %s, versions = %s, received = %s, moved_at = now() WHERE project_id = %s AND batches = %s::bigint[]
"""
_RETIRE = "UPDATE segments SET retired_at = now() WHERE segment_id = ANY (%s::uuid[]) AND retired_at IS NULL"
_FORGET = "UPDATE segments SET retired_at = now() WHERE project_id = %s AND retired_at IS NULL"
_RESTART = "DELETE FROM frontiers WHERE project_id = %s"
_GONE = "SELECT segment_id, project_id FROM segments WHERE retired_at < now() - %s * interval '1 second'"
_DROP = "DELETE FROM segments WHERE segment_id = ANY (%s::uuid[])"
_IDS = "SELECT segment_id FROM segments"
# Nobody who reads rows finds these any more; segments may still hold them.
_ERASURES = """
SELECT erasure_id, project_id, user_id, batches FROM erasures
WHERE user_id IS NOT NULL AND events_at IS NOT NULL AND segments_at IS NULL ORDER BY created_at
"""
_EXPIRIES = """
SELECT project_id, before
FROM (
    SELECT project_id, least(raw_before, date_trunc('day', now(), 'UTC') - raw_days * interval '1 day') AS before
    FROM retention WHERE raw_before IS NOT NULL AND raw_days > 0 AND applied_at >= updated_at
) AS kept
WHERE EXISTS (SELECT FROM segments WHERE segments.project_id = kept.project_id AND retired_at IS NULL AND first_at < before)
ORDER BY project_id
"""
_CHANGED = "UPDATE retention SET removals = removals + 1 WHERE project_id = %s"
_REWRITTEN = """
INSERT INTO erasure_parts AS had VALUES (%s, 'segments', 1)
ON CONFLICT (erasure_id, place) DO UPDATE SET count = had.count + excluded.count
"""
_CLEAN = "UPDATE erasures SET segments_at = now() WHERE erasure_id = %s"
_RETIRED = "SELECT segment_id FROM segments WHERE project_id = %s AND retired_at IS NOT NULL"
_LOCK = "SELECT pg_try_advisory_lock(hashtext('tidemark mirror'))"


class Outrun(Exception):
    """Another mirror has done this already; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Project:
    """How far a project is mirrored."""

    project_id: int
    waiting: int
    """What it has received since, events or not."""
    frontier: Frontier
    age: float | None
    """Seconds since the frontier moved; None where it never did."""
    remembered: bool
    """Whether it is known which times commits have touched since."""


@dataclass(frozen=True, slots=True)
class Retired:
    """A segment in whose place others have come."""

    segment_id: str
    project_id: int

    @property
    def path(self) -> str:
        """Where its file is."""
        return path(self.project_id, self.segment_id)


async def mirrored(connection: AsyncConnection[Any], project_id: int, span: Span) -> Mirrored:
    """What segments hold of a span, in the snapshot of `connection`."""
    rows = await _rows(connection, _MIRRORED, project_id)
    if not rows or not rows[0][0]:
        return NOTHING
    [(batches, versions, remembered, whole)] = rows
    tail: tuple[Span, ...] | None = ()
    if not whole:
        tail = await touched(connection, project_id, versions) if remembered else None
    found = await _rows(connection, _SEGMENTS, project_id, span.end, span.start)
    return Mirrored(tuple(batches), tuple(map(_segment, found)), tail)


async def touched(
    connection: AsyncConnection[Any], project_id: int, versions: Sequence[int]
) -> tuple[Span, ...]:
    """The spans of event time that commits after `versions` touched, in order."""
    # Planned for its values: a plan for any would read every chunk.
    found = await connection.execute(_TOUCHED, (list(versions), project_id), prepare=False)
    return tuple(Span(*row) for row in await found.fetchall())


async def elected(connection: AsyncConnection[Any]) -> bool:
    """Whether this connection's process is the one that mirrors, for as long as the connection lives."""
    [(got,)] = await _rows(connection, _LOCK)
    return bool(got)


async def state(connection: AsyncConnection[Any]) -> Frontier:
    """Where all partitions are: that is where a frontier can move to."""
    [(batches, versions, received)] = await _rows(connection, _STATE)
    return Frontier(tuple(batches or ()), tuple(versions or ()), received or 0)


async def received(connection: AsyncConnection[Any], project_id: int) -> int:
    """What a project has ever received."""
    [(found,)] = await _rows(connection, _RECEIVED, project_id)
    return int(found)


async def projects(connection: AsyncConnection[Any]) -> list[Project]:
    """Every project that has received anything."""
    return [
        Project(
            project_id,
            total - (known or 0),
            Frontier(tuple(batches or ()), tuple(versions or ()), known or 0),
            age if batches else None,
            bool(remembered and batches),
        )
        for project_id, total, batches, versions, known, age, remembered in await _rows(connection, _PROJECTS)
    ]


async def advance(
    connection: AsyncConnection[Any],
    project_id: int,
    before: Frontier,
    after: Frontier,
    segments: Sequence[Segment],
) -> None:
    """Adds segments and moves the frontier, all or nothing; raises `Outrun` when the frontier is not where it was believed."""
    async with connection.transaction():
        await connection.execute(_BEGIN, (project_id,))
        place = (list(after.batches), list(after.versions), after.received, project_id, list(before.batches))
        if (await connection.execute(_MOVE, place)).rowcount != 1:
            raise Outrun(f"the frontier of project {project_id} is not at {before.batches}")
        for segment in segments:
            await connection.execute(_INSERT, _row(segment))


async def replace(connection: AsyncConnection[Any], old: Sequence[Segment], new: Segment) -> None:
    """Puts one segment in the place of several, all or nothing; raises `Outrun` when one of those is retired already."""
    async with connection.transaction():
        retired = await connection.execute(_RETIRE, ([each.segment_id for each in old],))
        if retired.rowcount != len(old):
            raise Outrun(f"{len(old) - retired.rowcount} of {len(old)} segments are retired already")
        await connection.execute(_INSERT, _row(new))


async def removals(connection: AsyncConnection[Any]) -> list[Removal]:
    """What is to be removed from segments: people first."""
    erasures = await _rows(connection, _ERASURES)
    expiries = await _rows(connection, _EXPIRIES)
    return [
        *(Erasure(one, project, user, tuple(batches)) for one, project, user, batches in erasures),
        *(Expiry(*row) for row in expiries),
    ]


async def cleaned(
    connection: AsyncConnection[Any], removal: Removal, old: Segment, new: Segment | None
) -> None:
    """Puts a segment without what is removed in the place of another, or nothing, all or nothing; raises `Outrun` as `replace`."""
    async with connection.transaction():
        if (await connection.execute(_RETIRE, ([old.segment_id],))).rowcount != 1:
            raise Outrun(f"segment {old.segment_id} is retired already")
        if new is not None:
            await connection.execute(_INSERT, _row(new))
        await connection.execute(_CHANGED, (old.project_id,))
        if isinstance(removal, Erasure):
            await connection.execute(_REWRITTEN, (removal.erasure_id,))


async def retired(connection: AsyncConnection[Any], project_id: int) -> list[Retired]:
    """The segments of a project in whose place others have come, however lately."""
    return [
        Retired(str(segment_id), project_id)
        for (segment_id,) in await _rows(connection, _RETIRED, project_id)
    ]


async def erased(connection: AsyncConnection[Any], erasure: Erasure) -> None:
    """Says that no segment holds the person of an erasure."""
    await connection.execute(_CLEAN, (erasure.erasure_id,))


async def forget(connection: AsyncConnection[Any], project_id: int) -> None:
    """Retires all segments of a project, which is then mirrored anew."""
    async with connection.transaction():
        await connection.execute(_FORGET, (project_id,))
        await connection.execute(_RESTART, (project_id,))


async def live(connection: AsyncConnection[Any]) -> list[Segment]:
    """All segments that questions read."""
    return [_segment(row) for row in await _rows(connection, _LIVE)]


async def gone(connection: AsyncConnection[Any], seconds: float) -> list[Retired]:
    """The segments that were retired so long ago."""
    return [
        Retired(str(segment_id), project) for segment_id, project in await _rows(connection, _GONE, seconds)
    ]


async def drop(connection: AsyncConnection[Any], segment_ids: Sequence[str]) -> None:
    """Forgets segments whose files are gone."""
    await connection.execute(_DROP, (list(segment_ids),))


async def known(connection: AsyncConnection[Any]) -> set[str]:
    """The ids of all segments, the retired ones included."""
    return {str(segment_id) for (segment_id,) in await _rows(connection, _IDS)}


async def _rows(connection: AsyncConnection[Any], statement: str, *parameters: object) -> list[Any]:
    return await (await connection.execute(statement, parameters or None)).fetchall()  # type: ignore[arg-type]


def _row(segment: Segment) -> tuple[object, ...]:
    return (
        UUID(segment.segment_id),
        segment.project_id,
        segment.month,
        list(segment.first_batches),
        list(segment.after_batches),
        segment.rows,
        segment.size,
        segment.sha256,
        segment.first_at,
        segment.last_at,
        Jsonb(layout.written(segment.layout)),
    )


def _segment(row: Sequence[Any]) -> Segment:
    segment_id, project_id, month, first, after, rows, size, sha256, first_at, last_at, document = row
    return Segment(
        str(segment_id), project_id, month, tuple(first), tuple(after), rows, size, bytes(sha256), first_at, last_at,
        layout.read(document),
    )  # fmt: skip

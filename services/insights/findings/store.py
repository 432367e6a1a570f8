"""Insights, feedback and indicators in the database. Plain values and drafts come in, records and messages go out.

Every change of an insight takes the next number of its project's changes. The row that counts them is held until the transaction is
committed, so whoever reads up to a number has missed nothing. `publish` is for the transaction of those who have found something.
"""

# ruff: noqa: S608  (statements are made of constants of this file; values are always parameters)

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row

from services.insights.alerts.writer import end_for_insight, open_for_insight
from services.insights.findings import feedback as effects
from services.insights.findings.insight import Draft, followed, split
from services.insights.findings.record import IndicatorRecord, InsightRecord, Judged
from services.insights.findings.request import Wanted
from services.kit import metrics
from services.kit.call import Project
from services.kit.errors import AlreadyExists, Exhausted, Invalid, NotFound
from services.kit.repetition import remember
from services.kit.resource import made_id
from services.kit.service import Pool
from tidemark.v1 import insight_pb2 as pb

CHANNEL = "tidemark_insights"
"""On which the database says which project has a change."""
MAX_INDICATORS = 50
ALIKE = 20
"""Insights of the past that a new one is compared with."""
EXPIRED = 500
"""Insights that expire in one transaction."""

Connection = psycopg.AsyncConnection[Any]

_NEXT = """
    INSERT INTO insight_changes (project_id, last) VALUES (%s, 1)
    ON CONFLICT (project_id) DO UPDATE SET last = insight_changes.last + 1 RETURNING last
"""
_NOTIFY = f"SELECT pg_notify('{CHANNEL}', %s)"
_LAST = "SELECT last FROM insight_changes WHERE project_id = %s"
_BEFORE = """
    SELECT head, evidence, change, priority, insight_id, created_at FROM insights
    WHERE project_id = %s AND series = %s AND detector = %s AND direction = %s AND state <> %s AND ended_at >= %s
    ORDER BY ended_at DESC LIMIT 1 FOR UPDATE
"""
_COLUMNS = (
    "series, detector, type, direction, severity, priority, state, cause, feedback, search, head, evidence, created_at,"
    " ended_at, expires_at, change"
)
_PUT = f"""
    INSERT INTO insights (project_id, insight_id, {_COLUMNS})
    VALUES (%(project_id)s, %(insight_id)s, {", ".join(f"%({name.strip()})s" for name in _COLUMNS.split(","))})
    ON CONFLICT (project_id, insight_id) DO UPDATE SET
        {", ".join(f"{name.strip()} = EXCLUDED.{name.strip()}" for name in _COLUMNS.split(","))}
"""
_READ = """
    SELECT head, evidence, change, priority, insight_id, created_at, series FROM insights
    WHERE project_id = %s AND insight_id = %s
"""
_LIST = """
    SELECT head, ''::bytea AS evidence, change, priority, insight_id, created_at, {order} AS place FROM insights
    WHERE project_id = %(project_id)s AND state = ANY (%(states)s) AND severity >= %(least_severity)s
      AND (cardinality(%(types)s::smallint[]) = 0 OR type = ANY (%(types)s)) AND (%(cause)s = 0 OR cause = %(cause)s)
      AND (%(start)s::timestamptz IS NULL OR created_at >= %(start)s)
      AND (%(end)s::timestamptz IS NULL OR created_at < %(end)s)
      AND (%(search)s = '' OR strpos(search, %(search)s) > 0)
      AND (%(at)s::double precision IS NULL OR ({order}, insight_id) < (%(at)s, %(after)s))
    ORDER BY {order} DESC, insight_id DESC LIMIT %(limit)s
"""
_ORDERS = {False: "priority", True: "extract(epoch FROM created_at)::double precision"}
_CHANGES = """
    SELECT head, evidence, change, priority, insight_id, created_at FROM insights
    WHERE project_id = %s AND change > %s ORDER BY change LIMIT %s
"""
_JUDGE = """
    INSERT INTO insight_feedback (project_id, insight_id, detector, series, feedback, hour, comment, given_by)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (project_id, insight_id) DO UPDATE SET
        feedback = EXCLUDED.feedback, comment = EXCLUDED.comment, given_by = EXCLUDED.given_by, given_at = now()
"""
_SAID = "SELECT series, detector, feedback, hour FROM insight_feedback WHERE project_id = %s"
_ALIKE = """
    SELECT place::int, head
    FROM unnest(%s::text[], %s::text[], %s::smallint[], %s::timestamptz[]) WITH ORDINALITY AS new(series, detector, direction, since, place)
    CROSS JOIN LATERAL (
        SELECT head, ended_at FROM insights
        WHERE project_id = %s AND series = new.series AND detector = new.detector AND direction = new.direction
            AND feedback <> 0 AND ended_at < new.since
        ORDER BY ended_at DESC LIMIT %s
    ) AS past ORDER BY place, ended_at DESC
"""
_JUDGED = """
    SELECT detector, count(*), count(*) FILTER (WHERE feedback IN (1, 2)), count(*) FILTER (WHERE feedback = 3) FROM insights
    WHERE project_id = %s AND created_at > now() - interval '30 days' GROUP BY detector
"""
_EXPIRING = """
    SELECT project_id, insight_id, series, head, evidence FROM insights
    WHERE state IN (1, 2) AND expires_at <= now() ORDER BY project_id, insight_id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_LOCK = "SELECT FROM projects WHERE project_id = %s FOR NO KEY UPDATE"
_TAKEN = "SELECT array_agg(indicator_id::text) FROM indicators WHERE project_id = %s"
_ADD = "INSERT INTO indicators (project_id, indicator_id, definition) VALUES (%s, %s, %s)"
_INDICATORS = """
    SELECT slug AS project, indicator_id, definition, indicators.created_at
    FROM indicators JOIN projects USING (project_id) WHERE project_id = %s {one} ORDER BY indicator_id
"""
_DELETE = "DELETE FROM indicators WHERE project_id = %s AND indicator_id = %s"


async def publish(connection: Connection, project: Project, draft: Draft) -> pb.Insight | None:
    """Tells what a draft says, in the caller's transaction: a new insight, or the one before that it follows.

    None where it only goes on and nothing was told before, or what was told was a false alarm.
    """
    new = draft.insight
    change = await _next(connection, project.project_id)
    since = _since(draft)
    cursor = connection.cursor(row_factory=class_row(InsightRecord))
    await cursor.execute(
        _BEFORE,
        (project.project_id, draft.series, new.detector, new.direction, pb.Insight.STATE_EXPIRED, since),
    )
    before = await cursor.fetchone()
    if before is None and not draft.fresh:
        return None
    if before is None:
        told, insight_id = new, f"i{secrets.token_hex(8)}"
        told.name = f"{project.name}/insights/{insight_id}"
        metrics.INSIGHTS_FOUND.labels(detector=new.detector).inc()
    else:
        told = followed(before.message(), new, draft.fresh, ZoneInfo(project.time_zone))
        insight_id = before.insight_id
    dismissed = told.state == pb.Insight.STATE_DISMISSED
    if told.severity >= pb.SEVERITY_HIGH and not dismissed and not told.incident:
        told.incident = await open_for_insight(connection, project.project_id, told)
    await _put(connection, project.project_id, insight_id, draft.series, told, change)
    return None if dismissed else told


class Store:
    """The tables `insights`, `insight_feedback` and `indicators`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def insight(self, project: Project, insight_id: str) -> pb.Insight:
        """The insight, whole; raises `NotFound`."""
        async with self._pool.connection() as connection:
            return (await _read(connection, project, insight_id))[0]

    async def insights(
        self, project: Project, wanted: Wanted, after: tuple[float, str] | None, limit: int
    ) -> list[InsightRecord]:
        """Insights in the order wanted behind `after`, without the values of their evidence."""
        span = wanted.span
        values = asdict(wanted) | {
            "project_id": project.project_id, "start": span.start if span else None, "end": span.end if span else None,
            "at": after[0] if after else None, "after": after[1] if after else "", "limit": limit,
        }  # fmt: skip
        del values["span"]
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(InsightRecord))
            await cursor.execute(_LIST.format(order=_ORDERS[wanted.newest]), values)
            return await cursor.fetchall()

    async def last_change(self, project_id: int) -> int:
        """The number of the last change of a project; 0 before the first."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_LAST, (project_id,))).fetchone()
            return int(row[0]) if row else 0

    async def changes(self, project_id: int, after: int, limit: int) -> list[InsightRecord]:
        """Insights whose last change comes behind `after`, in the order of those changes."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(InsightRecord))
            await cursor.execute(_CHANGES, (project_id, after, limit))
            return await cursor.fetchall()

    async def acknowledge(self, project: Project, insight_id: str) -> pb.Insight:
        """The insight, which somebody has seen; raises `NotFound`."""
        async with self._pool.connection() as connection:
            change = await _next(connection, project.project_id)
            found, series = await _read(connection, project, insight_id)
            if found.state == pb.Insight.STATE_OPEN:
                found.state = pb.Insight.STATE_ACKNOWLEDGED
            found.update_time.FromDatetime(datetime.now(UTC))
            await _put(connection, project.project_id, insight_id, series, found, change)
            return found

    async def judge(
        self, project: Project, insight_id: str, feedback: int, comment: str, by: str
    ) -> pb.Insight:
        """The insight, of which somebody has said what it was worth; raises `NotFound`."""
        async with self._pool.connection() as connection:
            change = await _next(connection, project.project_id)
            found, series = await _read(connection, project, insight_id)
            found.state = effects.state_after(found, feedback)
            found.feedback, found.feedback_by = feedback, by  # type: ignore[assignment]
            found.update_time.FromDatetime(datetime.now(UTC))
            start = found.start_time.ToDatetime(tzinfo=UTC)
            hour = effects.hour_of_week(start, ZoneInfo(project.time_zone))
            await _put(connection, project.project_id, insight_id, series, found, change)
            await connection.execute(
                _JUDGE,
                (project.project_id, insight_id, found.detector, series, feedback, hour, comment, by),
            )
            if found.state == pb.Insight.STATE_DISMISSED:
                await end_for_insight(connection, project.project_id, found.name)
            return found

    async def said(self, project_id: int) -> effects.Said:
        """What people have said of the insights of a project."""
        async with self._pool.connection() as connection:
            return effects.said(await (await connection.execute(_SAID, (project_id,))).fetchall())

    async def alike(self, project_id: int, drafts: Sequence[Draft]) -> list[list[pb.Insight]]:
        """For each draft, the insights like it that people have said something of, newest first; not the one that it follows."""
        keys = [(each.series, each.insight.detector, each.insight.direction, _since(each)) for each in drafts]
        found: list[list[pb.Insight]] = [[] for _ in drafts]
        if keys:
            async with self._pool.connection() as connection:
                values = (*map(list, zip(*keys)), project_id, ALIKE)
                for place, head in await (await connection.execute(_ALIKE, values)).fetchall():
                    found[place - 1].append(InsightRecord(head).message())
        return found

    async def judged(self, project_id: int) -> dict[str, Judged]:
        """By detector, what people have said of its insights of 30 days."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_JUDGED, (project_id,))).fetchall()
            return {detector: Judged(*counts) for detector, *counts in rows}

    async def expire(self) -> int:
        """Ends insights whose time is over; gives how many."""
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_EXPIRING, (EXPIRED,))).fetchall()
            for project_id, insight_id, series, head, evidence in rows:
                found = InsightRecord(head, evidence).message()
                found.state = pb.Insight.STATE_EXPIRED
                found.update_time.FromDatetime(datetime.now(UTC))
                change = await _next(connection, project_id)
                await _put(connection, project_id, insight_id, series, found, change)
                await end_for_insight(connection, project_id, found.name)
            return len(rows)

    async def create_indicator(
        self, project: Project, indicator_id: str, given: pb.Indicator, request_id: uuid.UUID | None
    ) -> IndicatorRecord:
        """The indicator made now, or by an earlier request of the same id; its id is made up unless it is given."""
        async with self._pool.connection() as connection:
            await connection.execute(_LOCK, (project.project_id,))
            row = await (await connection.execute(_TAKEN, (project.project_id,))).fetchone()
            taken = set(row[0] or ()) if row else set()
            chosen = indicator_id or made_id(given.display_name, "indicator", taken)
            made = await remember(connection, request_id, f"CreateIndicator {project.project_id}", chosen)
            if made is not None:
                if indicator_id not in ("", made):
                    raise Invalid(
                        "request_id", f"has made {project.name}/indicators/{made} before; write a new one"
                    )
                return await _indicator(connection, project, made)
            if chosen in taken:
                raise AlreadyExists(
                    f"there is an indicator {project.name}/indicators/{chosen} already",
                    reason="INDICATOR_EXISTS",
                )
            if len(taken) >= MAX_INDICATORS:
                raise Exhausted(
                    f"{project.name} has {MAX_INDICATORS} indicators, which is the limit: delete one",
                    retry_after=60.0,
                    reason="TOO_MANY_INDICATORS",
                )
            values = (project.project_id, chosen, given.SerializeToString(deterministic=True))
            await connection.execute(_ADD, values)
            return await _indicator(connection, project, chosen)

    async def indicators(self, project_id: int) -> list[IndicatorRecord]:
        """The indicators of a project, by name."""
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(IndicatorRecord))
            await cursor.execute(_INDICATORS.format(one=""), (project_id,))
            return await cursor.fetchall()

    async def delete_indicator(self, project: Project, indicator_id: str) -> None:
        """Deletes the indicator; raises `NotFound`."""
        async with self._pool.connection() as connection:
            if not (await connection.execute(_DELETE, (project.project_id, indicator_id))).rowcount:
                raise _unknown(project, indicator_id)


def _since(draft: Draft) -> datetime:
    """What ended before is not followed by a draft."""
    return draft.insight.start_time.ToDatetime(tzinfo=UTC) - draft.apart


async def _next(connection: Connection, project_id: int) -> int:
    """The number of a change that is being made; the next one waits for this transaction."""
    [(change,)] = await (await connection.execute(_NEXT, (project_id,))).fetchall()
    await connection.execute(_NOTIFY, (str(project_id),))
    return int(change)


async def _put(
    connection: Connection, project_id: int, insight_id: str, series: str, insight: pb.Insight, change: int
) -> None:
    head, evidence = split(insight)
    values = {
        "project_id": project_id, "insight_id": insight_id, "series": series, "detector": insight.detector,
        "type": insight.type, "direction": insight.direction, "severity": insight.severity, "priority": insight.priority,
        "state": insight.state, "cause": insight.cause, "feedback": insight.feedback,
        "search": f"{insight.title}\n{insight.subject}".lower(), "head": head, "evidence": evidence,
        "created_at": insight.create_time.ToDatetime(tzinfo=UTC), "ended_at": insight.end_time.ToDatetime(tzinfo=UTC),
        "expires_at": insight.expire_time.ToDatetime(tzinfo=UTC), "change": change,
    }  # fmt: skip
    await connection.execute(_PUT, values)


async def _read(connection: Connection, project: Project, insight_id: str) -> tuple[pb.Insight, str]:
    """The insight and its series."""
    row = await (await connection.execute(_READ, (project.project_id, insight_id))).fetchone()
    if row is None:
        raise NotFound(
            f"there is no insight {project.name}/insights/{insight_id}", reason="INSIGHT_NOT_FOUND"
        )
    *stored, series = row
    return InsightRecord(*stored).message(), series


async def _indicator(connection: Connection, project: Project, indicator_id: str) -> IndicatorRecord:
    cursor = connection.cursor(row_factory=class_row(IndicatorRecord))
    await cursor.execute(_INDICATORS.format(one="AND indicator_id = %s"), (project.project_id, indicator_id))
    found = await cursor.fetchone()
    if found is None:
        raise _unknown(project, indicator_id)
    return found


def _unknown(project: Project, indicator_id: str) -> NotFound:
    return NotFound(
        f"there is no indicator {project.name}/indicators/{indicator_id}", reason="INDICATOR_NOT_FOUND"
    )

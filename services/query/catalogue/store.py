"""Reads quality and producers in somebody's snapshot: plain values come in from `servicer.py`, records go back."""

# ruff: noqa: S608  (statements are made of names of closed lists; every value is a parameter)

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from services.kit.calendar import Span
from services.query.catalogue.producer import ProducerRecord
from services.query.catalogue.quality import EventRecord
from services.query.plan import covering
from services.query.store import Snapshot
from services.query.where import Statement, within
from tidemark.v1.question_pb2 import SOURCE_EVENTS

SAMPLE_BYTES = 16 << 20
"""Of the properties of a sample."""
SENT_WITHIN = "7 days"
"""Who sent nothing for longer is no producer of these days."""

_SAMPLE = """
    SELECT properties FROM (
        SELECT properties, sum(octet_length(properties)) OVER (ORDER BY place) AS size FROM (
            SELECT coalesce(properties::text, '{}') AS properties, row_number() OVER (ORDER BY occurred_at DESC) AS place
            FROM events WHERE project_id = %s AND name = %s AND occurred_at >= %s AND occurred_at < %s
            ORDER BY occurred_at DESC LIMIT %s
        ) AS newest
    ) AS measured WHERE size <= %s
"""
_PRODUCERS = f"""
    WITH heard AS (
        SELECT producer_id, max(minute) AS minute, {{amounts}}
        FROM ledger WHERE project_id = %(project)s AND minute > now() - interval '{SENT_WITHIN}'
        GROUP BY producer_id
    ), page AS (
        SELECT * FROM heard
        WHERE %(minute)s::timestamptz IS NULL OR (minute, %(producer)s) < (%(minute)s, producer_id)
        ORDER BY minute DESC, producer_id LIMIT %(limit)s
    )
    SELECT page.*, coalesce(epoch, 0), coalesce(sequence, 0), source, received_at
    FROM page
    LEFT JOIN producers ON producers.project_id = %(project)s AND producers.producer_id = page.producer_id
    LEFT JOIN LATERAL (
        SELECT source, received_at FROM batches
        WHERE project_id = %(project)s AND producer_id = page.producer_id AND source <> 'repair'
            AND received_at >= page.minute AND received_at < page.minute + interval '1 minute'
        ORDER BY received_at DESC LIMIT 1
    ) AS last ON true
    ORDER BY minute DESC, page.producer_id
""".format(
    amounts=", ".join(
        f"coalesce(sum({each}) FILTER (WHERE minute > now() - interval '1 hour'), 0)::bigint"
        for each in ("received", "stored", "duplicate", "rejected", "dead_lettered")
    )
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are asked about: of whole minutes, those whose name holds a text, or the one of a name."""

    span: Span
    search: str = ""
    name: str | None = None
    limit: int = 1
    after: tuple[int, str] | None = None
    """Count and name of the last one shown."""


async def events(snapshot: Snapshot, wanted: Wanted) -> list[EventRecord]:
    """What is counted of events, largest volume first."""
    statement = _events(wanted, snapshot.project_id)
    return [EventRecord(*row) for row in await snapshot.rows(statement.text, statement.parameters)]


async def sample(snapshot: Snapshot, name: str, span: Span, size: int) -> list[dict[str, Any]]:
    """The properties of the newest events of a name."""
    values = (snapshot.project_id, name, span.start, span.end, size, SAMPLE_BYTES)
    return [orjson.loads(text) for (text,) in await snapshot.rows(_SAMPLE, values)]


async def producers(
    snapshot: Snapshot, after: tuple[datetime, str] | None, limit: int
) -> list[ProducerRecord]:
    """Who sent of late, the last one first, behind the minute and id of the last one shown."""
    minute, producer = after or (None, "")
    values = {"project": snapshot.project_id, "minute": minute, "producer": producer, "limit": limit}
    return [ProducerRecord(*row) for row in await snapshot.rows(_PRODUCERS, values)]


def _events(wanted: Wanted, project_id: int) -> Statement:
    """Reads `EventRecord`s: volume from rollups, violations from the account of quality, and the schema."""
    found = Statement()
    project = found.value(project_id)
    spans = wanted.span, wanted.span.earlier(wanted.span.length)
    counts = "\nUNION ALL\n".join(
        f"SELECT name, count, {place} AS place FROM {tile.table} WHERE project_id = {project}"
        f" AND source = {SOURCE_EVENTS} AND {within('bucket', tile.spans, found)}"
        for place, span in enumerate(spans)
        for tile in covering([span])
    )
    start, end = found.value(wanted.span.start, "timestamptz"), found.value(wanted.span.end, "timestamptz")
    limits = [f"strpos(lower(name), lower({found.value(wanted.search, 'text')})) > 0"]
    if wanted.name is not None:
        limits = [f"name = {found.value(wanted.name, 'text')}"]
    if wanted.after is not None:
        count, name = (found.value(value, cast) for value, cast in zip(wanted.after, ("bigint", "text")))
        limits.append(f"(count < {count} OR (count = {count} AND name > {name}))")
    found.text = f"""
WITH counted AS (
    SELECT name, coalesce(sum(count) FILTER (WHERE place = 0), 0)::bigint AS count,
        coalesce(sum(count) FILTER (WHERE place = 1), 0)::bigint AS previous
    FROM (\n{counts}\n) AS buckets GROUP BY name
), judged AS (
    SELECT name, sum(checked)::bigint AS checked, sum(violations)::bigint AS violations,
        sum(rule_failures)::bigint AS rule_failures, sum(dead_lettered)::bigint AS dead_lettered,
        sum(rejected)::bigint AS rejected
    FROM quality WHERE project_id = {project} AND hour >= date_trunc('hour', {start}) AND hour < {end} GROUP BY name
), planned AS (
    SELECT event_name AS name, schema_id, version, enforcement, {"NULL" if wanted.name is None else "document"} AS document
    FROM schemas JOIN schema_versions USING (project_id, schema_id, version) WHERE project_id = {project}
), known AS (
    SELECT name, coalesce(count, 0) AS count, coalesce(previous, 0) AS previous, coalesce(checked, 0) AS checked,
        coalesce(violations, 0) AS violations, coalesce(rule_failures, 0) AS rule_failures,
        coalesce(dead_lettered, 0) AS dead_lettered, coalesce(rejected, 0) AS rejected, schema_id, version, enforcement, document
    FROM counted FULL JOIN judged USING (name) FULL JOIN planned USING (name)
), page AS (
    SELECT * FROM known WHERE {" AND ".join(limits)} ORDER BY count DESC, name LIMIT {found.value(wanted.limit)}
)
SELECT page.*, newest.occurred_at
FROM page LEFT JOIN LATERAL (
    SELECT occurred_at FROM events WHERE project_id = {project} AND name = page.name ORDER BY occurred_at DESC LIMIT 1
) AS newest ON true
ORDER BY count DESC, name
"""
    return found

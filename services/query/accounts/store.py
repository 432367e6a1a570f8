"""Reads accounts in somebody's snapshot: an `Account` or a span comes in from `source` and the servicer, amounts and records go back."""

# ruff: noqa: S608  (statements are made of constants of this module; every value is a parameter)

from datetime import datetime, timedelta

from services.kit.calendar import Span
from services.query.accounts.analytics import RECEIVED_SECONDS, Partition
from services.query.accounts.ledger import Account, Amounts, recountable
from services.query.store import Snapshot

_OF = "project_id = %(project)s AND (%(producer)s = '' OR producer_id = %(producer)s)"
_AMOUNTS = ", ".join(
    f"coalesce(sum({each}), 0)::bigint"
    for each in ("received", "stored", "duplicate", "rejected", "dead_lettered")
)
_KEPT_SINCE = "SELECT ledger_before FROM retention WHERE project_id = %(project)s"
_ROWS = f"""
    SELECT producer_id, minute, received, stored, duplicate, rejected, dead_lettered
    FROM ledger
    WHERE {_OF} AND minute >= %(start)s AND minute < %(end)s
        AND (minute < %(after)s OR (minute = %(after)s AND producer_id > %(after_producer)s))
    ORDER BY minute DESC, producer_id
    LIMIT %(size)s
"""
_TOTAL = f"""
    SELECT {_AMOUNTS}, count(*) FILTER (WHERE received <> stored + duplicate + rejected + dead_lettered)
    FROM ledger WHERE {_OF} AND minute >= %(start)s AND minute < %(end)s
"""
_TOTAL_OF_ALL = f"SELECT {_AMOUNTS} FROM ledger WHERE minute >= %(start)s AND minute < %(end)s"
_BATCHES = f"FROM batches WHERE {_OF} AND received_at >= %(start)s AND received_at < %(end)s"
_STORED_BY_BATCHES = f"SELECT coalesce(sum(stored), 0)::bigint {_BATCHES}"
# The names let the index by name and time find the rows of that time.
_STORED_ROWS = f"""
    WITH committed AS MATERIALIZED (SELECT batch_id {_BATCHES} AND stored > 0)
    SELECT (
        SELECT count(*) FROM events
        WHERE project_id = %(project)s AND occurred_at >= %(first)s AND occurred_at < %(last)s
            AND name = ANY(ARRAY(
                SELECT DISTINCT name FROM rollups_1d WHERE project_id = %(project)s AND source = 1
                    AND bucket + interval '1 day' > %(first)s AND bucket < %(last)s
            ))
            AND batch_id IN (SELECT batch_id FROM committed)
    ) + (
        SELECT count(*) FROM metric_points
        WHERE project_id = %(project)s AND observed_at >= %(first)s AND observed_at < %(last)s
            AND name = ANY(ARRAY(
                SELECT DISTINCT name FROM rollups_1d WHERE project_id = %(project)s AND source = 2
                    AND bucket + interval '1 day' > %(first)s AND bucket < %(last)s
            ))
            AND batch_id IN (SELECT batch_id FROM committed)
    ) + (
        SELECT coalesce(sum(rows), 0)::bigint FROM removed_rows WHERE batch_id IN (SELECT batch_id FROM committed)
    )
"""
_EVER = ("-infinity", "infinity")
_PARTITIONS = """
    SELECT partition, CASE WHEN leased_until > now() THEN coalesce(owner, '') ELSE '' END, received, bytes, watermark, last_id,
        CASE WHEN paused_at IS NULL THEN '' ELSE paused_because END
    FROM partitions ORDER BY partition
"""
_STORED_LAST_MINUTE = """
    SELECT coalesce(sum(stored), 0)::bigint FROM batches
    WHERE {of} received_at > now() - interval '10 minutes' AND committed_at > now() - interval '1 minute'
"""
_LATENCIES = """
    SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY seconds)
    FROM (
        SELECT extract(epoch FROM committed_at - received_at)::float8 AS seconds
        FROM batches WHERE {of} received_at > now() - interval '7 days'
        ORDER BY received_at DESC LIMIT 1000
    ) AS latest
"""
_OF_PROJECT = "project_id = %(project)s AND"
# By buckets since `first`, which is `start` in seconds.
_RECEIVED = """
    SELECT (extract(epoch FROM minute)::bigint - %(first)s) / %(seconds)s AS bucket, sum(received)::bigint
    FROM ledger WHERE minute >= %(start)s AND minute < %(end)s
    GROUP BY bucket
"""
_SERVER = """
    SELECT pg_database_size(current_database()), current_setting('server_version'),
        (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb')
"""


async def kept_since(snapshot: Snapshot) -> datetime | None:
    """From when on the ledger of a project is kept; None where it is kept for ever."""
    rows = await snapshot.rows(_KEPT_SINCE, {"project": snapshot.project_id})
    return rows[0][0] if rows else None


async def ledger(
    snapshot: Snapshot, account: Account, size: int, after: tuple[datetime, str] | None
) -> list[tuple[str, datetime, Amounts]]:
    """Rows of the ledger, newest first: producer, minute and amounts."""
    minute, producer = after or (account.span.end, "")
    place = account.parameters(after=minute, after_producer=producer, size=size)
    return [(row[0], row[1], Amounts(*row[2:])) for row in await snapshot.rows(_ROWS, place)]


async def total(snapshot: Snapshot, account: Account) -> tuple[Amounts, int]:
    """The amounts of all rows of the ledger, and how many of those do not balance."""
    [(*amounts, unbalanced)] = await snapshot.rows(_TOTAL, account.parameters())
    return Amounts(*amounts), unbalanced


async def total_of_all(snapshot: Snapshot, span: Span) -> Amounts:
    """The amounts of the ledgers of all projects."""
    [amounts] = await snapshot.rows(_TOTAL_OF_ALL, {"start": span.start, "end": span.end})
    return Amounts(*amounts)


async def recounts(snapshot: Snapshot, account: Account, total: Amounts, lateness: timedelta) -> list[int]:
    """What is stored of the same minutes, counted in other ways: by batches and, where that is `recountable`, by rows; those
    that were removed since are known by their batches.

    Rows are found by the batch that brought them. They are looked for first in the time around the range that is not
    late, and only when some are missing there, in all of time.
    """
    [(by_batches,)] = await snapshot.rows(_STORED_BY_BATCHES, account.parameters())
    if not recountable(account.span.length, total):
        return [by_batches]
    for first, last in (account.near(lateness), _EVER):
        [(by_rows,)] = await snapshot.rows(_STORED_ROWS, account.parameters(first=first, last=last))
        if by_rows == total.stored:
            break
    return [by_batches, by_rows]


async def partitions(snapshot: Snapshot) -> list[Partition]:
    """All partitions, in order."""
    return [Partition(*row) for row in await snapshot.rows(_PARTITIONS)]


async def progress(snapshot: Snapshot, *, of_all: bool = False) -> tuple[int, list[float] | None]:
    """What was committed in the last minute; median and 99th percentile of the seconds from receipt to commit."""
    of, whose = ("", None) if of_all else (_OF_PROJECT, {"project": snapshot.project_id})
    [(stored,)] = await snapshot.rows(_STORED_LAST_MINUTE.format(of=of), whose)
    [(latencies,)] = await snapshot.rows(_LATENCIES.format(of=of), whose)
    return stored, latencies


async def received_of_all(snapshot: Snapshot, span: Span) -> list[int]:
    """What all projects have received, by five minutes."""
    first, width = int(span.start.timestamp()), RECEIVED_SECONDS
    place = {"first": first, "seconds": width, "start": span.start, "end": span.end}
    found: dict[int, int] = {row[0]: row[1] for row in await snapshot.rows(_RECEIVED, place)}
    return [found.get(bucket, 0) for bucket in range(int(span.length.total_seconds()) // width)]


async def server(snapshot: Snapshot) -> tuple[int, str, str]:
    """Size of the database in bytes, and the versions of PostgreSQL and TimescaleDB."""
    [(size, postgresql, timescaledb)] = await snapshot.rows(_SERVER)
    return size, postgresql, timescaledb

"""Judges what a chaos run left: the journals of the load, the database and the log come in, faults in words go out.

Rollups are computed anew from the raw rows; counts, sums and extremes must be equal, sketches within twice their error.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import psycopg
import redis
from datasketches import kll_doubles_sketch

from deploy.local.suite import Suite
from services.kit.postgres import conninfo
from services.kit.sketch import QUANTILE_ERROR, UNIQUES_ERROR, merged_quantiles, merged_uniques
from tests.chaos.load import EVENTS, POINTS, Journal

_ROWS = {
    EVENTS: "SELECT properties->>'life', (properties->>'index')::bigint FROM events",
    POINTS: "SELECT tags->>'life', (tags->>'index')::bigint FROM metric_points",
}
_WIDTHS = {"1m": "1 minute", "1h": "1 hour", "1d": "1 day"}
_RAW = {
    1: """SELECT project_id, date_bin('{width}', occurred_at, 'epoch') AS bucket, type, name, batch_id % 4096 AS partition,
                 count(*) AS count, NULL::float8 AS sum, NULL::float8 AS min, NULL::float8 AS max
          FROM events GROUP BY 1, 2, 3, 4, 5""",
    2: """SELECT project_id, date_bin('{width}', observed_at, 'epoch') AS bucket, kind AS type, name, batch_id % 4096 AS partition,
                 count(*) AS count, sum(value) AS sum, min(value) AS min, max(value) AS max
          FROM metric_points GROUP BY 1, 2, 3, 4, 5""",
}
_DIFFERENT = """
SELECT raw.*, kept.count, kept.sum, kept.min, kept.max
FROM ({raw}) AS raw FULL JOIN (SELECT * FROM rollups_{table} WHERE source = {source}) AS kept
    USING (project_id, bucket, type, name, partition)
WHERE (raw.count, raw.sum, raw.min, raw.max) IS DISTINCT FROM (kept.count, kept.sum, kept.min, kept.max)
"""
_UNIQUES = """
SELECT name, bucket, coalesce(raw.users, 0), sketches FROM (
    SELECT name, date_bin('{width}', occurred_at, 'epoch') AS bucket, count(DISTINCT user_id) AS users FROM events GROUP BY 1, 2
) AS raw FULL JOIN (
    SELECT name, bucket, array_agg(uniques) FILTER (WHERE uniques IS NOT NULL) AS sketches
    FROM rollups_{table} WHERE source = 1 GROUP BY 1, 2
) AS kept USING (name, bucket)
"""
_QUANTILES = """
SELECT name, bucket, raw.points, sketches FROM (
    SELECT name, date_bin('{width}', observed_at, 'epoch') AS bucket, array_agg(value ORDER BY value) AS points
    FROM metric_points GROUP BY 1, 2
) AS raw FULL JOIN (
    SELECT name, bucket, array_agg(quantiles) AS sketches FROM rollups_{table} WHERE source = 2 GROUP BY 1, 2
) AS kept USING (name, bucket)
"""
_MUST_BE_EMPTY = {
    "ledger rows do not balance": "SELECT * FROM ledger WHERE received <> stored + duplicate + rejected + dead_lettered",
    "batches do not balance": """
        SELECT * FROM batches JOIN (
            SELECT batch_id, count(*) AS rows FROM (SELECT batch_id FROM events UNION ALL SELECT batch_id FROM metric_points)
            GROUP BY batch_id
        ) AS raw USING (batch_id) WHERE raw.rows <> stored""",
    "rows have no batch": """
        SELECT batch_id FROM (SELECT batch_id FROM events UNION SELECT batch_id FROM metric_points)
        EXCEPT SELECT batch_id FROM batches""",
    "the ledger is not the sum of its batches": """
        SELECT producer_id, ledger.*, batches.* FROM (
            SELECT producer_id, sum(received) AS received, sum(stored) AS stored, sum(duplicate) AS duplicate FROM ledger GROUP BY 1
        ) AS ledger FULL JOIN (
            SELECT producer_id, sum(stored + duplicate + rejected + dead_lettered) AS received, sum(stored) AS stored,
                   sum(duplicate) AS duplicate
            FROM batches GROUP BY 1
        ) AS batches USING (producer_id)
        WHERE (ledger.received, ledger.stored, ledger.duplicate)
            IS DISTINCT FROM (batches.received, batches.stored, batches.duplicate)""",
    "batches of a sequence are missing or twice": """
        SELECT producer_id, epoch, count(*), min(sequence), max(sequence) FROM batches GROUP BY 1, 2
        HAVING count(*) <> max(sequence) OR min(sequence) <> 1 OR count(DISTINCT sequence) <> count(*)""",
    "partitions have received something else than their projects": """
        SELECT partition, received, projects FROM partitions LEFT JOIN (
            SELECT partition, sum(received) AS projects FROM project_totals GROUP BY 1) AS totals USING (partition)
        WHERE received <> coalesce(projects, 0)""",
    "partitions have counted other batches than there are": """
        SELECT partition, partitions.batches, count(batch_id) FROM partitions LEFT JOIN batches ON batch_id % 4096 = partition
        GROUP BY 1, 2 HAVING partitions.batches <> count(batch_id)""",
    "rows became dead letters": "SELECT reason, message FROM dead_letters",
}
_TOTALS = "SELECT sum(received), sum(stored), sum(duplicate), sum(rejected), sum(dead_lettered) FROM ledger"
_COMMITTED = "SELECT partition, last_id, received, bytes FROM partitions"


def faults(suite: Suite, lives: Sequence[Journal]) -> Iterator[str]:
    """Everything that is not as it must be, in words."""
    with psycopg.connect(conninfo(suite.postgres.url)) as connection:
        for lane in (EVENTS, POINTS):
            yield from _row_faults(connection, lane, [life for life in lives if life.lane == lane])
        for fault, statement in _MUST_BE_EMPTY.items():
            if rows := connection.execute(statement).fetchmany(5):
                yield f"{fault}: {rows}"
        received, stored, *_ = connection.execute(_TOTALS).fetchone() or (0, 0)
        (raw,) = connection.execute(
            "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM metric_points)"
        ).fetchone() or (0,)
        if stored != raw:
            yield f"the ledger says {stored} stored of {received}, the tables hold {raw}"
        for table, width in _WIDTHS.items():
            yield from _rollup_faults(connection, table, width)
        with redis.Redis.from_url(suite.redis.url, decode_responses=True) as log:
            yield from _log_faults(connection, log)


def in_flight(suite: Suite) -> int:
    """Rows that the log has taken and the database has not."""
    with (
        psycopg.connect(conninfo(suite.postgres.url)) as connection,
        redis.Redis.from_url(suite.redis.url, decode_responses=True) as log,
    ):
        waiting = 0
        for partition, _, received, _ in connection.execute(_COMMITTED):
            meta = log.hgetall(f"tm:{{{partition}}}:meta")
            waiting += abs(int(meta.get("received", 0)) - received) + abs(
                int(meta.get("received", 0)) - int(meta.get("committed_received", 0))
            )
        return waiting


def _row_faults(connection: psycopg.Connection[Any], lane: str, lives: Sequence[Journal]) -> Iterator[str]:
    seen: dict[str, Counter[int]] = {life.label: Counter() for life in lives}
    for label, index in connection.execute(_ROWS[lane]):
        seen.setdefault(label, Counter())[index] += 1
    if strangers := seen.keys() - {life.label for life in lives}:
        yield f"{lane} of unknown producers: {strangers}"
    for life in lives:
        rows = seen[life.label]
        wanted = {call for call in range(life.acknowledged) if not life.is_repeat(call)}
        if missing := sorted(wanted - rows.keys()):
            yield f"{life.label}: {len(missing)} of {len(wanted)} acknowledged {lane} are missing, as {missing[:5]}"
        if twice := sorted(index for index, count in rows.items() if count > 1):
            yield f"{life.label}: {len(twice)} {lane} are stored more than once, as {twice[:5]}"
        if invented := sorted(index for index in rows if index >= life.made or life.is_repeat(index)):
            yield f"{life.label}: {len(invented)} {lane} were never sent, as {invented[:5]}"
        if life.rejected or life.dropped or life.gaps:
            yield f"{life}: some were rejected, dropped or lost by the log"


def _rollup_faults(connection: psycopg.Connection[Any], table: str, width: str) -> Iterator[str]:
    for source, raw in _RAW.items():
        statement = _DIFFERENT.format(raw=raw.format(width=width), table=table, source=source)
        if rows := connection.execute(statement).fetchmany(3):
            yield f"rollups_{table} of source {source} differ from raw: {rows}"
    for name, bucket, users, sketches in connection.execute(_UNIQUES.format(width=width, table=table)):
        estimate = merged_uniques(sketches or []).get_estimate()
        if abs(estimate - users) > max(0.5, 2 * UNIQUES_ERROR * users):
            yield f"rollups_{table} {name} {bucket}: {estimate:.1f} unique users, truly {users}"
    for name, bucket, values, sketches in connection.execute(_QUANTILES.format(width=width, table=table)):
        if values is None or sketches is None:
            yield f"rollups_{table} {name} {bucket}: there are points without a rollup, or the other way about"
            continue
        for rank in (0.05, 0.5, 0.95):
            if fault := _rank_fault(merged_quantiles(sketches), np.array(values), rank):
                yield f"rollups_{table} {name} {bucket}: {fault}"


def _rank_fault(sketch: kll_doubles_sketch, values: np.ndarray[Any, Any], rank: float) -> str:
    """What is wrong with a quantile: its true rank, between the values below and those up to it, must be near `rank`."""
    value, slack = sketch.get_quantile(rank), 2 * QUANTILE_ERROR + 1 / len(values)
    below, up_to = np.mean(values < value), np.mean(values <= value)
    return (
        ""
        if below - slack <= rank <= up_to + slack
        else f"quantile {rank} is {value}, whose rank is {below} to {up_to}"
    )


def _log_faults(connection: psycopg.Connection[Any], log: "redis.Redis[str]") -> Iterator[str]:
    for partition, last_id, received, size in connection.execute(_COMMITTED).fetchall():
        if length := log.xlen(f"tm:{{{partition}}}:log"):
            yield f"partition {partition}: {length} committed entries are not trimmed"
        meta: dict[str, str] = log.hgetall(f"tm:{{{partition}}}:meta")
        if meta:
            said = tuple(
                int(meta.get(name, 0))
                for name in ("received", "bytes", "committed_received", "committed_bytes")
            )
            if said != (received, size, received, size) or meta.get("last_id") != last_id:
                yield f"partition {partition}: the database has {received} rows, {size} bytes up to {last_id}, the log says {meta}"
        elif received:
            yield f"partition {partition}: the log has forgotten its totals"
        projects = {
            int(key): int(value) for key, value in log.hgetall(f"tm:{{{partition}}}:projects").items()
        }
        kept = dict(
            connection.execute(
                "SELECT project_id, received FROM project_totals WHERE partition = %s", (partition,)
            ).fetchall()
        )
        if projects != kept:
            yield f"partition {partition}: in flight by project is {projects} less {kept}"

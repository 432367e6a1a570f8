"""Whether a database and its log are what they must be: what was counted is counted anew from the rows, and nothing may differ.

Comes in: connections to PostgreSQL and Redis, with nothing in flight. Goes out: faults in words, none where all is well. A drill asks it about what
came back of a backup, chaos tests about what their blows have left. Counts, sums and extremes must be equal, sketches within twice their
error. What retention has removed, or may be about to, is left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import psycopg
import redis
from datasketches import kll_doubles_sketch

from services.kit.chain import GENESIS, Entry, Verifier
from services.kit.keys import log_key, meta_key, projects_key
from services.kit.sketch import QUANTILE_ERROR, UNIQUES_ERROR, merged_quantiles, merged_uniques

Connection = psycopg.Connection[Any]
Log = redis.Redis

_WIDTHS = {"1m": "1 minute", "1h": "1 hour", "1d": "1 day"}
_SINCE = """
SELECT project_id, coalesce(greatest(
    raw_before,
    CASE WHEN minute_days > 0 THEN now() - make_interval(days => minute_days - 1) END,
    CASE WHEN hour_days > 0 THEN now() - make_interval(days => hour_days - 1) END,
    CASE WHEN day_days > 0 THEN now() - make_interval(days => day_days - 1) END
), '-infinity') AS since FROM projects LEFT JOIN retention USING (project_id)
"""
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
JOIN ({since}) AS known USING (project_id)
WHERE bucket >= since AND (
    (raw.count, raw.min, raw.max) IS DISTINCT FROM (kept.count, kept.min, kept.max)
    OR abs(raw.sum - kept.sum) > {rounding} * raw.count * raw.count * greatest(abs(raw.min), abs(raw.max))
    OR (raw.sum IS NULL) <> (kept.sum IS NULL)
)
"""
_UNIQUES = """
SELECT name, bucket, coalesce(raw.users, 0), sketches FROM (
    SELECT project_id, name, date_bin('{width}', occurred_at, 'epoch') AS bucket, count(DISTINCT user_id) AS users
    FROM events GROUP BY 1, 2, 3
) AS raw FULL JOIN (
    SELECT project_id, name, bucket, array_agg(uniques) FILTER (WHERE uniques IS NOT NULL) AS sketches
    FROM rollups_{table} WHERE source = 1 GROUP BY 1, 2, 3
) AS kept USING (project_id, name, bucket)
JOIN ({since}) AS known USING (project_id) WHERE bucket >= since
"""
_QUANTILES = """
SELECT name, bucket, raw.points, sketches FROM (
    SELECT project_id, name, date_bin('{width}', observed_at, 'epoch') AS bucket, array_agg(value ORDER BY value) AS points
    FROM metric_points GROUP BY 1, 2, 3
) AS raw FULL JOIN (
    SELECT project_id, name, bucket, array_agg(quantiles) AS sketches FROM rollups_{table} WHERE source = 2 GROUP BY 1, 2, 3
) AS kept USING (project_id, name, bucket)
JOIN ({since}) AS known USING (project_id) WHERE bucket >= since
"""
_ROUNDING = "2e-16"
"""What adding numbers up in another order may change at most, of the number of numbers, for each and the largest of them."""
_ACCOUNTED = "SELECT FROM retention WHERE retention.project_id = {project} AND ledger_before IS NOT NULL"
MUST_BE_EMPTY = {
    "ledger rows do not balance": "SELECT * FROM ledger WHERE received <> stored + duplicate + rejected + dead_lettered",
    "batches do not balance": """
        SELECT batch_id, stored, rows, removed FROM batches JOIN (
            SELECT batch_id, count(*) AS rows FROM (SELECT batch_id FROM events UNION ALL SELECT batch_id FROM metric_points)
            GROUP BY batch_id
        ) AS raw USING (batch_id) LEFT JOIN (SELECT batch_id, rows AS removed FROM removed_rows) AS gone USING (batch_id)
        WHERE stored <> rows + coalesce(removed, 0)""",
    "rows have no batch": f"""
        SELECT batch_id FROM (SELECT batch_id, project_id FROM events UNION SELECT batch_id, project_id FROM metric_points) AS raw
        WHERE NOT EXISTS ({_ACCOUNTED.format(project="raw.project_id")}) EXCEPT SELECT batch_id FROM batches""",
    "the ledger is not the sum of its batches": f"""
        SELECT producer_id, counted.*, summed.* FROM (
            SELECT project_id, producer_id, sum(received) AS received, sum(stored) AS stored, sum(duplicate) AS duplicate
            FROM ledger GROUP BY 1, 2
        ) AS counted FULL JOIN (
            SELECT project_id, producer_id, sum(stored + duplicate + rejected + dead_lettered) AS received,
                sum(stored) AS stored, sum(duplicate) AS duplicate
            FROM batches GROUP BY 1, 2
        ) AS summed USING (project_id, producer_id)
        WHERE (counted.received, counted.stored, counted.duplicate)
                IS DISTINCT FROM (summed.received, summed.stored, summed.duplicate)
            AND NOT EXISTS ({_ACCOUNTED.format(project="coalesce(counted.project_id, summed.project_id)")})""",
    "partitions have received something else than their projects": """
        SELECT partition, received, projects FROM partitions LEFT JOIN (
            SELECT partition, sum(received) AS projects FROM project_totals GROUP BY 1) AS totals USING (partition)
        WHERE received <> coalesce(projects, 0)""",
}
"""What no row may be in, by the fault that it would be."""
_COMMITTED = "SELECT partition, last_id, received, bytes FROM partitions ORDER BY partition"
_TOTALS = "SELECT project_id, sum(received)::bigint FROM project_totals GROUP BY 1"
_CHAINS = "SELECT project_id, sequence, hash FROM audit_heads ORDER BY project_id"
_CHAIN = """
SELECT project_id, occurred_at, actor, action, resource, peer, outcome, request_id, sequence, hash
FROM audit_log WHERE project_id = %s ORDER BY sequence
"""


def faults(connection: Connection, log: Log) -> Iterator[str]:
    """Everything that is not as it must be, in words."""
    for fault, statement in MUST_BE_EMPTY.items():
        if rows := connection.execute(statement).fetchmany(5):
            yield f"{fault}: {rows}"
    for table, width in _WIDTHS.items():
        yield from _rollup_faults(connection, table, width)
    yield from _chain_faults(connection)
    yield from _log_faults(connection, log)


def in_flight(connection: Connection, log: Log) -> int:
    """Rows by which database and log differ: those that the log has taken and the database has not."""
    waiting = 0
    for partition, _, received, _ in connection.execute(_COMMITTED).fetchall():
        meta = _numbers(log, meta_key(partition))
        said = meta.get(b"received", 0)
        waiting += abs(said - received) + abs(said - meta.get(b"committed_received", 0))
    return waiting


def acknowledged(log: Log, partitions: int) -> dict[int, int]:
    """What the log has taken of each project since the beginning."""
    totals: dict[int, int] = {}
    for partition in range(partitions):
        for project, received in _numbers(log, projects_key(partition)).items():
            totals[int(project)] = totals.get(int(project), 0) + received
    return totals


def lost(connection: Connection, promised: Mapping[int, int]) -> Iterator[str]:
    """Of what was acknowledged of each project, what the database has not received."""
    received: dict[int, int] = dict(connection.execute(_TOTALS).fetchall())
    for project, rows in promised.items():
        if (missing := rows - received.get(project, 0)) > 0:
            yield f"project {project}: {missing} of {rows} acknowledged events and points are missing"


def _rollup_faults(connection: Connection, table: str, width: str) -> Iterator[str]:
    for source, raw in _RAW.items():
        parts = {"table": table, "source": source, "since": _SINCE, "rounding": _ROUNDING}
        statement = _DIFFERENT.format(raw=raw.format(width=width), **parts)
        if rows := connection.execute(statement).fetchmany(3):
            yield f"rollups_{table} of source {source} differ from raw: {rows}"
    told = {"width": width, "table": table, "since": _SINCE}
    for name, bucket, users, sketches in connection.execute(_UNIQUES.format(**told)):
        estimate = merged_uniques(sketches or []).get_estimate()
        if abs(estimate - users) > max(0.5, 2 * UNIQUES_ERROR * users):
            yield f"rollups_{table} {name} {bucket}: {estimate:.1f} unique users, truly {users}"
    for name, bucket, values, sketches in connection.execute(_QUANTILES.format(**told)):
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


def _chain_faults(connection: Connection) -> Iterator[str]:
    for project, sequence, stored in connection.execute(_CHAINS).fetchall():
        verifier, fault = Verifier(), None
        with connection.cursor(f"chain_{project}") as cursor:
            for *fields, number, link in cursor.execute(_CHAIN, (project,)):
                if fault := verifier.add(number, Entry(*fields), link):
                    break
        if fault := fault or verifier.finish(sequence, stored or GENESIS):
            yield f"the audit log of project {project}: {fault.explanation}"


def _log_faults(connection: Connection, log: Log) -> Iterator[str]:
    for partition, last_id, received, size in connection.execute(_COMMITTED).fetchall():
        if length := log.xlen(log_key(partition)):
            yield f"partition {partition}: {length} committed entries are not trimmed"
        meta = log.hgetall(meta_key(partition))
        if meta:
            names = (b"received", b"bytes", b"committed_received", b"committed_bytes")
            said = tuple(int(meta.get(name, 0)) for name in names)
            if said != (received, size, received, size) or meta.get(b"last_id") != last_id.encode():
                yield f"partition {partition}: the database has {received} rows, {size} bytes up to {last_id}, the log says {meta}"
        elif received:
            yield f"partition {partition}: the log has forgotten its totals"
        projects = {int(key): value for key, value in _numbers(log, projects_key(partition)).items()}
        kept = dict(
            connection.execute(
                "SELECT project_id, received FROM project_totals WHERE partition = %s", (partition,)
            ).fetchall()
        )
        if projects != kept:
            yield f"partition {partition}: in flight by project is {projects} less {kept}"


def _numbers(log: Log, key: str) -> dict[bytes, int]:
    found: Any = log.hgetall(key)
    return {name: int(value) for name, value in found.items() if name != b"last_id"}

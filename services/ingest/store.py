"""The one transaction of the writer: rows, dead letters, rollups, ledger and position, all or nothing.

`writer` brings a microbatch; what was committed goes back to it. The last statement moves the position on only if this writer
still owns every partition at the epoch it took it with: otherwise it is a zombie, nothing is committed, and `Fenced` is raised.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pgpq
import pyarrow as pa
from pgpq import encoders, schema
from psycopg import AsyncConnection, errors

from services.ingest import ledger, rollup
from services.ingest.microbatch import Known, Mask, Microbatch, Rows
from services.ingest.outcome import Copied, Outcome, outcome
from services.ingest.rollup import Bucket, Buckets, Key
from services.ingest.windows.writer import Windows
from services.kit.instant import at, us_of
from services.kit.sketch import merged_quantiles, merged_uniques

_JSON_COLUMNS = {"properties", "context", "tags"}


class Fenced(Exception):
    """Another writer has taken a partition over; nothing was committed."""


_KNOWN = """
SELECT project_id, producer_id, epoch, sequence
FROM producers JOIN unnest(%s::int[], %s::text[]) AS wanted (project_id, producer_id) USING (project_id, producer_id)
"""
_EXISTING = """
SELECT project_id, event_id, occurred_at
FROM events JOIN unnest(%s::int[], %s::uuid[], %s::timestamptz[]) AS wanted (project_id, event_id, occurred_at)
    USING (project_id, event_id, occurred_at)
WHERE occurred_at BETWEEN %s AND %s
"""
_REFUSED = """
SELECT number - 1, message
FROM unnest(%s::text[]) WITH ORDINALITY AS given (text, number), pg_input_error_info(text, 'jsonb')
WHERE message IS NOT NULL
"""
_BUCKETS = """
SELECT project_id, source, type, name, bucket, partition, count, sum, min, max, uniques, quantiles
FROM rollups_{width}
JOIN unnest(%s::int[], %s::smallint[], %s::smallint[], %s::text[], %s::timestamptz[], %s::smallint[])
    AS wanted (project_id, source, type, name, bucket, partition)
    USING (project_id, source, type, name, bucket, partition)
WHERE bucket BETWEEN %s AND %s
"""
_PUT_BUCKETS = """
INSERT INTO rollups_{width}
    (project_id, source, type, name, bucket, partition, count, sum, min, max, uniques, quantiles)
SELECT * FROM unnest(
    %b::int[], %b::smallint[], %b::smallint[], %b::text[], %b::timestamptz[], %b::smallint[],
    %b::bigint[], %b::float8[], %b::float8[], %b::float8[], %b::bytea[], %b::bytea[])
ON CONFLICT (project_id, source, name, bucket, type, partition) DO UPDATE SET
    count = excluded.count, sum = excluded.sum, min = excluded.min, max = excluded.max,
    uniques = excluded.uniques, quantiles = excluded.quantiles
"""
# No lock of the rows of `partitions`: a lease is renewed there while a commit takes long.
_HOLD = "SELECT pg_advisory_xact_lock(%s, partition) FROM unnest(%s::int[]) AS partition"
_BUCKETS_OF = 0x7469_6465
"""The first of the two numbers of such a lock; the second is the partition."""
_MOVE = """
UPDATE partitions SET
    last_id = moved.last_id, version = moved.version, batches = moved.batches, received = moved.received,
    bytes = moved.bytes, watermark = greatest(partitions.watermark, moved.watermark), lateness = moved.lateness, leased_until = now() + %s
FROM unnest(%s::smallint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::timestamptz[], %s::interval[])
    AS moved (partition, epoch, from_id, last_id, version, batches, received, bytes, watermark, lateness)
WHERE partitions.partition = moved.partition AND partitions.epoch = moved.epoch AND partitions.last_id = moved.from_id
"""
# In order, so that two commits never wait for each other.
_OPEN_LETTERS = """
SELECT dead_letter_id FROM dead_letters WHERE dead_letter_id = ANY (%s) AND state = 1 ORDER BY dead_letter_id FOR UPDATE
"""
_FORGET_COMMITS = "DELETE FROM commits WHERE committed_at < now() - interval '1 hour'"


async def known(connection: AsyncConnection[Any], producers: Iterable[tuple[int, str]]) -> Known:
    """Epoch and sequence of the last batch committed of each of `producers`."""
    wanted = list(producers)
    rows = await (await connection.execute(_KNOWN, _columns(wanted, 2))).fetchall()
    return {(project, producer): (epoch, sequence) for project, producer, epoch, sequence in rows}


async def forget_commits(connection: AsyncConnection[Any]) -> None:
    """Drops what no watcher can resume from any more."""
    await connection.execute(_FORGET_COMMITS)


async def hold(connection: AsyncConnection[Any], partitions: Iterable[int]) -> None:
    """Until the transaction ends nobody else who holds them changes buckets of these partitions; to be asked for before any bucket."""
    await connection.execute(_HOLD, (_BUCKETS_OF, sorted(partitions)))


async def commit(
    connection: AsyncConnection[Any],
    work: Microbatch,
    buckets: Buckets,
    lease: timedelta,
    windows: Windows | None = None,
) -> tuple[Outcome, dict[int, dict[int, list[tuple[int, int]]]]]:
    """Commits `work` and renews the lease; gives what became of it and the spans of event time it touched.

    On any error nothing is committed and `buckets` must be thrown away. Raises `Fenced`, `Outdated`, and psycopg's errors.
    """
    windows = windows or Windows()
    await windows.learn(connection, work)
    async with connection.transaction():
        if letters := work.letters():
            cursor = await connection.execute(_OPEN_LETTERS, (letters,))
            work = work.repairing([letter for (letter,) in await cursor.fetchall()])
        events = await _copy(connection, "events", work.events, ~work.repeated_ids)
        points = await _copy(connection, "metric_points", work.points, None)
        result = outcome(work, events, points)
        touched = result.touched(work.batches)
        kept = await windows.kept(connection, result.events, work)
        # One round trip for all that follows: on a busy machine each costs more than its statement.
        try:
            async with connection.pipeline():
                await hold(connection, work.after)
                await _put_buckets(connection, buckets, result, work)
                present = await kept.put(connection)
                for statement, rows in ledger.account(work, result, touched):
                    if rows:
                        await connection.execute(statement, _columns(rows, len(rows[0])))
                moved = await connection.execute(_MOVE, (lease, *_moves(work)))
        except errors.UniqueViolation as error:
            raise Fenced("these batches are committed already") from error
        if moved.rowcount != len(work.after):
            raise Fenced(
                f"{len(work.after) - moved.rowcount} of {len(work.after)} partitions have another owner"
            )
        await kept.check(present)
    return result, touched


async def _copy(connection: AsyncConnection[Any], table: str, rows: Rows, wanted: Mask | None) -> Copied:
    """Copies the `wanted` rows; gives which were fresh, which storable, and why the others, in order, were not.

    Hopes that every id is new and every row storable, which costs nothing, and asks which are not only when the database
    objects.
    """
    count = len(rows.batch)
    fresh, storable = np.ones(count, np.bool_), np.ones(count, np.bool_)
    messages: dict[int, str] = {}
    todo = [np.arange(count) if wanted is None else np.flatnonzero(wanted)]
    while todo:
        part = todo.pop()
        if not len(part):
            continue
        try:
            async with connection.transaction():
                await _copy_rows(
                    connection, table, rows.table if len(part) == count else rows.table.take(part)
                )
        except errors.UniqueViolation:
            held = await _existing(connection, rows.table.take(part))
            fresh[part[held]] = False
            todo.append(part[~held])
        except errors.DataError as error:
            refused = await _refused(connection, rows.table.take(part))
            if not refused and len(part) == 1:
                refused = {0: str(error).partition("\n")[0]}
            messages |= {int(part[index]): message for index, message in refused.items()}
            storable[part[list(refused)]] = False
            if refused:
                todo.append(part[storable[part]])
            else:
                todo += [part[: len(part) // 2], part[len(part) // 2 :]]
    return Copied(fresh, storable, [messages[row] for row in sorted(messages)])


async def _copy_rows(connection: AsyncConnection[Any], name: str, table: pa.Table) -> None:
    encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(table.schema, _encoders(table.schema))
    columns = ", ".join(table.column_names)
    async with connection.cursor().copy(f"COPY {name} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        await copy.write(encoder.write_header())
        for part in table.to_batches(max_chunksize=5_000):
            await copy.write(encoder.write_batch(part))
        await copy.write(encoder.finish())


def _encoders(table: pa.Schema) -> dict[str, Any]:
    return {
        column.name: encoders.StringEncoderBuilder.new_with_output(column, schema.Jsonb())
        if column.name in _JSON_COLUMNS
        else pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(column)
        for column in table
    }


async def _existing(connection: AsyncConnection[Any], events: pa.Table) -> Mask:
    """Which of `events` the database holds, shape (rows,)."""
    projects, ids = events["project_id"].to_pylist(), events["event_id"].to_pylist()
    times = [at(us) for us in events["occurred_at"].cast(pa.int64()).to_pylist()]
    parameters = (projects, [value.hex() for value in ids], times, min(times), max(times))
    rows = await (await connection.execute(_EXISTING, parameters)).fetchall()
    held = {(project, event_id.bytes, occurred_at) for project, event_id, occurred_at in rows}
    return np.array([identity in held for identity in zip(projects, ids, times)], np.bool_)


async def _refused(connection: AsyncConnection[Any], table: pa.Table) -> dict[int, str]:
    """The rows with JSON that is right by the standard but not storable as jsonb, such as 1e-20000, and why."""
    refused: dict[int, str] = {}
    for name in sorted(_JSON_COLUMNS & set(table.column_names)):
        cursor = await connection.execute(_REFUSED, (table[name].to_pylist(),))
        refused |= dict(await cursor.fetchall())
    return refused


async def _put_buckets(
    connection: AsyncConnection[Any], buckets: Buckets, result: Outcome, work: Microbatch
) -> None:
    gains = rollup.deltas(result.events, result.points, work.batches)
    asked = buckets.unknown(gains)
    by_width: defaultdict[str, list[Key]] = defaultdict(list)
    for key in asked:
        by_width[key.width].append(key)
    stored: dict[Key, Bucket] = {}
    for width, keys in by_width.items():
        times = [at(key.bucket_us) for key in keys]
        parameters = (*_key_columns(keys), min(times), max(times))
        stored |= {key: bucket async for key, bucket in _read_buckets(connection, width, parameters)}
    buckets.learn(stored, asked)
    changed = buckets.add(gains)
    for width in rollup.WIDTHS_US:
        rows = [(key, bucket) for key, bucket in changed.items() if key.width == width]
        if rows:
            values = [
                (
                    bucket.count,
                    bucket.sum,
                    bucket.min,
                    bucket.max,
                    bucket.uniques.serialize_compact() if bucket.uniques else None,
                    bucket.quantiles.serialize() if bucket.quantiles else None,
                )
                for _, bucket in rows
            ]
            parameters = (*_key_columns([key for key, _ in rows]), *_columns(values, 6))
            await connection.execute(_PUT_BUCKETS.format(width=width), parameters)


async def _read_buckets(
    connection: AsyncConnection[Any], width: str, parameters: Sequence[object]
) -> AsyncIterator[tuple[Key, Bucket]]:
    rows = await connection.execute(_BUCKETS.format(width=width), parameters)
    async for (
        project,
        source,
        type_,
        name,
        bucket,
        partition,
        count,
        total,
        least,
        most,
        uniques,
        quantiles,
    ) in rows:
        yield (
            Key(width, project, source, type_, name, us_of(bucket), partition),
            Bucket(
                count,
                total,
                least,
                most,
                merged_uniques([uniques]) if uniques else None,
                merged_quantiles([quantiles]) if quantiles else None,
            ),
        )


def _key_columns(keys: Sequence[Key]) -> list[list[Any]]:
    return _columns([(k.project_id, k.source, k.type, k.name, at(k.bucket_us), k.partition) for k in keys], 6)


def _moves(work: Microbatch) -> list[list[Any]]:
    return _columns(
        [
            (
                partition,
                position.epoch,
                work.before[partition].last_id,
                position.last_id,
                position.version,
                position.batches,
                position.received,
                position.bytes,
                at(position.watermark_us),
                timedelta(microseconds=position.lateness_us),
            )
            for partition, position in work.after.items()
        ],
        10,
    )


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows turned into the arrays that `unnest` takes."""
    return [list(column) for column in zip(*rows)] if rows else [[] for _ in range(width)]

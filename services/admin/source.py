"""What an installation says of itself: PostgreSQL, Redis and the disk of segments are asked, measurements go out to `diagnosis.py`."""

import asyncio
import math
import shutil
import time
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from services.admin.diagnosis import Facts, Log, Partition
from services.kit.cluster import clocks, masters
from services.kit.keys import log_key, meta_key
from services.kit.migrate import migrations
from services.kit.service import Resources

_SERVER = """
    SELECT extract(epoch FROM clock_timestamp())::float8, (SELECT max(number) FROM migrations),
        (SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM pg_settings
         WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'),
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), current_setting('max_connections')::integer,
        (SELECT count(*) FROM writers WHERE seen_at > now() - %s * interval '1 second')
"""
# 0.9 of the lateness is kept each time a partition is idle (LATENESS_DECAY): the watermark is one step behind it.
_PARTITIONS = """
    SELECT partition, leased_until > now(), CASE WHEN paused_at IS NULL THEN '' ELSE coalesce(nullif(paused_because, ''), '?') END,
        coalesce(extract(epoch FROM now() - watermark - lateness / 0.9)::float8, 0), received, bytes, last_id
    FROM partitions ORDER BY partition
"""
_LETTERS = """
    SELECT reason, sum(count)::bigint AS count FROM projects, LATERAL (
        SELECT reason, count(*) FROM dead_letters
        WHERE dead_letters.project_id = projects.project_id AND received_at > now() - interval '1 hour' GROUP BY reason) AS lately
    GROUP BY reason ORDER BY count DESC
"""
_ERASURES = "SELECT coalesce(extract(epoch FROM now() - min(created_at))::float8, 0) FROM erasures WHERE user_id IS NOT NULL"
_MIRROR = """
    SELECT max(extract(epoch FROM now() - coalesce(moved_at, created_at))::float8) FROM (
        SELECT project_id, sum(received)::bigint AS received FROM project_totals GROUP BY project_id) AS totals
    JOIN projects USING (project_id) LEFT JOIN frontiers USING (project_id)
    WHERE totals.received > coalesce(frontiers.received, 0) AND isfinite(coalesce(moved_at, created_at))
"""
# A task that was due long ago, while nothing came, is late from the moment on at which something came.
_LATE = {
    "insights series": """
        SELECT max(extract(epoch FROM now() - greatest(due_at, leased_until, came_at))::float8)
        FROM (SELECT * FROM insight_work WHERE due_at < now() - interval '1 minute' AND leased_until < now()
              ORDER BY due_at LIMIT 100) AS work
        JOIN (SELECT project_id, sum(received)::bigint AS received FROM project_totals GROUP BY project_id) AS totals USING (project_id)
        CROSS JOIN LATERAL (
            SELECT min(committed_at) AS came_at FROM batches WHERE batches.project_id = work.project_id
            AND received_at > greatest(coalesce(looked_at, '-infinity'), now() - interval '1 day')) AS first
        WHERE totals.received > seen AND came_at IS NOT NULL
    """,
    "insights alert rules": "SELECT max(extract(epoch FROM now() - due_at)::float8) FROM alert_rules WHERE NOT disabled",
    "insights models": """
        SELECT max(extract(epoch FROM now() - greatest(due_at, leased_until))::float8) FROM models WHERE serving IS NOT NULL
    """,
    "insights notifications": "SELECT max(extract(epoch FROM now() - next_at)::float8) FROM notifications WHERE state = 1",
    "reports schedules": "SELECT max(extract(epoch FROM now() - due_at)::float8) FROM schedules WHERE due_at IS NOT NULL",
    "reports waiting runs": "SELECT max(extract(epoch FROM now() - due_at)::float8) FROM waiting_runs",
    "reports deliveries": "SELECT max(extract(epoch FROM now() - next_at)::float8) FROM deliveries WHERE state = 1",
}
"""What works by itself, beginning with the target that does it: for how long the most belated piece has been due."""
_RETRIED = {
    "unanswered notifications": "SELECT count(*) FROM notifications WHERE state = 1 AND attempts >= 3",
    "unanswered deliveries": "SELECT count(*) FROM deliveries WHERE state = 1 AND attempts >= 3",
}
_PROMISES = ("no", "", "everysec", "always")
"""What `appendfsync` may say, the weakest first; empty where it is not told."""
_WRITES = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")


async def measured(resources: Resources) -> Facts:
    """Everything that `diagnosis.checks` looks at. Raises what PostgreSQL raises; without Redis it says so."""
    settings = resources.settings
    async with resources.pool.connection() as connection:
        began = time.time()
        server = await _row(connection, _SERVER, settings.lease_seconds)
        skew = _skew(server[0], began, time.time())
        rows = await (await connection.execute(_PARTITIONS)).fetchall()
        letters = await (await connection.execute(_LETTERS)).fetchall()
        (erasure,) = await _row(connection, _ERASURES)
        (mirror,) = await _row(connection, _MIRROR)
        late = {name: max(0.0, (await _row(connection, text))[0] or 0.0) for name, text in _LATE.items()}
        retried = {name: int((await _row(connection, text))[0]) for name, text in _RETRIED.items()}
    log: Log | str
    try:
        log = await _log(resources.redis, [row[6] for row in rows])
    except RedisError as error:
        log = " ".join(str(error).split()).rstrip(".")
    return Facts(
        known_migrations=len(await asyncio.to_thread(migrations)),
        applied_migrations=server[1],
        unsafe=server[2],
        connections=server[3],
        connection_limit=server[4],
        database_skew_seconds=skew,
        writers=server[5],
        partitions=[Partition(*row[:6]) for row in rows],
        letters=[(reason, count) for reason, count in letters],
        erasure_seconds=erasure,
        mirror_seconds=mirror,
        late=late,
        retried=retried,
        log=log,
        backlog_limit=settings.backlog_bytes,
        segments_folder=settings.segments_folder,
        mirror_every_seconds=settings.mirror_seconds,
        disk=await asyncio.to_thread(_disk, settings.segments_folder),
    )


async def _log(redis: Redis, committed: list[str]) -> Log:
    """Of the masters of a cluster, each figure as it is where it is worst."""
    told = [await _server(each) for each in masters(redis)]
    async with redis.pipeline(transaction=False) as pipe:
        for partition, last_id in enumerate(committed):
            pipe.hmget(meta_key(partition), "received", "bytes")
            pipe.xrange(log_key(partition), min=f"({last_id}", count=1)
        answers = await pipe.execute()
    appended = [(int(rows or 0), int(size or 0)) for rows, size in answers[::2]]
    now = await clocks(redis, map(log_key, range(len(committed))))
    oldest = [at - int(each[0][0].partition(b"-")[0]) / 1e3 for at, each in zip(now, answers[1::2]) if each]
    fullest = max(told, key=lambda each: each.memory / each.memory_limit if each.memory_limit else math.inf)
    return Log(
        skew_seconds=max((each.skew_seconds for each in told), key=abs),
        append_only=all(each.append_only for each in told),
        append_fsync=min((each.append_fsync for each in told), key=_PROMISES.index),
        eviction=next((each.eviction for each in told if each.eviction != "noeviction"), "noeviction"),
        failing=sorted({name for each in told for name in each.failing}),
        memory=fullest.memory,
        memory_limit=fullest.memory_limit,
        appended=appended,
        oldest_seconds=max(0.0, *oldest, 0.0),
    )


async def _server(redis: Redis) -> Log:
    """What one server says of itself, and nothing of the log."""
    began = time.time()
    seconds, microseconds = await redis.time()  # type: ignore[misc]
    skew = _skew(seconds + microseconds / 1e6, began, time.time())
    info: dict[str, Any] = await redis.info("everything")
    try:
        fsync = (await redis.config_get("appendfsync")).get("appendfsync") or ""
    except ResponseError:  # Hosted servers hide their configuration.
        fsync = ""
    return Log(
        skew_seconds=skew,
        append_only=bool(info["aof_enabled"]),
        append_fsync=fsync,
        eviction=info["maxmemory_policy"],
        failing=[name for name in _WRITES if info.get(name, "ok") != "ok"],
        memory=info["used_memory"],
        memory_limit=info["maxmemory"],
        appended=(),
        oldest_seconds=0.0,
    )


async def _row(connection: Any, statement: str, *values: object) -> Any:
    return await (await connection.execute(statement, values or None)).fetchone()


def _skew(told: float, began: float, ended: float) -> float:
    """How far another clock is ahead of ours, for sure: an answer that took long proves nothing."""
    return told - ended if told > ended else min(0.0, told - began)


def _disk(folder: str) -> tuple[int, int] | None:
    try:
        usage = shutil.disk_usage(folder) if folder else None
    except OSError:
        return None
    return None if usage is None else (usage.free, usage.total)

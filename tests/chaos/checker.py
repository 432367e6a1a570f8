"""Judges what a chaos run left: the journals of the load, the database and the log come in, faults in words go out.

What must be true of every database is asked of `deploy.backup.proof`; what is known of this load is asked here.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import psycopg
import redis

from deploy.backup import proof
from deploy.local.suite import Suite
from services.kit.postgres import conninfo
from tests.chaos.load import EVENTS, POINTS, Journal

_ROWS = {
    EVENTS: "SELECT properties->>'life', (properties->>'index')::bigint FROM events",
    POINTS: "SELECT tags->>'life', (tags->>'index')::bigint FROM metric_points",
}
_MUST_BE_EMPTY = {
    "batches of a sequence are missing or twice": """
        SELECT producer_id, epoch, count(*), min(sequence), max(sequence) FROM batches GROUP BY 1, 2
        HAVING count(*) <> max(sequence) OR min(sequence) <> 1 OR count(DISTINCT sequence) <> count(*)""",
    "partitions have counted other batches than there are": """
        SELECT partition, partitions.batches, count(batch_id) FROM partitions LEFT JOIN batches ON batch_id % 4096 = partition
        GROUP BY 1, 2 HAVING partitions.batches <> count(batch_id)""",
    "rows became dead letters": "SELECT reason, message FROM dead_letters",
}
_TOTALS = "SELECT sum(received), sum(stored), sum(duplicate), sum(rejected), sum(dead_lettered) FROM ledger"


def faults(suite: Suite, lives: Sequence[Journal]) -> Iterator[str]:
    """Everything that is not as it must be, in words."""
    with ExitStack() as stack:
        connection, log = (stack.enter_context(each) for each in _stores(suite))
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
        yield from proof.faults(connection, log)


def in_flight(suite: Suite) -> int:
    """Rows that the log has taken and the database has not."""
    with ExitStack() as stack:
        connection, log = (stack.enter_context(each) for each in _stores(suite))
        return proof.in_flight(connection, log)


def _stores(suite: Suite) -> tuple[psycopg.Connection[Any], redis.Redis]:
    """The log is the one that the members have. A cluster is read by another client than theirs."""
    url = suite.environment["TIDEMARK_REDIS_URL"]
    kind: Any = redis.RedisCluster if "+cluster:" in url else redis.Redis
    return psycopg.connect(conninfo(suite.postgres.url)), kind.from_url(url.replace("+cluster:", ":"))


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

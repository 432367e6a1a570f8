"""What a database must be: what retention has removed is no fault, what anybody else has removed is one."""

import psycopg
import pytest
import redis

from deploy.backup import proof
from services.kit.postgres import conninfo

DAYS = """
INSERT INTO events (project_id, event_id, occurred_at, batch_id, type, late, name)
SELECT 1, gen_random_uuid(), date_trunc('day', now()) - make_interval(days => n / 10) + '1 hour', 4096 + n / 10, 1, false, 'tick'
FROM generate_series(0, 99) AS n
"""
ROLLUP = """
INSERT INTO rollups_{table} (project_id, bucket, source, type, partition, name, count)
SELECT project_id, date_bin('{width}', occurred_at, 'epoch'), 1, type, batch_id % 4096, name, count(*) FROM events GROUP BY 1, 2, 4, 5, 6
"""
BATCHES = """
INSERT INTO batches (batch_id, project_id, producer_id, epoch, sequence, entry_id, received_at, stored, duplicate, rejected, dead_lettered)
SELECT batch_id, 1, 'p', 1, row_number() OVER (), '1-1', now(), count(*), 0, 0, 0 FROM events GROUP BY 1
"""
LEDGER = "INSERT INTO ledger SELECT 1, 'p', date_trunc('minute', now()), sum(stored), sum(stored), 0, 0, 0 FROM batches"
OLD = "occurred_at < date_trunc('day', now()) - INTERVAL '3 days'"
COUNT = f"INSERT INTO removed_rows SELECT batch_id, 1, count(*) FROM events WHERE {OLD} GROUP BY 1"
REMOVE = f"DELETE FROM events WHERE {OLD}"
KEPT = """
INSERT INTO retention (project_id, raw_days, raw_before) VALUES (1, 3, date_trunc('day', now()) - INTERVAL '3 days')
"""


@pytest.mark.parametrize("by_retention", [True, False])
def test_what_retention_has_removed_is_no_fault(database: str, redis_url: str, by_retention: bool) -> None:
    with psycopg.connect(conninfo(database)) as connection, redis.Redis.from_url(redis_url) as log:
        connection.execute("INSERT INTO projects (slug) VALUES ('kept')")
        connection.execute(DAYS)
        for table, width in (("1m", "1 minute"), ("1h", "1 hour"), ("1d", "1 day")):
            connection.execute(ROLLUP.format(table=table, width=width))
        connection.execute(BATCHES)
        connection.execute(LEDGER)
        assert list(proof.faults(connection, log)) == []
        if by_retention:
            connection.execute(COUNT)
            connection.execute(KEPT)
        connection.execute(REMOVE)
        found = " ".join(proof.faults(connection, log))
    assert ("rollups_1d of source 1 differ from raw" in found) == (not by_retention)
    assert not by_retention or found == ""

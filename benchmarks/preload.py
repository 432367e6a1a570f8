"""Fills `events` with many rows by a fast path: the server makes them itself, behind the platform's back.

They are like those of `load.py`, spread evenly over the four weeks before now, with UUIDv7 ids that sort by time. The indexes
are dropped meanwhile and built at the end. Rollups, ledger and totals know nothing of these rows.
"""

from typing import Any

import psycopg

_BLOCK = 1_000_000
_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'events' AND schemaname = 'tidemark'"
_ROWS = """
INSERT INTO events (project_id, event_id, occurred_at, batch_id, type, late, name, user_id, session_id, properties)
SELECT
    (SELECT min(project_id) FROM projects),
    overlay(overlay(gen_random_uuid()::text PLACING lpad(to_hex(ms >> 16), 8, '0') FROM 1 FOR 8)
        PLACING lpad(to_hex(ms & 65535), 4, '0') || '-7' FROM 10 FOR 6)::uuid,
    to_timestamp(ms / 1000.0), 0, 1, false, 'event_' || row %% 20, 'user-' || row * 7919 %% 5000, 'user-' || row * 31 %% 5000,
    jsonb_build_object('path', '/products/' || row %% 10000 || '/overview', 'referrer', 'search', 'amount', row %% 9999 / 100.0,
        'currency', 'EUR', 'items', row %% 9, 'member', row %% 3 = 0)
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS row,
    LATERAL (SELECT (extract(epoch FROM now() - interval '1 hour') * 1000
        - (%(total)s - row) * (2419200000.0 / %(total)s))::bigint AS ms)
"""


def fill(connection: psycopg.Connection[Any], rows: int) -> None:
    """Adds `rows` rows."""
    indexes = connection.execute(_INDEXES).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    for first in range(1, rows + 1, _BLOCK):
        last = min(first + _BLOCK - 1, rows)
        connection.execute(_ROWS, {"first": first, "last": last, "total": rows})
        print(f"  preloaded {last:,} of {rows:,} rows", flush=True)
    for _, definition in indexes:
        connection.execute(definition)
    connection.execute("CHECKPOINT")

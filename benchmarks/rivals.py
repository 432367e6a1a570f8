"""The rival of the write path: COPY of the same rows, by one client, into a twin of the hypertable with the same indexes.

Rows come out of `events` as they were stored; how fast they go into the twin, as text and as binary, comes back.
"""

import time
from typing import Any

import psycopg

_TWIN = """
CREATE TABLE twin (LIKE events INCLUDING DEFAULTS);
SELECT create_hypertable('twin', by_range('occurred_at', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX ON twin (event_id, project_id, occurred_at);
CREATE INDEX ON twin (project_id, name, occurred_at DESC);
"""
_CHUNK = 256 << 10


def copy_rates(connection: psycopg.Connection[Any], most_rows: int) -> dict[str, float]:
    """Rows a minute of a `text` and of a `binary` COPY, each into an empty twin in one transaction; the better of two tries."""
    rates = {}
    for form in ("text", "binary"):
        data = _rows(connection, form, most_rows)
        rates[form] = max(_rate(connection, form, data) for _ in range(2))
    return rates


def _rows(connection: psycopg.Connection[Any], form: str, most_rows: int) -> bytes:
    """Rows as they lie in the table, which is about in the order of time."""
    rows = f"SELECT * FROM events LIMIT {most_rows}"
    with connection.cursor() as cursor, cursor.copy(f"COPY ({rows}) TO STDOUT (FORMAT {form})") as copy:
        return b"".join(copy)


def _rate(connection: psycopg.Connection[Any], form: str, data: bytes) -> float:
    for statement in _TWIN.strip().split("\n"):
        connection.execute(statement)
    began = time.perf_counter()
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY twin FROM STDIN (FORMAT {form})") as copy:
            for start in range(0, len(data), _CHUNK):
                copy.write(data[start : start + _CHUNK])
        seconds = time.perf_counter() - began
        count = cursor.rowcount
    connection.execute("DROP TABLE twin")
    return 60 * count / seconds

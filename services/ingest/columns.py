"""The columns in which events and metric points travel from validation to the database.

One schema for each version of a log entry, kept for ever: an entry written by an old release must decode in every later one.
Rows of the log carry what the client said; the writer adds what it knows (project, batch, lateness) to make database rows.
"""

import pyarrow as pa

EVENTS = pa.schema(
    [
        pa.field("event_id", pa.binary(16), nullable=False),
        pa.field("type", pa.int16(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("occurred_at", pa.timestamp("us"), nullable=False),
        pa.field("user_id", pa.string()),
        pa.field("session_id", pa.string()),
        pa.field("properties", pa.string()),
        pa.field("context", pa.string()),
    ]
)
"""Events of entry version 1; `properties` and `context` are JSON objects, times are UTC."""

POINTS = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("kind", pa.int16(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("observed_at", pa.timestamp("us"), nullable=False),
        pa.field("unit", pa.string()),
        pa.field("tags", pa.string()),
    ]
)
"""Metric points of entry version 1; `tags` is a JSON object of strings."""

EVENTS_2 = EVENTS.append(pa.field("fault", pa.string()))
"""Events of entry version 2; `fault` is null, or says why the row shall become a dead letter: a JSON object of `reason` (SCHEMA or
RULE), `field` and `message`."""

SCHEMAS = {(1, "events"): EVENTS, (1, "points"): POINTS, (2, "events"): EVENTS_2, (2, "points"): POINTS}
"""Every (version, kind) of entry ever written, with its columns."""

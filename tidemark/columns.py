"""The columnar door: a `pyarrow` table comes in, bodies of Arrow batches for `producer.py` go out.

Columns are those of `EventBatch.events_arrow`. `name` and `occurred_at` must be there; ids are minted and the type is
USER_ACTION where their columns are missing.
"""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tidemark.ids import Minter
from tidemark.records import EventType
from tidemark.wire import ARROW, prefix

if TYPE_CHECKING:
    import pyarrow

_MOST_ROWS = 10_000


def bodies(
    data: "pyarrow.RecordBatch | pyarrow.Table", minter: Minter, most_bytes: int
) -> Iterator[tuple[int, bytes]]:
    """Number of rows and body of each batch, of about `most_bytes` at most."""
    import pyarrow as pa

    schema = pa.schema(
        [
            ("event_id", pa.binary(16)),
            ("type", pa.uint8()),
            ("name", pa.string()),
            ("occurred_at", pa.timestamp("us", "UTC")),
            ("user_id", pa.string()),
            ("session_id", pa.string()),
            ("properties", pa.string()),
            ("context", pa.string()),
        ]
    )
    rows = data.num_rows
    if unknown := set(data.schema.names) - set(schema.names):
        raise ValueError(
            f"columns: {sorted(unknown)} are not known; give some of {schema.names}, properties as JSON text"
        )
    if missing := {"name", "occurred_at"} - set(data.schema.names):
        raise ValueError(f"columns: {sorted(missing)} are missing")
    columns = []
    for field in schema:
        if field.name in data.schema.names:
            columns.append(data[field.name].cast(field.type))
        elif field.name == "event_id":
            now = time.time_ns()
            columns.append(pa.array([minter.mint(now) for _ in range(rows)], field.type))
        elif field.name == "type":
            columns.append(pa.array([int(EventType.USER_ACTION)] * rows, field.type))
        else:
            columns.append(pa.nulls(rows, field.type))
    table = pa.Table.from_arrays(columns, schema=schema)
    step = max(1, min(_MOST_ROWS, rows * most_bytes // max(1, table.nbytes)))
    for start in range(0, rows, step):
        part = table.slice(start, step).combine_chunks()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, schema) as writer:
            writer.write_table(part)
        encoded = sink.getvalue().to_pybytes()
        yield part.num_rows, prefix(len(encoded), ARROW) + encoded

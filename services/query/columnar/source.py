"""Reads rows in bulk: a `Scan` and somebody's snapshot come in, one ordered table goes out to `behaviour` and `cohorts`."""

from typing import Any

import pyarrow as pa
from psycopg import AsyncConnection

from services.query.columnar import rows, timeline
from services.query.columnar.scan import Scan
from services.query.columnar.stream import Streams, exported, threaded, written
from services.query.columnar.timeline import Order, Part


class Bulk:
    """What is read in bulk."""

    def __init__(self, conninfo: str, concurrency: int) -> None:
        self._streams = Streams(conninfo, concurrency)

    async def scan(self, connection: AsyncConnection[Any], project_id: int, scan: Scan) -> pa.Table:
        """The rows of a scan, in the snapshot of `connection`."""
        snapshot = await exported(connection)
        text = written(connection, rows.tail(scan, project_id))
        async with self._streams.one() as stream:

            def read() -> pa.Table:
                parts: list[Part] = []
                ids: list[pa.Array] = []
                for batch in stream.batches(snapshot, text):
                    table = pa.table(batch)
                    ids.append(table.column(2).combine_chunks())
                    parts.append(timeline.part(table.remove_column(2), scan, ordered=False))
                parts = [timeline.concatenated(parts)] if parts else []
                order = timeline.order(parts)
                return timeline.table(_settled(order, ids), parts, scan)

            return await threaded(read, stream.cancel)

    def close(self) -> None:
        """Gives all connections back."""
        self._streams.close()


def _settled(order: Order, ids: list[pa.Array]) -> Order:
    if order.disputed is None or order.places is None:
        return order
    rows_ = order.places[order.disputed]
    found = pa.chunked_array(ids).take(pa.array(rows_))
    return timeline.settled(order, dict(zip(rows_.tolist(), (each.as_py().bytes for each in found))))

"""Cells as data formats write them: batches of a table come in, columns of texts go out to `csv` and `json`.

An instant is as in 2026-11-01T12:30:00.000000Z; a number has as many digits as tell it from every other.
"""

from collections.abc import Iterator
from itertools import groupby

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from services.reports.document import Table

ROWS, BYTES = 8_192, 32 << 20
"""So much is written at once."""
_ESCAPED = r'["\\\x00-\x1f]'


def pieces(table: Table) -> Iterator[pa.RecordBatch]:
    """The rows of a table, a few thousand at a time, and fewer where they are long."""
    for batch in table.rows.batches():
        yield from _halved(batch)


def types(table: Table) -> list[pa.DataType]:
    """The types of its columns; text where it has no rows."""
    first = next(iter(table.rows.batches()), None)
    return [pa.string() for _ in table.columns] if first is None else first.schema.types


def _halved(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.num_rows <= ROWS and (batch.nbytes <= BYTES or batch.num_rows == 1):
        yield batch
        return
    step = ROWS if batch.num_rows > ROWS else batch.num_rows // 2
    for start in range(0, batch.num_rows, step):
        yield from _halved(batch.slice(start, step))


def plain(column: pa.Array) -> pa.Array:
    """Instants as texts; other columns as they are."""
    if pa.types.is_timestamp(column.type):
        # Without its zone, which is UTC, a column is written ten times as fast.
        text = column.cast(pa.timestamp("us")).cast(pa.string())
        return joined(pc.utf8_replace_slice(text, 10, 11, "T"), "Z")
    return column


def json(column: pa.Array) -> pa.Array:
    """Each cell as JSON."""
    kind = column.type
    if pa.types.is_string(kind):
        return pc.fill_null(_quoted(column), "null")
    if pa.types.is_timestamp(kind):
        return pc.fill_null(_between(plain(column)), "null")
    text = column.cast(pa.string())
    if pa.types.is_floating(kind):
        # What is read as an integer has no sign before its nought.
        text = pc.if_else(pc.equal(text, "-0"), "-0.0", text)
    return pc.fill_null(text, "null")


def joined(*parts: pa.Array | str) -> pa.Array:
    """The parts of each row, one after the other."""
    texts: list[pa.Array | pa.Scalar] = []
    for same, several in groupby(parts, lambda part: isinstance(part, str)):
        run = list(several)
        texts += [pa.scalar("".join(run), pa.string())] if same else run
    return pc.binary_join_element_wise(*texts, pa.scalar("", pa.string()))


def written(column: pa.Array) -> memoryview:
    """The bytes of all texts of a column without nulls, one after the other."""
    _, offsets, data = column.buffers()
    if not len(column) or data is None:
        return memoryview(b"")
    ends = memoryview(offsets).cast("i")
    return memoryview(data)[ends[column.offset] : ends[column.offset + len(column)]]


def _quoted(column: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(column, _ESCAPED)).as_py():
        texts = [None if text is None else orjson.dumps(text).decode() for text in column.to_pylist()]
        return pa.array(texts, pa.string())
    return _between(column)


def _between(column: pa.Array) -> pa.Array:
    return joined('"', column, '"')

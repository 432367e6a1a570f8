"""The forms of files: batches of columns come in, the bytes of a file go out to `source`, as they are written."""

from collections.abc import Callable, Iterator
from typing import Protocol

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from services.kit.errors import Invalid
from services.kit.neutral import neutral
from services.query.export.rows import EVENTS, JSON
from tidemark.v1.query_pb2 import ExportRequest

PIECE_BYTES = 1 << 20
"""A message holds at most so many bytes of the file."""
GROUP_ROWS, GROUP_BYTES = 131_072, 32 << 20
"""A row group of a Parquet file is written when it has so many rows or bytes."""

_ESCAPED = r'["\\\x00-\x1f]'


class Writer(Protocol):
    """Writes batches of one schema into a sink."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Writes rows."""

    def close(self) -> None:
        """Writes what a file ends with."""


class File:
    """A file under way."""

    def __init__(self, form: ExportRequest.Format, schema: pa.Schema) -> None:
        if form not in _WRITERS:
            names = ", ".join(ExportRequest.Format.Name(each) for each in _WRITERS)
            raise Invalid("format", f"is {form}; give one of {names}")
        self._sink = _Sink()
        self._writer = _WRITERS[form](self._sink, schema)

    def write(self, batch: pa.RecordBatch) -> list[bytes]:
        """What the file goes on with."""
        self._writer.write(batch)
        return list(self._sink.pieces())

    def end(self) -> list[bytes]:
        """What the file ends with."""
        self._writer.close()
        return list(self._sink.pieces())


class _Sink:
    """What writers of pyarrow take for a file."""

    closed = False

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self._place = 0

    def write(self, data: bytes | memoryview | pa.Buffer) -> int:
        self._written.append(bytes(data))
        self._place += len(self._written[-1])
        return len(self._written[-1])

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def pieces(self) -> Iterator[bytes]:
        whole = b"".join(self._written)
        self._written.clear()
        for start in range(0, len(whole), PIECE_BYTES):
            yield whole[start : start + PIECE_BYTES]


class _Arrow:
    def __init__(self, sink: _Sink, schema: pa.Schema) -> None:
        self._writer = pa.ipc.new_stream(sink, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


class _Parquet:
    def __init__(self, sink: _Sink, schema: pa.Schema) -> None:
        self._writer = pa.parquet.ParquetWriter(sink, schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []

    def write(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        rows, size = (sum(getattr(each, of) for each in self._waiting) for of in ("num_rows", "nbytes"))
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            self._write()

    def close(self) -> None:
        if self._waiting:
            self._write()
        self._writer.close()

    def _write(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._waiting))
        self._waiting.clear()


class _Csv:
    """RFC 4180. A text that a spreadsheet would run begins with an apostrophe, the names of columns included."""

    def __init__(self, sink: _Sink, schema: pa.Schema) -> None:
        names = neutral(pa.array(schema.names, pa.string()))
        self._schema = pa.schema([(name.as_py(), _plain(field.type)) for name, field in zip(names, schema)])
        self._writer = pa.csv.CSVWriter(sink, self._schema)

    def write(self, batch: pa.RecordBatch) -> None:
        columns = [
            neutral(column) if pa.types.is_string(column.type) else _shown(column) for column in batch.columns
        ]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


class _Ndjson:
    """An object on each line; JSON that is stored stands in it as it is."""

    def __init__(self, sink: _Sink, schema: pa.Schema) -> None:
        self._sink = sink
        self._stored = {field.name for field in JSON} if schema.equals(EVENTS) else set()

    def write(self, batch: pa.RecordBatch) -> None:
        parts: list[pa.Array | pa.Scalar] = []
        for name, column in zip(batch.schema.names, batch.columns):
            lead = f"{',' if parts else '{'}{orjson.dumps(name).decode()}:"
            text = column if name in self._stored else _json(column)
            parts += [_text(lead), pc.fill_null(text, "null")]
        lines = pc.binary_join_element_wise(*parts, _text("}\n"), _text(""))
        if len(lines):
            _, offsets, data = lines.buffers()
            first, last = (memoryview(offsets).cast("i")[lines.offset + place] for place in (0, len(lines)))
            self._sink.write(memoryview(data)[first:last])

    def close(self) -> None:
        pass


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_timestamp(kind) else kind


def _shown(column: pa.Array) -> pa.Array:
    """Instants as in 2026-11-01T12:30:00.000000Z; what is not a number is missing."""
    if pa.types.is_timestamp(column.type):
        return pc.utf8_replace_slice(column.cast(pa.string()), 10, 11, "T")
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
    return column


def _json(column: pa.Array) -> pa.Array:
    """Each value as JSON; null stays missing."""
    shown = _shown(column)
    if not pa.types.is_string(column.type) and not pa.types.is_timestamp(column.type):
        return shown.cast(pa.string())
    if pc.any(pc.match_substring_regex(shown, _ESCAPED)).as_py():
        values = shown.to_pylist()
        return pa.array(
            [None if value is None else orjson.dumps(value).decode() for value in values], pa.string()
        )
    return pc.binary_join_element_wise(_text('"'), shown, _text('"'), _text(""))


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.string())


_WRITERS: dict[ExportRequest.Format, Callable[[_Sink, pa.Schema], Writer]] = {
    ExportRequest.FORMAT_ARROW: _Arrow,
    ExportRequest.FORMAT_CSV: _Csv,
    ExportRequest.FORMAT_NDJSON: _Ndjson,
    ExportRequest.FORMAT_PARQUET: _Parquet,
}

"""The columnar door: the bytes of an Arrow IPC stream come in, a record batch with the columns of events goes out to `validate`.

Only plain columns are taken. Compressed, dictionary-encoded, run-end-encoded and view columns can stand for far more bytes than
were sent, so that a small message could fill the memory. Pure.
"""

import struct
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from services.ingest.columns import EVENTS
from services.kit.errors import Invalid

FIELD = "batch.events_arrow"


def _is_id(kind: pa.DataType) -> bool:
    return bool(kind in (pa.binary(16), pa.uuid()))


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind))


_TYPES: dict[str, tuple[Callable[[pa.DataType], bool], pa.DataType, str]] = {
    "event_id": (_is_id, pa.binary(), "fixed_size_binary(16)"),
    "type": (types.is_integer, pa.int64(), "uint8"),
    "name": (_is_text, pa.string(), "utf8"),
    "occurred_at": (types.is_timestamp, pa.timestamp("us", "UTC"), "timestamp(us, UTC)"),
    "user_id": (_is_text, pa.string(), "utf8"),
    "session_id": (_is_text, pa.string(), "utf8"),
    "properties": (_is_text, pa.string(), "utf8"),
    "context": (_is_text, pa.string(), "utf8"),
}
"""For each column: which types are taken, as what they are read, and what to send."""


def read(data: bytes, most_rows: int) -> pa.RecordBatch:
    """The rows in `data`, with nulls where they have them; raises `Invalid` when it is not what the contract asks for."""
    try:
        schema, *batches = _messages(data)
        _check_columns(schema)
        if len(batches) != 1:
            raise Invalid(FIELD, f"holds {len(batches)} record batches; send one")
        if _is_compressed(batches[0].metadata.to_pybytes()):
            raise Invalid(FIELD, "has compressed buffers; send them as they are")
        rows = pa.ipc.read_record_batch(batches[0], schema)
        if rows.num_rows > most_rows:
            raise Invalid(FIELD, f"has {rows.num_rows} rows; send at most {most_rows} in one batch")
        rows.validate(full=True)
        return pa.RecordBatch.from_arrays(
            [_read_column(rows, name) for name in EVENTS.names], names=EVENTS.names
        )
    except (pa.ArrowException, OSError, UnicodeDecodeError, struct.error) as error:
        fault = str(error).partition("\n")[0][:200]
        raise Invalid(FIELD, f"cannot be read ({fault}); send an Arrow IPC stream of events") from error


def _messages(data: bytes) -> list[pa.Schema | pa.ipc.Message]:
    """The schema, then every record batch before the end of the stream."""
    messages = list(pa.ipc.MessageReader.open_stream(pa.py_buffer(data)))
    if not messages or messages[0].type != "schema":
        raise Invalid(FIELD, "does not begin with a schema; send an Arrow IPC stream of events")
    # Dictionaries are no record batches: a schema that asks for them is refused for its columns.
    return [pa.ipc.read_schema(messages[0]), *(each for each in messages if each.type == "record batch")]


def _check_columns(schema: pa.Schema) -> None:
    names = schema.names
    for name in EVENTS.names:
        if names.count(name) != 1:
            raise Invalid(
                FIELD, f"has {names.count(name)} columns {name!r}; send {', '.join(EVENTS.names)} once each"
            )
        is_taken, _, wanted = _TYPES[name]
        if not is_taken(schema.field(name).type):
            raise Invalid(FIELD, f"column {name!r} is {str(schema.field(name).type)[:100]}; send {wanted}")
    unknown = sorted(set(names) - set(EVENTS.names))
    if unknown:
        raise Invalid(
            FIELD, f"has a column {unknown[0][:100]!r}, which is not one of an event; send it in properties"
        )


def _read_column(rows: pa.RecordBatch, name: str) -> pa.Array:
    column, wanted = rows.column(name), _TYPES[name][1]
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    # Instants lose what is less than a microsecond, as those of the other door do.
    return pc.cast(column, options=pc.CastOptions(wanted, allow_time_truncate=True))


def _is_compressed(metadata: bytes) -> bool:
    """Whether the flatbuffer `Message` of a record batch names a codec: `header` is its field 2, `compression` field 3 of that."""
    (root,) = struct.unpack_from("<I", metadata)
    header = _flatbuffer_field(metadata, root, 2)
    (offset,) = struct.unpack_from("<I", metadata, header)
    return _flatbuffer_field(metadata, header + offset, 3) > 0


def _flatbuffer_field(data: bytes, table: int, number: int) -> int:
    """Where a field of the table at `table` is; 0 when it is left out."""
    (back,) = struct.unpack_from("<i", data, table)
    vtable = table - back
    (size,) = struct.unpack_from("<H", data, vtable)
    slot = 4 + 2 * number
    if slot >= size:
        return 0
    (offset,) = struct.unpack_from("<H", data, vtable + slot)
    return table + offset if offset else 0

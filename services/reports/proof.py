"""Control totals: a `Document` comes in, one `SectionProof` for each of its sections goes out to the manifest and to every check.

A table is read once, batch by batch. Its hash is over every cell by a rule that docs/reports.md gives whoever wants to check an
edition: so two tables have the same hash exactly when they have the same columns and cells in the same order. Pure.
"""

import hashlib
import math
from collections.abc import Iterator
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.timestamp_pb2 import Timestamp

from services.reports.document import Document, Section, Table
from tidemark.v1 import report_pb2 as pb

ROWS = 16_384
"""So many rows are looked at at once."""
_COLON, _END, _NO_JOINT = (pa.scalar(sign, pa.large_string()) for sign in (":", "\n", ""))


def prove(document: Document) -> list[pb.SectionProof]:
    """What is counted of each section."""
    return [_section(section) for section in document.sections]


def _section(section: Section) -> pb.SectionProof:
    trust = section.trust
    proof = pb.SectionProof(
        section_id=section.section_id,
        tables=[total(table) for table in section.tables],
        data_version=trust.data_version,
        completeness=trust.completeness,
        notes=trust.notes,
    )
    if trust.watermark is not None:
        at = Timestamp()
        at.FromDatetime(trust.watermark)
        proof.watermark.CopyFrom(at)
    return proof


def total(table: Table) -> pb.TableProof:
    """The control totals of a table."""
    titles = [pa.array([column.title]) for column in table.columns]
    digest = hashlib.sha256(_lines(pa.RecordBatch.from_arrays(titles, [""] * len(titles))))
    found = [_Column() for _ in table.columns]
    rows = 0
    for piece in _pieces(table):
        rows += piece.num_rows
        for column, cells in zip(found, piece.columns, strict=True):
            column.add(cells)
        digest.update(_lines(piece))
    return pb.TableProof(
        table_id=table.table_id,
        row_count=rows,
        columns=[
            pb.ColumnProof(title=stated.title, value_count=column.count, sum=column.sum)
            for stated, column in zip(table.columns, found, strict=True)
        ],
        sha256=digest.hexdigest(),
    )


class _Column:
    """What is counted of a column, cells after cells."""

    def __init__(self) -> None:
        self.count = 0
        self._whole = 0
        self._parts: list[float] = []

    def add(self, cells: pa.Array) -> None:
        """Counts these, too."""
        self.count += len(cells) - cells.null_count
        if pa.types.is_integer(cells.type):
            values = cells.drop_null().to_numpy(zero_copy_only=False)
            # Halves, because the sum of int64 may be wider than one.
            self._whole += (int((values >> 32).sum()) << 32) + int((values & 0xFFFF_FFFF).sum())
        elif _number(cells.type):
            self._parts = _exact([*self._parts, *cells.drop_null().to_pylist()])

    @property
    def sum(self) -> float:
        """The sum, rounded once."""
        return float(self._whole) + math.fsum(self._parts)


def _exact(values: list[float]) -> list[float]:
    """A few numbers whose sum is exactly that of these; infinity where that is beyond all numbers."""
    parts: list[float] = []
    try:
        while part := math.fsum(chain(values, (-each for each in parts))):
            parts.append(part)
            if math.isinf(part):
                return [part]
    except OverflowError:
        return [math.inf]
    return parts


def _number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _pieces(table: Table) -> Iterator[pa.RecordBatch]:
    for batch in table.rows.batches():
        for start in range(0, batch.num_rows, ROWS):
            yield batch.slice(start, ROWS)


def _lines(piece: pa.RecordBatch) -> memoryview:
    """Rows as they are hashed: of each cell the length of its text in bytes, `:` and the text, or `-` for nothing; then a line feed."""
    parts: list[pa.Array | pa.Scalar] = []
    for column in piece.columns:
        text = _text(column).cast(pa.large_string())
        size = pc.binary_length(text).cast(pa.large_string())
        # A column without nothing is copied once.
        whole = (size, _COLON, text)
        parts += whole if not column.null_count else [pc.fill_null(_joined(*whole), "-")]
    lines = _joined(*parts, _END)
    _, offsets, data = lines.buffers()
    first, last = (memoryview(offsets).cast("q")[lines.offset + place] for place in (0, len(lines)))
    return memoryview(data)[first:last] if last > first else memoryview(b"")


def _joined(*parts: pa.Array | pa.Scalar) -> pa.Array:
    return pc.binary_join_element_wise(*parts, _NO_JOINT)


def _text(column: pa.Array) -> pa.Array:
    """Each cell as its canonical text."""
    if pa.types.is_floating(column.type):
        return pa.array([None if value is None else repr(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_timestamp(column.type):
        # Arrow casts instants without a zone five times as fast as it formats those with one; theirs is UTC.
        text = pc.utf8_replace_slice(column.cast(pa.timestamp("us")).cast(pa.string()), 10, 11, "T")
        return pc.binary_join_element_wise(text, pa.scalar("Z"), "")
    return column.cast(pa.string())

"""CSV: a zip archive with a file for each table, and `manifest.json`, which says what they are and what is counted of them.

The files are UTF-8 by RFC 4180, with a line of headings. A text that a spreadsheet would run begins with an apostrophe, and so does one
that begins with apostrophes before such a beginning, so that taking one away gives the text. Nothing is an empty cell, an empty text is `""`.
"""

import re
import zipfile
from collections.abc import Sequence
from typing import IO, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.csv

from services.kit.neutral import neutral
from services.reports.document import Document, Table
from services.reports.formats import cells, plain
from tidemark.v1 import report_pb2 as pb

MANIFEST = "manifest.json"
LEVEL = 1
"""Of compression: the first that makes the files small."""

_OPTIONS = pyarrow.csv.WriteOptions(eol="\r\n")
_LARGE = 1 << 20
"""Rows from which on a file may be larger than 2 GB."""


def write(document: Document, proofs: Sequence[pb.SectionProof], sink: BinaryIO) -> dict[str, int]:
    """Writes the archive; nothing is cut."""
    tables = [table for section in document.sections for table in section.tables]
    files = names(tables)
    manifest = {
        **plain.head(document),
        "tables": [{"file": file, **plain.table(table)} for table, file in zip(tables, files)],
        "proof": plain.proof(proofs),
    }
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        with archive.open(MANIFEST, "w") as file:
            file.write(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        for table, name in zip(tables, files):
            with archive.open(name, "w", force_zip64=table.rows.count > _LARGE) as file:
                _table(table, file)
    return {}


def names(tables: Sequence[Table]) -> list[str]:
    """Names of the files of tables, as in `03-orders.csv`: the numbers tell those apart that differ in small and great letters only."""
    width = max(2, len(str(len(tables))))
    return [
        f"{place:0{width}}-{re.sub('[^A-Za-z0-9._-]', '_', table.table_id)}.csv"
        for place, table in enumerate(tables, 1)
    ]


def _table(table: Table, file: IO[bytes]) -> None:
    headings = neutral(pa.array([column.title for column in table.columns], pa.string())).to_pylist()
    kinds = [pa.string() if pa.types.is_timestamp(kind) else kind for kind in cells.types(table)]
    schema = pa.schema(list(zip(headings, kinds)))
    with pyarrow.csv.CSVWriter(file, schema, write_options=_OPTIONS) as writer:
        for batch in cells.pieces(table):
            columns = [_cells(column) for column in batch.columns]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _cells(column: pa.Array) -> pa.Array:
    return neutral(column) if pa.types.is_string(column.type) else cells.plain(column)

"""CSV read back by Arrow: an archive comes in, its tables go out to `check`."""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from typing import BinaryIO

import orjson
import pyarrow as pa
import pyarrow.csv

from services.kit.neutral import original
from services.reports.document import Document, Table
from services.reports.formats import cells, plain
from services.reports.formats.csv import MANIFEST, names
from services.reports.formats.readback.fault import Disagrees, again, demand, tables
from tidemark.v1 import report_pb2 as pb

_BLOCK = 2 << 20
"""Bytes read at once; a row is never longer."""


def read(source: BinaryIO, document: Document, proofs: Sequence[pb.SectionProof]) -> Iterator[Table]:
    """The tables of the archive, in their order."""
    told = tables(document)
    files = names(told)
    with zipfile.ZipFile(source) as archive:
        demand(archive.namelist() == [MANIFEST, *files], f"the archive holds {archive.namelist()}")
        manifest = orjson.loads(archive.read(MANIFEST))
        wanted = {
            **plain.head(document),
            "tables": [{"file": file, **plain.table(table)} for table, file in zip(told, files)],
            "proof": plain.proof(proofs),
        }
        for key in wanted.keys() | manifest.keys():
            demand(wanted.get(key) == manifest.get(key), f"{MANIFEST}: {key} is another")
        for table, file in zip(told, files):
            _headings(archive, file, table)
            yield again(table, partial(_rows, archive, file, table))


def _headings(archive: zipfile.ZipFile, file: str, table: Table) -> None:
    with archive.open(file) as opened:
        line = next(csv.reader(io.TextIOWrapper(opened, "utf-8", newline="")), [])
    found = original(pa.array(line, pa.string())).to_pylist()
    demand(found == [column.title for column in table.columns], f"{file}: the headings are {found}")


def _rows(archive: zipfile.ZipFile, file: str, table: Table) -> Iterator[pa.RecordBatch]:
    places = [str(place) for place in range(len(table.columns))]
    kinds = dict(zip(places, cells.types(table)))
    convert = pyarrow.csv.ConvertOptions(
        column_types=kinds,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["true"],
        false_values=["false"],
        timestamp_parsers=[pyarrow.csv.ISO8601],
    )
    reading = pyarrow.csv.ReadOptions(
        column_names=places, skip_rows_after_names=1, block_size=_BLOCK, use_threads=False
    )
    parsing = pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    try:
        with (
            archive.open(file) as opened,
            pyarrow.csv.open_csv(opened, reading, parsing, convert) as reader,
        ):
            for batch in reader:
                columns = [
                    original(column) if pa.types.is_string(column.type) else column
                    for column in batch.columns
                ]
                yield pa.RecordBatch.from_arrays(columns, names=places)
    except pa.ArrowInvalid as error:
        raise Disagrees(f"{file}: {error}") from error

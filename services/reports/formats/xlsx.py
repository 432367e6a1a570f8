"""XLSX: a workbook with a sheet for each section, typed cells, and charts of the program that opens it.

XlsxWriter makes all of it but the rows of tables. Those are made by Arrow, and put into their places while the workbook is copied: so a
million rows take seconds, and no more memory than a few thousand. Text is never a formula, whatever it begins with.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC
from typing import IO, BinaryIO

import pyarrow as pa
from xlsxwriter import Workbook

from services.reports.document import Document
from services.reports.formats import cells
from services.reports.formats.ahead import ahead
from services.reports.formats.book import front, place, rows
from services.reports.formats.book.place import Piece
from services.reports.formats.book.sheet import Charts, proof, section
from services.reports.formats.book.style import Styles
from tidemark.v1 import report_pb2 as pb

LEVEL = 1
"""Of compression: the first that makes the file small."""
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_STYLE = re.compile(rb'<c r="[A-Z]+\d+" s="(\d+)"/>')
_DIMENSION = re.compile(rb'(<dimension ref="[A-Z]+\d+:[A-Z]+)(\d+)')
_LARGE = 1 << 30
"""Bytes of a sheet from which on it may be larger than what a plain archive says of sizes."""
_MARKUP = 64
"""Bytes that a cell takes beside its text."""


def write(document: Document, proofs: Sequence[pb.SectionProof], sink: BinaryIO) -> dict[str, int]:
    """Writes the workbook; nothing is cut."""
    empty, pieces = _empty(document, proofs)
    with (
        zipfile.ZipFile(empty) as source,
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as target,
    ):
        for name in source.namelist():
            there = [piece for piece in pieces.get(name, ()) if piece.count]
            with target.open(name, "w", force_zip64=_large(there)) as part:
                _filled(source.read(name), there, document.time_zone, part)
    return {}


def _empty(
    document: Document, proofs: Sequence[pb.SectionProof]
) -> tuple[io.BytesIO, dict[str, Sequence[Piece]]]:
    """The workbook without the rows of its tables, and what belongs into which part of it."""
    made = io.BytesIO()
    workbook = Workbook(made, _OPTIONS)
    about = {
        "title": rows.visible(document.title)[:255],
        "subject": rows.visible(document.project)[:255],
        "author": "Tidemark",
    }
    workbook.set_properties({**about, "created": document.made_at.astimezone(UTC).replace(tzinfo=None)})
    styles, placed = Styles(workbook, document.locale), place.sheets(document)
    front.report(workbook.add_worksheet(front.REPORT), document, placed, styles)
    pieces: dict[str, Sequence[Piece]] = {}
    charts = Charts(workbook, document, styles)
    for each in placed:
        sheet = workbook.add_worksheet(each.name)
        section(sheet, each, styles)
        if each.first:
            charts.add(sheet, each)
        pieces[_part(workbook)] = each.pieces
    charts.write()
    totals = place.proof(front.proof(proofs))
    proof(workbook.add_worksheet(front.PROOF), totals, styles)
    pieces[_part(workbook)] = [totals]
    workbook.close()
    made.seek(0)
    return made, pieces


def _part(workbook: Workbook) -> str:
    """The part of the archive that holds the sheet added last."""
    return f"xl/worksheets/sheet{len(workbook.worksheets())}.xml"


def _filled(part: bytes, pieces: Sequence[Piece], zone: str, sink: IO[bytes]) -> None:
    """Copies a part; where a piece has its first row, with nothing in it, all its rows come."""
    if pieces:
        part = _DIMENSION.sub(lambda found: _wide(found, pieces), part, count=1)
    done = 0
    for piece in pieces:
        begins = part.index(b'<row r="%d"' % (piece.begins + 1), done)
        ends = part.index(b"</row>", begins) + len(b"</row>")
        styles = [style.decode() for style in _STYLE.findall(part, begins, ends)]
        sink.write(part[done:begins])
        made = (rows.written(batch, row, styles, zone) for row, batch in _batches(piece))
        with closing(ahead(made)) as several:
            for each in several:
                sink.write(each)
        done = ends
    sink.write(part[done:])


def _wide(found: re.Match[bytes], pieces: Sequence[Piece]) -> bytes:
    """How far a sheet goes that has its rows."""
    last = max(int(found[2]), *(piece.ends + 1 for piece in pieces))
    return b"%s%d" % (found[1], last)


def _batches(piece: Piece) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of a piece, with the row of the sheet that the first of each batch has."""
    passed = 0
    for batch in cells.pieces(piece.table):
        begins = max(0, piece.first - passed)
        taken = batch.slice(begins, max(0, piece.first + piece.count - passed - begins))
        if taken.num_rows:
            yield piece.begins + passed + begins - piece.first, taken
        passed += batch.num_rows


def _large(pieces: Sequence[Piece]) -> bool:
    """Whether the rows of a sheet may take more than an archive says of sizes without its extension, by the first of them."""
    size = 0.0
    for piece in pieces:
        first = next((batch for batch in piece.table.rows.batches() if batch.num_rows), None)
        if first is not None:
            size += piece.count * (first.nbytes / first.num_rows + _MARKUP * first.num_columns)
    return size > _LARGE

"""Workbooks read back: a workbook comes in, its tables go out to `check`.

It is read by itself alone, as any program would: sheets by their names, texts by their numbers, cells by their addresses (`markup`), a
megabyte at a time.
"""

import re
import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from typing import IO, BinaryIO
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.reports.document import Document, Table
from services.reports.formats import cells
from services.reports.formats.book import front, place, rows
from services.reports.formats.book.place import Piece
from services.reports.formats.book.sheet import CHARTS
from services.reports.formats.readback import markup
from services.reports.formats.readback.fault import Disagrees, again, demand, tables
from services.reports.formats.readback.gap import BOOLEAN, NOTHING, NUMBER, TEXT
from services.reports.formats.readback.markup import Cells
from services.reports.proof import total
from tidemark.v1 import report_pb2 as pb

_WINDOW = 900_000
"""Bytes of a sheet that are read at once: no array made of them is so large that its memory comes from the kernel, page by page
(`services/kit/memory.py`), which would take half as long again."""
_OPENS, _CLOSES, _ROW_ENDS = re.compile(rb"<sheetData(/?)>"), b"</sheetData>", b"</row>"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REFERENCE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class Book:
    """A workbook, sheet by sheet."""

    def __init__(self, source: BinaryIO) -> None:
        self._archive = zipfile.ZipFile(source)
        parts = {each.get("Id"): each.get("Target") for each in self._tree("xl/_rels/workbook.xml.rels")}
        sheets = self._tree("xl/workbook.xml").iter(f"{_MAIN}sheet")
        self._parts = {each.get("name", ""): f"xl/{parts[each.get(_REFERENCE)]}" for each in sheets}
        self._shared = [
            "".join(markup.plain(text.text or "") for text in each.iter(f"{_MAIN}t"))
            for each in self._tree("xl/sharedStrings.xml")
        ]

    @property
    def names(self) -> list[str]:
        """The sheets, in their order."""
        return list(self._parts)

    def windows(self, name: str) -> Iterator[Cells]:
        """What stands on a sheet, piece by piece."""
        with self._archive.open(self._parts[name]) as file:
            above = -1
            for xml in _windows(file):
                found = markup.read(xml, self._shared, above)
                yield found
                above = found.last

    def rows(self, name: str) -> list[list[str | float | bool | None]]:
        """All rows of a small sheet."""
        found: list[list[str | float | bool | None]] = []
        for sheet in self.windows(name):
            found += map(sheet.values, range(len(found), sheet.last + 1))
        return found

    def _tree(self, part: str) -> ElementTree.Element:
        return ElementTree.fromstring(self._archive.read(part))  # noqa: S314 - a file that we have just written


def read(source: BinaryIO, document: Document, proofs: Sequence[pb.SectionProof]) -> Iterator[Table]:
    """The tables of a workbook, in their order."""
    try:
        book, placed = Book(source), place.sheets(document)
        wanted = [front.REPORT, *(sheet.name for sheet in placed), front.PROOF]
        found = [name for name in book.names if name != CHARTS]
        demand(found == wanted, f"the sheets are {book.names}")
        _figures(book.rows(front.REPORT), document)
        totals = front.proof(proofs)
        own = [(front.PROOF, place.proof(totals))]
        demand(total(again(totals, partial(_table, book, totals, own, document.time_zone))) == total(held(totals, document.time_zone)),
               f"sheet {front.PROOF} has other control totals")  # fmt: skip
        pieces = [(sheet.name, piece) for sheet in placed for piece in sheet.pieces]
        for table in tables(document):
            own = [(name, piece) for name, piece in pieces if piece.table is table]
            yield again(table, partial(_table, book, table, own, document.time_zone))
    except ElementTree.ParseError as error:
        raise Disagrees(f"it is no workbook: {error}") from error


def _figures(found: Sequence[Sequence[object]], document: Document) -> None:
    """Compares the figures of the first sheet."""
    told = [figure for _, block in place.figures(document) for figure in block.figures]
    wanted = [[rows.shortened(figure.title), _digits(figure.value)] for figure in told]
    heading = (row for row, line in enumerate(found, 1) if line[:2] == ["Figure", "Value"])
    first = next(heading, len(found))
    lines = [*found[first : first + len(told)], *([[]] * len(told))][: len(told)]
    shown = [[*line, None, None][:2] for line in lines]
    demand(shown == wanted, f"the figures are {shown}, proven are {wanted}")


def _digits(value: float | None) -> float | None:
    """A number as XlsxWriter writes it, with sixteen digits."""
    return None if value is None else float(f"{value:.16G}")


def held(table: Table, zone: str) -> Table:
    """The table as a workbook can hold it."""

    def batches() -> Iterator[pa.RecordBatch]:
        return (rows.held(batch, zone) for batch in table.rows.batches())

    return again(table, batches)


def _windows(file: IO[bytes]) -> Iterator[bytes]:
    """The rows of a sheet, some at a time."""
    waiting = file.read(_WINDOW)
    opens = _OPENS.search(waiting)
    demand(opens is not None, "a sheet has no place for cells")
    assert opens is not None
    if opens[1]:
        return
    waiting = waiting[opens.end() :]
    while True:
        # Behind the last row, which is near the end: so little is searched.
        cut = waiting.rfind(_ROW_ENDS) + len(_ROW_ENDS)
        cut = cut if cut >= len(_ROW_ENDS) else 0
        closes = waiting.find(_CLOSES, cut)
        if closes >= 0:
            break
        if cut:
            yield waiting[:cut]
        more = file.read(_WINDOW)
        demand(bool(more), "a sheet has no end")
        waiting = waiting[cut:] + more
    yield waiting[:closes]
    while file.read(_WINDOW):
        """What follows is compared with the checksum of the archive."""


def _table(
    book: Book, table: Table, pieces: Sequence[tuple[str, Piece]], zone: str
) -> Iterator[pa.RecordBatch]:
    """The rows of a table, from all sheets it stands on."""
    kinds = cells.types(table)
    titles = [rows.shortened(column.title) or None for column in table.columns]
    for name, piece in pieces:
        following = piece.heading
        for sheet in book.windows(name):
            if following == piece.heading <= sheet.last:
                found = [*sheet.values(following), *[None] * len(titles)]
                demand(found[: len(titles)] == titles and not any(found[len(titles) :]),
                       f"sheet {name}: the headings are {found}, not {titles}")  # fmt: skip
                following += 1
            count = min(sheet.last, piece.ends) + 1 - following
            if count > 0:
                yield _rows(sheet, following, count, kinds, zone, f"sheet {name}: table {table.table_id}")
                following += count
            if sheet.last > piece.ends:
                below = sheet.values(piece.ends + 1)
                demand(not below, f"there are more rows than {piece.count}: {below}")
        demand(following > piece.ends, f"sheet {name}: there are fewer rows than {piece.count}")


def _rows(
    sheet: Cells, first: int, count: int, kinds: Sequence[pa.DataType], zone: str, where: str
) -> pa.RecordBatch:
    """So many rows of a sheet as those that were written."""
    demand(sheet.width(first, count) <= len(kinds), f"{where}: a row has more cells than {len(kinds)}")
    try:
        columns = [_column(sheet, place, first, count, kind, zone) for place, kind in enumerate(kinds)]
    except (Disagrees, pa.ArrowException, ValueError) as error:
        raise Disagrees(f"{where}: {error}") from error
    return pa.RecordBatch.from_arrays(columns, [""] * len(kinds))


def _column(sheet: Cells, place: int, first: int, count: int, kind: pa.DataType, zone: str) -> pa.Array:
    """Cells as the column that was written."""
    texts, kinds = sheet.column(place, first, count)
    allowed = {TEXT} if pa.types.is_string(kind) else {BOOLEAN} if pa.types.is_boolean(kind) else {NUMBER}
    if pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
        # What a cell cannot hold as a number.
        allowed.add(TEXT)
    found = set(np.flatnonzero(np.bincount(kinds)).tolist()) - {NOTHING}
    demand(found <= allowed, f"column {place + 1} has cells of another kind")
    if pa.types.is_string(kind):
        return texts
    if pa.types.is_boolean(kind):
        return texts.cast(kind)
    number = pa.array(kinds == NUMBER)
    numbers = (pc.if_else(number, texts, None) if TEXT in found else texts).cast(pa.float64())
    if pa.types.is_floating(kind):
        return numbers
    exact = rows.instants(numbers, zone) if pa.types.is_timestamp(kind) else numbers.cast(kind)
    return pc.coalesce(exact, pc.if_else(number, None, texts).cast(kind)) if TEXT in found else exact

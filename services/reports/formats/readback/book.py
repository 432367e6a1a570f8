"""Workbooks read back by calamine: a workbook comes in, its tables go out to `check`.

calamine holds a sheet in memory. So it is given a sheet in pieces, each as a workbook of its own: the same bytes, a few megabytes at a
time, and without formats, so that dates are the numbers they are.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from typing import IO, Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from python_calamine import CalamineError, CalamineWorkbook

from services.reports.document import Document, Table
from services.reports.formats import cells
from services.reports.formats.book import front, place, rows
from services.reports.formats.book.place import Piece
from services.reports.formats.book.sheet import CHARTS
from services.reports.formats.readback.fault import Disagrees, again, demand, tables
from services.reports.proof import total
from tidemark.v1 import report_pb2 as pb

_WINDOW = 4 << 20
"""Bytes of a sheet that are read at once."""
_OPENS, _CLOSES, _ROW_ENDS = b"<sheetData>", b"</sheetData>", b"</row>"
_KEPT = (
    "[Content_Types].xml",
    "_rels/.rels",
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
    "xl/sharedStrings.xml",
)

Window = tuple[int, list[list[Any]]]
"""The row of a sheet with which it begins, and rows, each from the first column."""


class Book:
    """A workbook, sheet by sheet."""

    def __init__(self, source: BinaryIO) -> None:
        self._archive = zipfile.ZipFile(source)
        self._kept = {name: self._archive.read(name) for name in _KEPT}
        self.names = self._opened(None, b"").sheet_names

    def windows(self, name: str) -> Iterator[Window]:
        """What stands on a sheet, piece by piece."""
        part = f"xl/worksheets/sheet{self.names.index(name) + 1}.xml"
        with self._archive.open(part) as file:
            for xml in _windows(file):
                demand(b"<f>" not in xml and b"<f " not in xml, f"sheet {name} has a formula")
                sheet = self._opened(part, xml).get_sheet_by_name(name)
                if sheet.start is not None:
                    row, column = sheet.start
                    lines = sheet.to_python()
                    yield row, [[""] * column + line for line in lines] if column else lines

    def rows(self, name: str) -> list[list[Any]]:
        """All rows of a small sheet."""
        found: list[list[Any]] = []
        for row, lines in self.windows(name):
            found += [[] for _ in range(row - len(found))] + lines
        return found

    def _opened(self, part: str | None, xml: bytes) -> CalamineWorkbook:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for name, content in self._kept.items():
                archive.writestr(name, content)
            if part is not None:
                archive.writestr(part, xml)
        made.seek(0)
        return CalamineWorkbook.from_filelike(made)


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
    except CalamineError as error:
        raise Disagrees(f"it is no workbook: {error}") from error


def _figures(found: Sequence[Sequence[Any]], document: Document) -> None:
    """Compares the figures of the first sheet."""
    told = [figure for _, block in place.figures(document) for figure in block.figures]
    wanted = [[rows.shortened(figure.title), _digits(figure.value)] for figure in told]
    heading = (row for row, line in enumerate(found, 1) if line[:2] == ["Figure", "Value"])
    first = next(heading, len(found))
    lines = [*found[first : first + len(told)], *([[]] * len(told))][: len(told)]
    shown = [
        [title, None if value == "" else value] for title, value in ([*line, "", ""][:2] for line in lines)
    ]
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
    """A sheet as several, each with some of its rows."""
    waiting = file.read(_WINDOW)
    opens = waiting.find(_OPENS)
    if opens < 0:
        return
    head, waiting = waiting[: opens + len(_OPENS)], waiting[opens + len(_OPENS) :]
    while True:
        closes = waiting.find(_CLOSES)
        if closes >= 0:
            yield head + waiting[:closes] + _CLOSES + b"</worksheet>"
            return
        cut = waiting.rfind(_ROW_ENDS) + len(_ROW_ENDS)
        if cut >= len(_ROW_ENDS):
            yield head + waiting[:cut] + _CLOSES + b"</worksheet>"
            waiting = waiting[cut:]
        more = file.read(_WINDOW)
        demand(bool(more), "a sheet has no end")
        waiting += more


def _table(
    book: Book, table: Table, pieces: Sequence[tuple[str, Piece]], zone: str
) -> Iterator[pa.RecordBatch]:
    """The rows of a table, from all sheets it stands on."""
    kinds = cells.types(table)
    titles = [rows.shortened(column.title) for column in table.columns]
    for name, piece in pieces:
        headed = False
        for lines in _lines(book.windows(name), piece, len(kinds)):
            if not headed:
                demand(lines[0] == titles, f"sheet {name}: the headings are {lines[0]}, not {titles}")
            cut = lines if headed else lines[1:]
            headed = True
            try:
                columns = list(zip(*cut)) or [()] * len(kinds)
                arrays = [_column(column, kind, zone) for column, kind in zip(columns, kinds)]
            except (pa.ArrowException, ValueError, TypeError) as error:
                raise Disagrees(f"sheet {name}: table {table.table_id}: {error}") from error
            yield pa.RecordBatch.from_arrays(arrays, [""] * len(kinds))


def _lines(windows: Iterator[Window], piece: Piece, width: int) -> Iterator[list[list[Any]]]:
    """The rows of a piece, its headings first; those that hold nothing, too. Below it there is an empty row."""
    following, end = piece.heading, piece.ends + 1
    for row, lines in windows:
        inside = lines[max(0, following - row) : max(0, end - row)]
        if inside:
            empty = [[""] * width for _ in range(max(0, row - following))]
            following = max(row, following) + len(inside)
            yield empty + [_exactly(line, width) for line in inside]
        if row + len(lines) > end:
            below = lines[end - row] if row <= end else []
            demand(row > end or not any(below), f"there are more rows than {piece.count}: {below}")
            break
    if following < end:
        yield [[""] * width for _ in range(end - following)]


def _exactly(line: list[Any], width: int) -> list[Any]:
    if len(line) == width:
        return line
    demand(not any(line[width:]), f"a row has more cells than {width}: {line}")
    return (line + [""] * width)[:width]


def _column(values: Sequence[Any], kind: pa.DataType, zone: str) -> pa.Array:
    """Cells as the column that was written."""
    given = [None if value == "" else value for value in values]
    if pa.types.is_string(kind) or pa.types.is_boolean(kind):
        return pa.array(given, kind)
    numbers = given
    texts = pa.nulls(len(given), pa.string())
    if str in set(map(type, given)) and not pa.types.is_floating(kind):
        # What a cell cannot hold as a number.
        numbers = [None if isinstance(value, str) else value for value in given]
        texts = pa.array([value if isinstance(value, str) else None for value in given], pa.string())
    demand(bool not in set(map(type, numbers)), "a cell is true or false, which is no number")
    found = pa.array(numbers, pa.float64())
    if pa.types.is_floating(kind):
        return found
    exact = rows.instants(found, zone) if pa.types.is_timestamp(kind) else found.cast(kind)
    return pc.coalesce(exact, texts.cast(kind))

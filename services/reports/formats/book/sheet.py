"""The sheet of a section: its title and texts, the headings of its tables, its charts. `xlsx` puts the rows between.

The first row of a table is there already, as cells that hold nothing but their format: so `xlsx` knows which format each column has.
"""

import math
from collections.abc import Sequence

import pyarrow as pa
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from services.reports.document import Chart, Document, Drawing, Kind
from services.reports.formats.book import graph, style
from services.reports.formats.book.front import number, text
from services.reports.formats.book.place import Piece, Sheet
from services.reports.formats.book.rows import serial, visible
from services.reports.formats.book.style import Styles

CHARTS = "Charts"
_WIDEST = 68
_READ = 96
"""Characters of a line that is read easily."""
_LOOKED_AT = 100
"""Rows by which the width of a column is chosen."""
_FROZEN = 9
"""Rows at most that stay when the others move."""
_CHART_ROWS = 17


def section(sheet: Worksheet, placed: Sheet, styles: Styles) -> None:
    """Everything but rows and charts."""
    widths = _widths(placed.pieces)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    if placed.first:
        text(sheet, 0, 0, placed.section.title, styles.title)
        sheet.set_row(0, 28)
        _texts(sheet, placed, widths, styles)
    for piece in placed.pieces:
        _piece(sheet, piece, styles)
    if placed.pieces:
        _open(sheet, max(placed.pieces, key=lambda piece: piece.count))


def proof(sheet: Worksheet, piece: Piece, styles: Styles) -> None:
    """The sheet of control totals."""
    for column, width in enumerate(_widths([piece])):
        sheet.set_column(column, column, width)
    _piece(sheet, piece, styles)
    _open(sheet, piece)


def _open(sheet: Worksheet, piece: Piece) -> None:
    """The longest table of a sheet can be filtered; its headings stay where they stand near the top."""
    sheet.autofilter(piece.heading, 0, piece.ends, len(piece.table.columns) - 1)
    if piece.heading < _FROZEN:
        sheet.freeze_panes(piece.begins, 0)


def _texts(sheet: Worksheet, placed: Sheet, widths: Sequence[float], styles: Styles) -> None:
    last, characters = 0, 0.0
    while characters < _READ and last < 15:
        characters += widths[last] if last < len(widths) else 8.43
        last += 1
    for row, told in enumerate(placed.texts, 1):
        look = styles.strong if told.heading else styles.text
        sheet.merge_range(row, 0, row, last, "", look)
        text(sheet, row, 0, told.text, look)
        lines = sum(math.ceil(max(1, len(line)) / characters) for line in told.text.split("\n"))
        sheet.set_row(row, min(409, 15 * lines))


def _piece(sheet: Worksheet, piece: Piece, styles: Styles) -> None:
    if piece.titled:
        text(sheet, piece.heading - 1, 0, piece.table.title, styles.part)
    for place, column in enumerate(piece.table.columns):
        text(sheet, piece.heading, place, column.title, styles.head(column.form))
        if piece.count:
            sheet.write_blank(piece.begins, place, None, styles.cell(column.form))


def _widths(pieces: Sequence[Piece]) -> list[float]:
    found: list[float] = []
    for piece in pieces:
        first = next(iter(piece.table.rows.batches()), None)
        for place, column in enumerate(piece.table.columns):
            wide = max(len(column.title) + 2, style.width(column.form))
            if column.form.kind is Kind.TEXT and first is not None:
                wide = max(wide, _longest(first.column(place)) + 2)
            found[place:] = [max(wide, *found[place : place + 1], 0), *found[place + 1 :]]
    return [min(_WIDEST, width) for width in found]


def _longest(column: pa.Array) -> int:
    return max((len(cell) for cell in column.slice(0, _LOOKED_AT).to_pylist() if cell), default=0)


class Charts:
    """The charts of a workbook, and the sheet of those whose numbers are not the columns of a table."""

    def __init__(self, workbook: Workbook, document: Document, styles: Styles) -> None:
        self._workbook, self._document, self._styles = workbook, document, styles
        self._blocks: list[Chart] = []
        self._row = 0

    def add(self, sheet: Worksheet, placed: Sheet) -> None:
        """Puts the charts of a section beside its tables."""
        column = max((len(piece.table.columns) for piece in placed.pieces), default=0) + 1
        row = placed.pieces[0].heading if placed.pieces else len(placed.texts) + 2
        whole = {
            piece.table.table_id: piece for piece in placed.pieces if piece.count == piece.table.rows.count
        }
        charts = [block for block in placed.section.blocks if isinstance(block, Chart)]
        for chart in charts:
            piece = whole.get(chart.table_id)
            if chart.drawing is Drawing.HEAT:
                self._heat(sheet, chart, piece)
                continue
            where = _where(placed.name, chart, piece) or self._block(chart)
            made = graph.graph(self._workbook, chart, where, self._document.locale, self._document.time_zone)
            shown = {"description": visible(chart.summary or chart.title), "object_position": 3}
            sheet.insert_chart(row, column, made, shown)
            row += _CHART_ROWS

    def _heat(self, sheet: Worksheet, chart: Chart, piece: Piece | None) -> None:
        """Colours the cells of the matrix, where they stand."""
        if piece is None:
            return
        shares = [place for place, column in enumerate(piece.table.columns) if column.form.kind is Kind.SHARE]
        if shares and piece.count:
            rule = graph.hot([line.values for line in chart.series])
            sheet.conditional_format(piece.begins, shares[0], piece.ends, shares[-1], rule)

    def _block(self, chart: Chart) -> graph.Cells:
        """Numbers of a chart, to be written on the sheet of charts."""
        self._blocks.append(chart)
        heading = self._row + 1
        self._row += len(chart.labels) + 3
        return graph.Cells(CHARTS, heading, 0, tuple(range(1, len(graph.series(chart)) + 1)))

    def write(self) -> None:
        """Makes the sheet of charts, where there is need of one."""
        if not self._blocks:
            return
        sheet = self._workbook.add_worksheet(CHARTS)
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, max(len(graph.series(chart)) for chart in self._blocks), 18)
        row = 0
        for chart in self._blocks:
            text(sheet, row, 0, chart.title, self._styles.part)
            text(sheet, row + 1, 0, "", self._styles.heading)
            self._labels(sheet, row + 2, chart)
            for column, drawn in enumerate(graph.series(chart), 1):
                text(sheet, row + 1, column, drawn.title, self._styles.number_heading)
                for place, value in enumerate(drawn.values, row + 2):
                    number(sheet, place, column, value, self._styles.cell(chart.value_form))
            row += len(chart.labels) + 3

    def _labels(self, sheet: Worksheet, row: int, chart: Chart) -> None:
        look = self._styles.cell(chart.label_form)
        for place, label in enumerate(chart.labels, row):
            if isinstance(label, str):
                text(sheet, place, 0, label, look)
            else:
                sheet.write_number(place, 0, serial(label, self._document.time_zone), look)


def _where(name: str, chart: Chart, piece: Piece | None) -> graph.Cells | None:
    """The columns of a table on the same sheet, where they are what the chart draws."""
    if piece is None:
        return None
    found = graph.columns(chart, piece.table)
    return None if found is None else graph.Cells(name, piece.heading, *found)

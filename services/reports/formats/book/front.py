"""The sheets of a workbook that people open first and last: `Report`, which tells what it is about, and `Proof`, which lets them check it."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from xlsxwriter.worksheet import Worksheet

from services.reports.document import Column, Document, Figure, Form, Held, Kind, Table
from services.reports.formats.book.place import Sheet, figures
from services.reports.formats.book.rows import serial, shortened
from services.reports.formats.book.style import Styles
from services.reports.words import Words
from tidemark.v1 import report_pb2 as pb

REPORT, PROOF = "Report", "Proof"
_TEXT, _WHOLE, _INSTANT = Form(Kind.TEXT), Form(Kind.INTEGER), Form(Kind.INSTANT)
_SUM, _SHARE = Form(Kind.NUMBER, decimals=6), Form(Kind.SHARE, decimals=2)


def report(sheet: Worksheet, document: Document, placed: Sequence[Sheet], styles: Styles) -> None:
    """What the report is about, its figures, and where everything stands."""
    words = Words(document.locale, document.time_zone)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 4, 18)
    sheet.set_row(0, 28)
    text(sheet, 0, 0, document.title, styles.title)
    text(sheet, 1, 0, document.description, styles.muted)
    row = 3
    facts = [
        ("Project", document.project),
        ("Time", words.span(document.span)),
        ("Time zone", document.time_zone),
        *(("Only where", each) for each in document.filters),
        *(("Note", each) for each in document.notes),
    ]
    for name, value in facts:
        text(sheet, row, 0, name, styles.muted)
        text(sheet, row, 1, value)
        row += 1
    text(sheet, row, 0, "Made", styles.muted)
    sheet.write_number(row, 1, serial(document.made_at, document.time_zone), styles.cell(_INSTANT))
    row = _figures(sheet, row + 2, document, styles)
    _contents(sheet, row, placed, styles)


def _figures(sheet: Worksheet, row: int, document: Document, styles: Styles) -> int:
    several = [figure for _, block in figures(document) for figure in block.figures]
    if not several:
        return row
    for column, heading in enumerate(("Figure", "Value", "Before", "Change")):
        sheet.write_string(row, column, heading, styles.number_heading if column else styles.heading)
    for place, figure in enumerate(several, row + 1):
        text(sheet, place, 0, figure.title)
        number(sheet, place, 1, figure.value, styles.cell(figure.form))
        if figure.compared:
            number(sheet, place, 2, figure.before, styles.cell(figure.form))
            number(sheet, place, 3, _change(figure), styles.change)
    return row + len(several) + 2


def _change(figure: Figure) -> float | None:
    if figure.value is None or not figure.before:
        return None
    return (figure.value - figure.before) / abs(figure.before)


def _contents(sheet: Worksheet, row: int, placed: Sequence[Sheet], styles: Styles) -> None:
    for column, heading in enumerate(("Contents", "Sheet", "Rows")):
        sheet.write_string(row, column, heading, styles.number_heading if column == 2 else styles.heading)
    for place, each in enumerate(placed, row + 1):
        text(sheet, place, 0, each.section.title or each.section.section_id)
        _link(sheet, place, 1, each.name, styles)
        sheet.write_number(place, 2, sum(piece.count for piece in each.pieces), styles.cell(_WHOLE))
    last = row + len(placed) + 1
    text(sheet, last, 0, "What is proven")
    _link(sheet, last, 1, PROOF, styles)


def proof(proofs: Sequence[pb.SectionProof]) -> Table:
    """The control totals, a row for each column; sums of numbers only."""
    told = [
        (section, table, column) for section in proofs for table in section.tables for column in table.columns
    ]
    values: dict[str, tuple[Form, pa.DataType, list[Any]]] = {
        "Section": (_TEXT, pa.string(), [section.section_id for section, _, _ in told]),
        "Table": (_TEXT, pa.string(), [table.table_id for _, table, _ in told]),
        "Rows": (_WHOLE, pa.int64(), [table.row_count for _, table, _ in told]),
        "Column": (_TEXT, pa.string(), [column.title for _, _, column in told]),
        "Values": (_WHOLE, pa.int64(), [column.value_count for _, _, column in told]),
        "Sum": (_SUM, pa.float64(), [column.sum if math.isfinite(column.sum) else None for _, _, column in told]),
        "SHA-256 of the table": (_TEXT, pa.string(), [table.sha256 for _, table, _ in told]),
        "Version of the data": (_TEXT, pa.string(), [section.data_version for section, _, _ in told]),
        "Complete up to": (_INSTANT, pa.timestamp("us", "UTC"), [_watermark(section) for section, _, _ in told]),
        "Completeness": (_SHARE, pa.float64(), [section.completeness for section, _, _ in told]),
    }  # fmt: skip
    rows = pa.table({name: pa.array(cells, kind) for name, (_, kind, cells) in values.items()})
    columns = tuple(Column(name, form) for name, (form, _, _) in values.items())
    return Table("proof", PROOF, columns, Held(rows))


def _watermark(section: pb.SectionProof) -> datetime | None:
    return section.watermark.ToDatetime(UTC) if section.HasField("watermark") else None


def text(sheet: Worksheet, row: int, column: int, value: str, look: Any = None) -> None:
    """Writes a text, whatever it looks like; as much of it as a cell holds."""
    if value:
        sheet.write_string(row, column, shortened(value), look)


def number(sheet: Worksheet, row: int, column: int, value: float | None, look: Any) -> None:
    """Writes a number; what is no number is nothing."""
    if value is not None and math.isfinite(value):
        sheet.write_number(row, column, value, look)


def _link(sheet: Worksheet, row: int, column: int, name: str, styles: Styles) -> None:
    quoted = name.replace("'", "''")
    sheet.write_url(row, column, f"internal:'{quoted}'!A1", styles.link, string=name)

"""Files for programs: workbooks, CSV and JSON say what the document says, and a file that says anything else is found."""

import csv
import io
import math
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import openpyxl
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reports.document import Chart, Document, Drawing, Form, Held, Kind, Line, Section, Table
from services.reports.formats.book import place, rows
from services.reports.formats.book.names import Names
from services.reports.formats.check import Disagrees, check
from services.reports.formats.form import WRITERS, file_name
from services.reports.proof import prove
from tests.unit.reports import sample
from tidemark.v1 import report_pb2 as pb

ROOT = Path(__file__).parents[3]
DATA = (pb.REPORT_FORMAT_XLSX, pb.REPORT_FORMAT_CSV, pb.REPORT_FORMAT_JSON)
ALL = tuple(WRITERS)
HOSTILE = ("=cmd|' /C calc'!A0", "+1+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''", "'it is", "＝1", "", " ", '"', "a\nb", "<b>&amp;</b>",
           "_x000D_", "\x01\x1f", "\ufffe", "https://example.com", "1e5", "TRUE", "0042", "é" * 40)  # fmt: skip


def written(form: pb.ReportFormat, document: Document) -> bytes:
    sink = io.BytesIO()
    WRITERS[form].write(document, prove(document), sink)
    return sink.getvalue()


def passes(form: pb.ReportFormat, content: bytes, document: Document) -> None:
    check(form, io.BytesIO(content), document, prove(document))


def workbook(document: Document) -> Any:
    return openpyxl.load_workbook(io.BytesIO(written(pb.REPORT_FORMAT_XLSX, document)))


def cells(sheet: Any) -> list[tuple[Any, ...]]:
    return list(sheet.iter_rows(values_only=True))


def everything() -> Table:
    """Every kind of column with values at the edges."""
    instants = [
        datetime(
            2026, 10, 25, 0, 30, tzinfo=UTC
        ),  # 02:30 in Berlin for the first time, and an hour later again.
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(1899, 12, 31, tzinfo=UTC),
        datetime(9999, 12, 31, 22, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC),
        None,
    ]
    numbers = [0.1, -0.0, 1e300, 5e-324, 1 / 3, None]
    return sample.table("sample", "Edges", {
        "Text": (sample.TEXT, ["=1+1", "", None, "a,b\r\nc", "'=1", "ok"]),
        "Whole": (sample.COUNT, [2**63 - 1, -(2**63), 10**15, 10**15 - 1, 0, None]),
        "Number": (Form(Kind.NUMBER), numbers),
        "Share": (sample.SHARE, [0.0, 1.0, 0.5, 2.0, 1e-9, None]),
        "Seconds": (Form(Kind.DURATION), [0.0, 59.9, 3600.25, 1e6, 0.001, None]),
        "When": (Form(Kind.INSTANT), instants),
        "Day": (sample.DAY, [sample.START] * 5 + [None]),
        "Yes": (Form(Kind.BOOLEAN), [True, False, None, True, False, True])})  # fmt: skip


@pytest.fixture(scope="module")
def document() -> Document:
    return sample.document()


@pytest.mark.parametrize("form", ALL, ids=lambda form: WRITERS[form].extension)
def test_every_file_of_a_rich_report_agrees_with_what_is_proven(
    form: pb.ReportFormat, document: Document
) -> None:
    passes(form, written(form, document), document)


@pytest.mark.parametrize("form", DATA, ids=lambda form: WRITERS[form].extension)
def test_values_at_the_edges_come_back(form: pb.ReportFormat) -> None:
    document = sample.of(everything())
    passes(form, written(form, document), document)


@pytest.mark.parametrize("form", DATA, ids=lambda form: WRITERS[form].extension)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_table_comes_back(form: pb.ReportFormat, data: st.DataObject) -> None:
    values = {
        Kind.TEXT: st.text(max_size=8),
        Kind.INTEGER: st.integers(-(2**63), 2**63 - 1),
        Kind.NUMBER: st.floats(allow_nan=False, allow_infinity=False),
        Kind.INSTANT: st.datetimes(datetime(1800, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        Kind.BOOLEAN: st.booleans(),
    }
    count = data.draw(st.integers(0, 6))
    columns = {
        data.draw(st.text(max_size=4)) + str(kind): (
            Form(kind),
            data.draw(st.lists(st.none() | some, min_size=count, max_size=count)),
        )
        for kind, some in values.items()
    }
    document = sample.of(sample.table("sample", data.draw(st.text(max_size=4)), columns))
    passes(form, written(form, document), document)


@pytest.mark.parametrize("form", ALL, ids=lambda form: WRITERS[form].extension)
def test_equal_documents_give_equal_files(form: pb.ReportFormat, document: Document) -> None:
    assert written(form, document) == written(form, sample.document())


@pytest.mark.parametrize("form", ALL, ids=lambda form: WRITERS[form].extension)
@pytest.mark.parametrize("part", ["nothing", "no rows", "texts"])
def test_a_report_with_little_to_tell_is_whole(form: pb.ReportFormat, part: str) -> None:
    little = {
        "nothing": sample.of(),
        "no rows": sample.of(
            sample.table("sample", "None", {"Text": (sample.TEXT, []), "Day": (sample.DAY, [])})
        ),
        "texts": sample.of(sample.text("Nothing happened.")),
    }[part]
    passes(form, written(form, little), little)


@pytest.mark.parametrize("form", ALL, ids=lambda form: WRITERS[form].extension)
@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.NUMBER, Kind.INSTANT, Kind.BOOLEAN])
def test_a_column_of_nothing_is_as_long_as_it_is(form: pb.ReportFormat, kind: Kind) -> None:
    document = sample.of(sample.table("sample", "Nothing", {"Column": (Form(kind), [None, None, None])}))
    passes(form, written(form, document), document)


@pytest.mark.parametrize("form", ALL, ids=lambda form: WRITERS[form].extension)
def test_a_table_of_many_columns_is_whole(form: pb.ReportFormat) -> None:
    columns = {
        f"Column number {place} of a long name": (Form(Kind.NUMBER), [place / 7, -1e300, None, 10.0**15])
        for place in range(80)
    }
    document = sample.of(sample.table("sample", "Wide", columns))
    passes(form, written(form, document), document)


def test_a_file_is_named_by_title_and_days(document: Document) -> None:
    assert file_name(document, pb.REPORT_FORMAT_PDF) == "harbour-how-october-went-2026-10-01-2026-10-24.pdf"
    one = replace(
        document,
        title="Café № 7 / ../etc",
        span=replace(document.span, end=document.span.start + timedelta(days=1)),
    )
    assert file_name(one, pb.REPORT_FORMAT_CSV) == "cafe-no-7-etc-2026-10-01.zip"
    assert file_name(replace(one, title="東京"), pb.REPORT_FORMAT_JSON) == "report-2026-10-01.json"


# Workbooks


def test_a_workbook_has_a_sheet_for_each_section(document: Document) -> None:
    names = workbook(document).sheetnames
    assert names[0] == "Report"
    assert names[-1] == "Proof"
    assert [name for name in names[1:-1] if name != "Charts"] == [
        section.title for section in document.sections
    ]


def test_cells_have_types_and_formats(document: Document) -> None:
    sheet = workbook(document)["Orders"]
    heading = next(row for row, line in enumerate(cells(sheet), 1) if line[0] == "Order")
    told = {sheet.cell(heading, column).value: sheet.cell(heading + 1, column) for column in range(1, 8)}
    assert {title: type(cell.value) for title, cell in told.items()} == {
        "Order": int, "When": datetime, "Customer": str, "Amount": float, "Discount": int, "Delivered after": int, "Paid": bool,
    }  # fmt: skip
    assert told["When"].value == datetime(2026, 10, 1)  # noqa: DTZ001
    assert {title: cell.number_format for title, cell in told.items()} == {
        "Order": "#,##0", "When": "yyyy-mm-dd hh:mm:ss", "Customer": "General", "Amount": '"€"#,##0.00', "Discount": "0.0%",
        "Delivered after": '#,##0.0" s"', "Paid": "General",
    }  # fmt: skip
    assert sheet.freeze_panes == f"A{heading + 1}"
    assert sheet.auto_filter.ref == f"A{heading}:G{heading + 640}"
    assert sheet.dimensions == f"A1:G{heading + 640}"


def test_currencies_stand_where_the_locale_has_them(document: Document) -> None:
    sheet = workbook(replace(document, locale="de"))["Orders"]
    assert '#,##0.00" €"' in {cell.number_format for row in sheet.iter_rows() for cell in row}


def test_charts_are_those_of_the_program_and_refer_to_cells(document: Document) -> None:
    book = workbook(document)
    charts = {sheet.title: sheet._charts for sheet in book if sheet._charts}
    assert {name: len(each) for name, each in charts.items()} == {
        "Traffic": 2, "Channels and revenue": 2, "Conversion": 1, "Outlook": 1,
    }  # fmt: skip
    line = charts["Traffic"][0].series
    heading = next(row for row, told in enumerate(cells(book["Traffic"]), 1) if told[0] == "Day")
    assert [each.val.numRef.f for each in line] == [
        f"Traffic!${column}${heading + 1}:${column}${heading + 24}" for column in "BCDE"
    ]
    assert [each.tx.strRef.f for each in line] == [f"Traffic!${column}${heading}" for column in "BCDE"]
    # Numbers that are no columns of a table have a sheet of their own, and what was drawn is remembered with the chart.
    forecast = charts["Outlook"][0].series
    assert [each.val.numRef.f.split("!")[0] for each in forecast] == ["Charts"] * 4
    assert len(forecast[0].val.numRef.numCache.pt) == 24
    assert book["Retention"].conditional_formatting


def test_more_rows_than_a_sheet_has_go_on_in_further_sheets() -> None:
    table = sample.table("sample", "Long", {"Number": (sample.COUNT, list(range(25)))})
    other = sample.table("sample.other", "Other", {"Number": (sample.COUNT, [1, 2])})
    sheets = place.sheets(sample.of(table, other), rows=12)
    assert [sheet.name for sheet in sheets] == ["Sample", "Sample (2)", "Sample (3)", "Sample (4)"]
    assert [[(piece.first, piece.count, piece.ends) for piece in sheet.pieces] for sheet in sheets] == [
        [(0, 8, 11)], [(8, 10, 11)], [(18, 7, 8)], [(0, 2, 3)],
    ]  # fmt: skip


def test_a_long_table_is_whole_over_several_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place.sheets, "__defaults__", (500,))
    document = sample.of(sample.orders(1_700))
    content = written(pb.REPORT_FORMAT_XLSX, document)
    assert openpyxl.load_workbook(io.BytesIO(content)).sheetnames == [
        "Report", "Sample", "Sample (2)", "Sample (3)", "Sample (4)", "Proof",
    ]  # fmt: skip
    passes(pb.REPORT_FORMAT_XLSX, content, document)


def test_nothing_in_a_workbook_is_a_formula_or_a_link_of_somebody() -> None:
    table = sample.table("sample", HOSTILE[0], {text or "-": (sample.TEXT, HOSTILE) for text in HOSTILE})
    chart = Chart(
        "sample.chart", "=Sheet1!A1\x01", Drawing.LINE, HOSTILE, sample.TEXT, (Line("=Report!A1\ufffe", (1.0,) * len(HOSTILE)),), sample.COUNT, "sample"
    )  # fmt: skip
    figure = sample.figures("one", sample.figure("one", "=1+1", 2.0, Form(Kind.NUMBER, unit='"=1" [Red]')))
    sections = tuple(Section(f"s{number}", text, (), new_page=True) for number, text in enumerate(HOSTILE))
    document = sample.of(chart, table, figure, sample.text(*HOSTILE), title=HOSTILE[0], filters=HOSTILE, notes=HOSTILE,
                         description=HOSTILE[0], project=HOSTILE[0])  # fmt: skip
    document = replace(document, sections=(*document.sections, *sections))
    content = written(pb.REPORT_FORMAT_XLSX, document)
    passes(pb.REPORT_FORMAT_XLSX, content, document)
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} <= {
        "s",
        "n",
        "d",
        "b",
        "inlineStr",
    }
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            part = archive.read(name)
            assert b"<f>" not in part
            assert b"<f " not in part
            if name.endswith(".rels"):
                assert b"External" not in part
            for reference in re.findall(rb"<c:f>(.*?)</c:f>", part):
                assert re.fullmatch(rb"('[^!]+'|\w+)!\$[A-Z]+\$\d+(:\$[A-Z]+\$\d+)?", reference), reference


@given(st.lists(st.text(max_size=60), max_size=40))
def test_names_of_sheets_are_legal_and_differ(wanted: list[str]) -> None:
    names = Names()
    given = [names.unique(each) for each in wanted]
    assert (
        len({name.casefold() for name in given} | {"report", "proof", "charts", "history"}) == len(given) + 4
    )
    for name in given:
        assert 0 < len(name.encode("utf-16-le")) // 2 <= 31
        assert not set(name) & set("[]:*?/\\")
        assert name.strip("'") == name


def test_a_text_longer_than_a_cell_is_cut_and_says_so() -> None:
    document = sample.of(
        sample.table("sample", "Long", {"Text": (sample.TEXT, ["😀" * 20_000, "x" * 32_767])})
    )
    content = written(pb.REPORT_FORMAT_XLSX, document)
    passes(pb.REPORT_FORMAT_XLSX, content, document)
    cut, whole = [line[0] for line in cells(openpyxl.load_workbook(io.BytesIO(content))["Sample"])[-2:]]
    assert cut.endswith("(longer than a cell can be)")
    assert len(cut.encode("utf-16-le")) // 2 <= 32_767
    assert whole == "x" * 32_767


def test_space_around_texts_stays() -> None:
    texts = ["plain", " before", "behind ", "\tboth\n", "in\nside", "  "]
    for several in (texts, *([text] for text in texts)):
        document = sample.of(sample.table("sample", "Space", {"Text": (sample.TEXT, ["", *several, None])}))
        content = written(pb.REPORT_FORMAT_XLSX, document)
        passes(pb.REPORT_FORMAT_XLSX, content, document)
        read = [line[0] for line in cells(openpyxl.load_workbook(io.BytesIO(content))["Sample"])]
        assert [each for each in read[3:] if each] == several


@given(st.lists(st.datetimes(datetime(1901, 1, 1), datetime(2079, 1, 1)), min_size=1))  # noqa: DTZ001
def test_instants_come_back_from_dates_of_excel_to_the_microsecond(naive: list[datetime]) -> None:
    at = pa.array([each.replace(tzinfo=UTC) for each in naive], pa.timestamp("us", "UTC"))
    days = pa.array([rows.serial(each.replace(tzinfo=UTC), "UTC") for each in naive], pa.float64())
    assert rows.instants(days, "UTC").equals(at)


# CSV and JSON


def test_csv_is_read_by_python_too() -> None:
    document = sample.of(everything())
    with zipfile.ZipFile(io.BytesIO(written(pb.REPORT_FORMAT_CSV, document))) as archive:
        assert archive.namelist() == ["manifest.json", "01-sample.csv"]
        text = archive.read("01-sample.csv").decode()
        manifest = orjson.loads(archive.read("manifest.json"))
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert lines[0] == ["Text", "Whole", "Number", "Share", "Seconds", "When", "Day", "Yes"]
    assert lines[1] == ["'=1+1", "9223372036854775807", "0.1", "0", "0", "2026-10-25T00:30:00.000000Z", "2026-09-30T22:00:00.000000Z", "true"]  # fmt: skip
    assert [line[0] for line in lines[2:]] == ["", "", "a,b\r\nc", "''=1", "ok"]
    assert '""' in text.splitlines()[2]
    assert manifest["tables"][0]["file"] == "01-sample.csv"
    assert manifest["proof"][0]["tables"][0]["rowCount"] == 6


def test_json_is_as_its_schema_says(document: Document) -> None:
    schema = orjson.loads((ROOT / "docs/report.schema.json").read_bytes())
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)
    for each in (document, sample.of(), sample.of(everything())):
        told = orjson.loads(written(pb.REPORT_FORMAT_JSON, each))
        assert [error.message for error in validator.iter_errors(told)] == []
    told["tables"][0]["rows"][0][0] = {}
    assert not validator.is_valid(told)


def test_numbers_of_json_are_exact() -> None:
    told = orjson.loads(written(pb.REPORT_FORMAT_JSON, sample.of(everything())))["tables"][0]["rows"]
    assert [row[1] for row in told] == [2**63 - 1, -(2**63), 10**15, 10**15 - 1, 0, None]
    assert [row[2] for row in told] == [0.1, -0.0, 1e300, 5e-324, 1 / 3, None]
    assert math.copysign(1, told[1][2]) == -1


# What is not as it is proven


def other(value: Any, kind: pa.DataType) -> Any:
    """A value that is not `value`."""
    if pa.types.is_timestamp(kind):
        return (value or sample.START) + timedelta(seconds=1)
    if pa.types.is_boolean(kind):
        return not value
    if pa.types.is_string(kind):
        return f"{value or ''}."
    return (value or 0) + 1


def changed(table: Table, row: int, column: int, *, empty: bool) -> Table:
    """The table with one cell that is another, or is empty."""
    assert isinstance(table.rows, Held)
    held = table.rows.table.combine_chunks()
    values = held.column(column).to_pylist()
    values[row] = None if empty else other(values[row], held.column(column).type)
    return replace(
        table,
        rows=Held(held.set_column(column, held.field(column), pa.array(values, held.column(column).type))),
    )


@pytest.mark.parametrize("form", DATA, ids=lambda form: WRITERS[form].extension)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_cell_that_is_another_is_found(form: pb.ReportFormat, data: st.DataObject) -> None:
    table = sample.orders(40)
    row, column = data.draw(st.integers(0, 39)), data.draw(st.integers(0, 6))
    wrong = changed(table, row, column, empty=data.draw(st.booleans()))
    if wrong.rows.table.equals(table.rows.table):  # type: ignore[attr-defined]
        return
    right = sample.of(table)
    sink = io.BytesIO()
    # Its control totals are those of the right document: only its cells are wrong.
    WRITERS[form].write(sample.of(wrong), prove(right), sink)
    with pytest.raises(Disagrees, match="table orders"):
        passes(form, sink.getvalue(), right)


def tampered(content: bytes, old: bytes, new: bytes) -> Iterator[bytes]:
    """The archive with every place changed where a part has `old`, one at a time."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, part in parts.items():
        for found in re.finditer(re.escape(old), part):
            made = io.BytesIO()
            with zipfile.ZipFile(made, "w") as archive:
                for each, whole in parts.items():
                    cut = whole[: found.start()] + new + whole[found.end() :]
                    archive.writestr(each, cut if each == name else whole)
            yield made.getvalue()


@pytest.mark.parametrize("form", [pb.REPORT_FORMAT_XLSX, pb.REPORT_FORMAT_CSV], ids=["xlsx", "zip"])
def test_bytes_that_are_changed_in_an_archive_are_found(form: pb.ReportFormat) -> None:
    document = sample.of(
        sample.figures("sample", sample.figure("one", "Visits", 4711.0)),
        sample.table("sample.rows", "Rows", {"Caption": (sample.TEXT, ["cell one", "cell two"]), "Count": (sample.COUNT, [4711, 12])}),
    )  # fmt: skip
    content = written(form, document)
    for old, new in ((b"4711", b"4712"), (b"cell one", b"cell 0ne"), (b"Caption", b"Captiom")):
        found = list(tampered(content, old, new))
        assert found
        for each in found:
            with pytest.raises(Disagrees):
                passes(form, each, document)


def test_bytes_that_are_changed_in_json_and_html_are_found() -> None:
    document = sample.of(
        sample.figures("sample", sample.figure("one", "Visits", 4711.0)),
        sample.table("sample.rows", "Rows", {"Heading": (sample.TEXT, ["cell one"]), "Count": (sample.COUNT, [4711])}),
    )  # fmt: skip
    for form, signs in {
        pb.REPORT_FORMAT_JSON: (b"4711", b"cell one", b"Heading", b"Visits", b"sha256"),
        pb.REPORT_FORMAT_HTML: (b"4,711", b"4711", b"cell one", b"Heading", b"Visits"),
    }.items():
        content = written(form, document)
        for sign in signs:
            for found in re.finditer(re.escape(sign), content):
                wrong = content[: found.start()] + sign[:-1] + b"7" + content[found.end() :]
                with pytest.raises(Disagrees):
                    passes(form, wrong, document)


@pytest.mark.parametrize("form", [pb.REPORT_FORMAT_PDF, pb.REPORT_FORMAT_HTML], ids=["pdf", "html"])
def test_a_page_with_other_figures_or_totals_is_found(form: pb.ReportFormat) -> None:
    right = sample.of(sample.figures("sample", sample.figure("one", "Visits", 4711.0)), sample.orders(12))
    figure = sample.of(sample.figures("sample", sample.figure("one", "Visits", 4712.0)), sample.orders(12))
    table = sample.of(sample.figures("sample", sample.figure("one", "Visits", 4711.0)), sample.orders(13))
    for wrong in (figure, table):
        with pytest.raises(Disagrees):
            passes(form, written(form, wrong), right)


@pytest.mark.parametrize("form", ALL, ids=lambda form: WRITERS[form].extension)
def test_a_file_that_is_cut_off_or_is_no_such_file_is_found(
    form: pb.ReportFormat, document: Document
) -> None:
    content = written(form, document)
    for wrong in (content[: len(content) // 2], b"", b"PK\x03\x04", b"{}\n"):
        with pytest.raises(Disagrees):
            passes(form, wrong, document)


@pytest.mark.parametrize("form", DATA, ids=lambda form: WRITERS[form].extension)
def test_rows_that_are_missing_or_too_many_are_found(form: pb.ReportFormat) -> None:
    right = sample.of(sample.orders(30))
    for count in (29, 31):
        sink = io.BytesIO()
        WRITERS[form].write(sample.of(sample.orders(count)), prove(right), sink)
        with pytest.raises(Disagrees):
            passes(form, sink.getvalue(), right)


@pytest.mark.parametrize("locale", ["de", "fr", "ar", "fa", "hi", "ja", "sv", "pt-BR", "de-CH", "en-IN"])
@pytest.mark.parametrize("form", [pb.REPORT_FORMAT_PDF, pb.REPORT_FORMAT_HTML], ids=["pdf", "html"])
def test_pages_agree_however_numbers_are_written(
    form: pb.ReportFormat, locale: str, document: Document
) -> None:
    summary = replace(document, locale=locale, sections=document.sections[:1])
    passes(form, written(form, summary), summary)

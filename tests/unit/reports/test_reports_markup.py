"""Sheets read back: what stands in cells comes out as other programs read it, and what cells of values do not need is refused."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from services.reports.formats.readback import gap, markup
from services.reports.formats.readback.book import Book
from services.reports.formats.readback.fault import Disagrees

ROWS = (
    b'<row r="2" spans="1:3"><c r="A2" t="s"><v>1</v></c><c r="C2" s="3"><v>-1.5e3</v></c></row><row r="4" ht="20"/>'
    b'<row r="5"><c r="B5" s="12"/><c r="AA5" t="b"><v>1</v></c>'
    b'<c r="AB5" s="1" t="inlineStr"><is><t xml:space="preserve"> a &lt;b&gt; &amp;amp;\n_x000D__x005F_x0041_</t></is></c></row>'
)
CELL = b'<row r="1"><c r="A1"><v>1</v></c></row>'


def test_cells_are_read_by_their_addresses() -> None:
    cells = markup.read(ROWS, ["zero", "one"])
    assert cells.last == 4
    assert list(zip(cells.rows.tolist(), cells.columns.tolist())) == [(1, 0), (1, 2), (4, 26), (4, 27)]
    assert cells.values(1) == ["one", None, -1500.0]
    assert cells.values(3) == []
    assert cells.values(4)[26:] == [True, " a <b> &amp;\n\r_x0041_"]
    texts, kinds = cells.column(0, 0, 3)
    assert texts.to_pylist() == [None, "one", None]
    assert kinds.tolist() == [gap.NOTHING, gap.TEXT, gap.NOTHING]
    assert [cells.width(first, count) for first, count in ((0, 1), (0, 2), (0, 5))] == [0, 3, 28]


def test_no_rows_have_no_cells() -> None:
    assert markup.read(b"", []).last == -1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<v>1</v>", b"<f>1+1</f><v>2</v>"),
        (b"<v>1</v>", b"<v>1</v><v>2</v>"),
        (b"<v>1</v>", b"<is><t>1</t></is>"),
        (b"<v>1</v>", b"<is><r><t>1</t></r></is>"),
        (b"<v>1</v>", b"<!-- 1 --><v>1</v>"),
        (b"<v>1</v>", b"<v>1</v>2"),
        (b"<v>1</v>", b"<v>1>0</v>"),
        (b"<v>1</v>", b"<v>1>0<1</v>"),
        (b"<v>1</v>", b"<v>1><2</v>"),
        (b"<v>1</v>", b"<v></v>"),
        (b"<v>1</v>", b"<v>1</v> "),
        (b"<v>1</v>", b"<v>1</t>"),
        (b"<v>1</v>", b"<v>1\r</v>"),
        (b'"A1"', b'"A2"'),
        (b'"A1"', b'"1"'),
        (b'"A1"', b'"AAAA1"'),
        (b'"A1"', b'"A1" t="e"'),
        (b'"A1"', b'"A1" t="str"'),
        (b'"A1"', b'"A1" t="inlineStr"'),
        (b'"A1"', b'"A1" t="s" s="1"'),
        (b'"A1"', b'"A1" vm="1"'),
        (b'"A1"', b'"A1" s="one"'),
        (b'"A1"', b'"a1"'),
        (b'"A1"', b'"A12345678"'),
        (b' r="1"', b' r="0"'),
        (b' r="A1"', b""),
        (b' r="1"', b""),
        (b"</c>", b"</c>" + CELL[11:-6]),
        (b"</c>", b""),
        (b"</c>", b'</c><c r="A1"/>'),
        (b"</c>", b'</c><c r="B1"/><c r="B1"/>'),
        (b"</c>", b'</c><c r="B2"/>'),
        (b"</c>", b"</c>2"),
        (b"</row>", b"</row>2"),
        (b"</row>", b"</row>" + CELL),
        (b"</row>", b""),
    ],
)
def test_whatever_is_no_cell_with_a_value_is_a_fault(old: bytes, new: bytes) -> None:
    assert markup.read(CELL, []).values(0) == [1.0]
    with pytest.raises(Disagrees):
        markup.read(CELL.replace(old, new), [])


def test_a_text_has_no_tags_of_its_own() -> None:
    cell = b'<row r="1"><c r="A1" t="inlineStr"><is><t>a%sb</t></is></c></row>'
    assert markup.read(cell % b"&gt;&lt;", []).values(0) == ["a><b"]
    for text in (
        b"><",
        b"<",
        b">",
        b"</t></is></c><c r='B1' t='inlineStr'><is><t>",
        b"<b>&gt;</b>",
        b"<!-- -->",
    ):
        with pytest.raises(Disagrees):
            markup.read(cell % text, [])


def test_rows_go_on_below_those_before() -> None:
    row = CELL.replace(b'1"', b'7"')
    assert markup.read(row, [], above=5).values(6) == [1.0]
    assert markup.read(b"", [], above=5).last == 5
    for above in (6, 7):
        with pytest.raises(Disagrees, match="order"):
            markup.read(row, [], above=above)


@pytest.mark.parametrize("number", [b"2", b"-1", b"1.0", b"one"])
def test_a_cell_names_a_text_that_is_there(number: bytes) -> None:
    cells = markup.read(
        CELL.replace(b"<v>1<", b"<v>%s<" % number).replace(b'"A1"', b'"A1" t="s"'), ["zero", "one"]
    )
    with pytest.raises(Disagrees, match="names text"):
        cells.column(0, 0, 1)


def test_numbers_of_rows_may_grow_longer_from_row_to_row() -> None:
    numbers = [1, 9, 10, 99, 100, 99_999, 100_000, 1_048_576]
    xml = b"".join(
        b'<row r="%d"><c r="A%d"><v>%d</v></c><c r="XFD%d"/></row>' % ((number,) * 4) for number in numbers
    )
    cells = markup.read(xml, [])
    assert (cells.rows + 1).tolist() == numbers
    assert [cells.values(number - 1) for number in numbers] == [[float(number)] for number in numbers]
    for wrong in numbers:
        with pytest.raises(Disagrees):
            markup.read(xml.replace(b'"XFD%d"' % wrong, b'"XFD%d"' % (wrong + 1)), [])


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="￾￿"), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 40), st.integers(0, 800)),
        TEXTS | st.booleans() | st.floats(-1e9, 1e9),
        min_size=1,
    )
)
def test_a_workbook_says_what_another_program_reads(cells: dict[tuple[int, int], str | bool | float]) -> None:
    made = io.BytesIO()
    book = Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("Cells & <all>")
    for (row, column), value in (cells | {(41, 0): "last"}).items():
        sheet.write(row, column, value)
    book.close()
    other = CalamineWorkbook.from_filelike(io.BytesIO(made.getvalue())).get_sheet_by_name("Cells & <all>")
    wanted = {
        (row, column): value
        for row, line in enumerate(other.to_python(skip_empty_area=False))
        for column, value in enumerate(line)
        if value != ""
    }
    read = Book(made)
    assert read.names == ["Cells & <all>"]
    assert {
        (row, column): value
        for row, line in enumerate(read.rows("Cells & <all>"))
        for column, value in enumerate(line)
        if value is not None
    } == wanted

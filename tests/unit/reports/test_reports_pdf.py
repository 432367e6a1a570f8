"""Pages are whole: nothing is blank, cut, covered or left out, and the numbers on them are those that are proven."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.reports.document import Document, Drawing, Form, Kind, Line, Notice, Run, Section
from services.reports.formats import pdf, prose
from services.reports.formats.paper.flow import A4, SIDE
from services.reports.formats.typeset import fonts
from services.reports.proof import prove
from services.reports.runs.writer import News, Turn, filed
from services.reports.words import Words
from tests.unit.reports import sample
from tests.unit.reports.printing import ink, install, opened, printed, rectangles, texts
from tests.unit.reports.sample import COUNT, DAY, DAYS, TEXT, figure, figures, of, table, text
from tidemark.v1.report_pb2 import REPORT_FORMAT_PDF


@pytest.fixture(scope="module")
def whole() -> bytes:
    """The sample, printed."""
    return printed(sample.document())


def hostile() -> Document:
    """What is too long, too wide, too many or empty."""
    wide = {
        f"Column number {place} " + "\nand more" * 30 * (place == 7): (COUNT, [place * 1000, place, None])
        for place in range(40)
    }
    named = {f"Text {place}": (TEXT, ["some words", "x" * 200, "a\nb\nc"]) for place in range(10)}
    tall = {
        "A": (TEXT, ["line\n" * 200, "漢字" * 3000, ""]),
        **{f"C{place}": (TEXT, ["word " * 400] * 3) for place in range(9)},
    }
    chart = sample.Chart("lines", "Twelve lines", Drawing.LINE, tuple(DAYS), DAY,
                         tuple(Line(f"A series with a long name, number {place}", (1.0 * place,) * 24) for place in range(12)), COUNT, "wide")  # fmt: skip
    return of(
        text("w" * 500, " ", Run("https://example.com/" + "path/" * 60, link="https://example.com/")),
        figures("sample", *(figure(f"f{place}", "A figure with a very long title indeed, longer than its card is wide " * 2, 1.5e14 + place,
                                   Form(Kind.NUMBER, unit="requests per second"), before=2e14, compared=True, trend=(1.0, 2.0)) for place in range(5))),
        table("wide", "Forty columns", wide), table("named", "Ten columns of text", named), table("tall", "Tall cells", tall), table("none", "No rows", {"A": (TEXT, [])}),
        chart, Notice("A notice " * 40, tuple(text(f"paragraph {place} " * 30) for place in range(40)), "a mark that is much longer than its place"),
        title="A title of a report that goes on and on " * 4, project="The project " * 12, filters=tuple("a filter " * 60 for _ in range(12)), description="Described\n" * 120,
    )  # fmt: skip


@pytest.mark.parametrize("made", ["whole", "hostile"])
def test_every_page_has_content_within_its_margins(made: str, whole: bytes) -> None:
    with opened(whole if made == "whole" else printed(hostile())) as document:
        for number, page in enumerate(document, 1):
            assert ink(page) > 0.005, f"page {number} is blank"
            width, height = page.get_size()
            found = rectangles(page)
            assert found
            for left, bottom, right, top in found:
                assert left > SIDE - 2, f"page {number}"
                assert right < width - SIDE + 2, f"page {number}"
                assert bottom > 20, f"page {number}"
                assert top < height - 24, f"page {number}"


@pytest.mark.parametrize("made", ["whole", "hostile"])
def test_no_text_covers_another(made: str, whole: bytes) -> None:
    with opened(whole if made == "whole" else printed(hostile())) as document:
        for number, page in enumerate(document, 1):
            assert _covered(np.array(rectangles(page))) == [], f"page {number}"


def _covered(found: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of rectangles that cover each other by more than letters of neighbouring lines do."""
    left, bottom, right, top = (found[:, side] for side in range(4))
    across = np.minimum.outer(right, right) - np.maximum.outer(left, left)
    up = np.minimum.outer(top, top) - np.maximum.outer(bottom, bottom)
    height = np.minimum.outer(top - bottom, top - bottom)
    return np.argwhere(np.triu((across > 1.5) & (up > 0.35 * height), 1)).tolist()


def test_figures_and_control_totals_are_those_proven(whole: bytes) -> None:
    document = sample.document()
    words, said = Words(document.locale, document.time_zone), _bare("".join(texts(whole)))
    for section in document.sections:
        for block in section.blocks:
            for one in block.figures if isinstance(block, sample.Figures) else ():
                assert _bare(words.value(one.value, one.form)) in said
                assert _bare(words.change(one)) in said
    for _, printed_table, counted in prose.proven(document, prove(document)):
        assert f"{_bare(counted.table_id)}{counted.row_count}" in said
        assert counted.sha256 in said
        for title, total in prose.totals(printed_table, counted):
            assert _bare(title + total) in said


def _bare(said: str) -> str:
    return re.sub(r"\s|\ufffe", "", said)


def test_contents_and_outline_lead_to_the_sections(whole: bytes) -> None:
    with opened(whole) as document:
        outline = [(mark.get_title(), mark.get_dest().get_index() + 1) for mark in document.get_toc()]
    titles = [section.title for section in sample.document().sections]
    assert [title for title, _ in outline] == [*titles, "Proof"]
    pages = texts(whole)
    for title, number in outline:
        assert title in pages[number - 1]
        assert re.search(rf"{title}[\s.]*{number}\b", pages[0])
    for number, said in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in said


def test_a_cut_table_says_so() -> None:
    document, sink = of(sample.orders(501)), io.BytesIO()
    assert pdf.write(document, prove(document), sink) == {"orders": 500}
    said = " ".join(" ".join(texts(sink.getvalue())).split())
    assert (
        said.count("The first 500 of 501 rows. The CSV, XLSX and JSON files of this report hold all of them.")
        == 1
    )


def test_equal_documents_are_equal_bytes(whole: bytes) -> None:
    assert printed(sample.document()) == whole


def test_metadata_say_what_it_is(whole: bytes) -> None:
    with opened(whole) as document:
        told = document.get_metadata_dict()
    assert told["Title"] == "Harbour: how October went"
    assert told["Subject"] == sample.document().description
    assert told["CreationDate"].startswith("D:20261029060012")
    assert b"/Lang (en-GB)" in whole
    assert b"Helvetica" not in whole


def test_only_what_may_be_opened_is_a_link() -> None:
    runs = [Run(f"link {place}", link=link) for place, link in enumerate(
        ("https://example.com/a?b=1&c=(2)", "mailto:ann@example.com", "javascript:alert(1)", "file:///etc/passwd", "http://example.com", ""))]  # fmt: skip
    made = printed(of(text(*runs)))
    assert made.count(b"/S /URI") == 2
    assert b"(mailto:ann@example.com)" in made
    assert b"javascript" not in made
    assert b"passwd" not in made


def test_tables_of_many_columns_lie(whole: bytes) -> None:
    columns = {f"C{place}": (COUNT, [place]) for place in range(12)}
    made = printed(of(text("before"), table("wide", "Wide", columns), text("after")))
    with opened(made) as document:
        sizes = [tuple(round(side) for side in page.get_size()) for page in document]
    upright = (round(A4[0]), round(A4[1]))
    assert sizes == [upright, upright[::-1], upright, upright]


def test_no_column_is_left_out_however_many_there_are() -> None:
    columns = {f"C{place}": (COUNT, [10_000 + place]) for place in range(90)}
    said = " ".join(texts(printed(of(table("wide", "Wide", columns)))))
    assert all(f"{10_000 + place:,}" in said for place in range(90))
    assert "of 90" in said


def test_a_heading_stays_with_what_it_is_of() -> None:
    for lines in range(34, 50):
        made = printed(
            of(
                *(text(f"line {number}") for number in range(lines)),
                text("Heading", level=1),
                text("Below it"),
            )
        )
        (page,) = [said for said in texts(made) if "Heading" in said]
        assert "Below it" in page


def test_a_heading_goes_with_a_chart_that_does_not_fit_together_with_its_notes() -> None:
    chart = sample.Chart("lines", "A line", Drawing.LINE, tuple(DAYS), DAY, (Line("measured", (1.0,) * 24),), COUNT, "wide")  # fmt: skip
    for lines in range(4, 16):
        before = Section("before", "", tuple(text(f"line {number}") for number in range(lines)))
        charted = Section("charted", "Heading", (chart,), sample.Trust(notes=("This is a note.",)))
        made = printed(replace(of(), sections=(before, charted)))
        *_, page = [said for said in texts(made) if "Heading" in said]
        assert "This is a note." in page, lines


def test_without_fonts_it_is_made_and_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_installed", [fonts.Fonts(lambda _: None)])
    made = printed(of(text("Latin, 東京 and 🚀"), figures("sample", figure("f", "Заказы", 1))))
    said = " ".join(" ".join(texts(made)).split())
    assert "Latin, ?? and ?" in said
    assert "U+4EAC, U+6771" in said
    assert "U+0417" in said
    assert "U+1F680" in said


def test_scripts_can_be_searched_and_copied() -> None:
    for said in (
        "Łukasz Żółć",
        "Ωμέγα",
        "Юлия",
        "東京の店",
        "서울 상점",
        "fi ffl office",
        "สวัสดีชาวโลก",
        "தமிழ்",
    ):
        assert said in "".join(texts(printed(of(text(said))))).replace("\u200b", "")


def test_a_report_of_nothing_is_made() -> None:
    empty = replace(sample.document(), sections=(Section("a", "", ()),), title="", filters=(), description="")
    with opened(printed(empty)) as document:
        assert len(document) == 2


def test_several_are_written_and_read_back_at_the_same_time(tmp_path: Path) -> None:
    install()
    document = replace(sample.document(), sections=sample.document().sections[:1])
    proofs = prove(document)
    folders = [tmp_path / str(number) for number in range(40)]

    def made(folder: Path) -> int:
        folder.mkdir()
        return filed(REPORT_FORMAT_PDF, document, proofs, folder, Turn(News(), 0, 1), 0.0).about.size_bytes

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(made, folders))) == 1

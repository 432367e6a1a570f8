"""A page of HTML is valid, needs and runs nothing, and shows what it was given as it was given."""

import io
import re

import html5lib
import pytest

from services.reports.document import Chart, Drawing, Line, Run
from services.reports.formats import html
from services.reports.formats.drawing import palette
from services.reports.proof import prove
from tests.unit.reports import sample
from tests.unit.reports.printing import shown
from tests.unit.reports.sample import COUNT, TEXT, figure, figures, of, table, text

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE events; --",
    "</style></title></svg></table><iframe src=//evil.example>",
    "&lt;b&gt; &amp;",
    "{{ 7 * 7 }}",
    "\x00\x08\x1b[31m",
    "\u202egnp.exe",
    "]]> <!-- -->",
)


def everywhere(said: str) -> str:
    """A page with a text wherever a text can be."""
    chart = Chart(
        f"c {said}",
        said,
        Drawing.BAR,
        (said, "b"),
        TEXT,
        (Line(said, (1.0, 2.0)), Line("x", (2.0, 1.0))),
        COUNT,
        "t",
        summary=said,
    )
    blocks = (
        text(said, Run(said, link="https://example.com/?q=" + said), level=2),
        text(said, item=True),
        figures("sample", figure("f", said, 1)),
        table("t", said, {said: (TEXT, [said])}),
        chart,
        sample.Notice(said, (text(said),), said),
    )
    trust = sample.Trust(data_version=said, as_of=said, notes=(said,))
    return shown(
        of(*blocks, title=said, trust=trust, project=said, description=said, filters=(said,), notes=(said,))
    )


def parsed(page: str) -> html5lib.treebuilders.base.Node:
    """The tree of a page that is valid."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)


def test_the_page_is_valid() -> None:
    tree = parsed(shown(sample.document()))
    assert len(tree.findall(".//section")) == 10
    assert all(head.get("scope") for head in tree.findall(".//th"))


@pytest.mark.parametrize("said", HOSTILE)
def test_nothing_that_is_shown_becomes_part_of_the_page(said: str) -> None:
    tree, usual = parsed(everywhere(said)), parsed(everywhere("usual"))
    names = [each.tag for each in tree.iter()]
    assert names == [each.tag for each in usual.iter()]
    assert not {"script", "iframe", "img", "object", "embed", "form", "base"} & {str(name) for name in names}
    for each in tree.iter():
        assert not any(name.startswith("on") for name in each.attrib)


def test_the_page_allows_itself_nothing() -> None:
    page = shown(sample.document())
    (policy,) = [meta.get("content") for meta in parsed(page).iter("meta") if meta.get("http-equiv")]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert page.index("Content-Security-Policy") < page.index("<style>")
    assert not re.search(r"@import|url\(|<link|src=", page)


def test_only_what_may_be_opened_is_a_link() -> None:
    links = ("https://example.com/a?b=1&c=2", "mailto:ann@example.com", "javascript:alert(1)", "data:text/html,x", "http://example.com", "HTTPS://EXAMPLE.COM")  # fmt: skip
    tree = parsed(shown(of(text(*(Run("link", link=link) for link in links)))))
    assert [link.get("href") for link in tree.iter("a")] == [links[0], links[1], links[5]]


def test_every_colour_has_a_value_on_light_and_on_dark() -> None:
    page = shown(sample.document())
    named = set(re.findall(r"var\(--([a-z0-9-]+)\)", page)) - {"mark", "soft"}
    assert named <= set(palette.LIGHT)
    assert set(palette.LIGHT) == set(palette.DARK)
    assert "prefers-color-scheme:dark" in page


def test_charts_are_told_to_those_who_do_not_see_them() -> None:
    page = shown(sample.document())
    drawings = [
        svg for svg in parsed(page).iter() if str(svg.tag).endswith("}svg") and svg.get("role") == "img"
    ]
    charts = [
        block
        for section in sample.document().sections
        for block in section.blocks
        if isinstance(block, Chart)
    ]
    assert len(drawings) == len(charts)
    ids = [each.get("id") for each in parsed(page).iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    for drawing, chart in zip(drawings, charts):
        assert drawing.findtext("{*}title") == chart.title
        assert set(drawing.get("aria-labelledby").split()) <= set(ids)
        assert (drawing.findtext("{*}desc") or "") == chart.summary


def test_a_cut_table_says_so() -> None:
    document, sink = of(sample.orders(60)), io.BytesIO()
    assert html.write(document, prove(document), sink, rows=50) == {"orders": 50}
    tree = parsed(sink.getvalue().decode())
    (shown_rows,) = [each for each in tree.iter("table") if each.get("id") == "table-orders"]
    assert len(shown_rows.findall("tbody/tr")) == 50
    (cut,) = [each.text for each in tree.iter("p") if each.get("class") == "cut"]
    assert cut.startswith("The first 50 of 60 rows.")


def test_cells_say_what_values_are() -> None:
    tree = parsed(shown(of(sample.orders(11))))
    (found,) = [each for each in tree.iter("table") if each.get("id") == "table-orders"]
    rows = [["".join(cell.itertext()) for cell in row] for row in found.findall("tbody/tr")]
    assert rows[0] == ["100,000", "1 Oct 2026, 00:00:00", "Ann", "€19.90", "0%", "0 s", "no"]
    assert rows[10][2:4] == ['=HYPERLINK("http://evil.example")', "–"]


def test_equal_documents_are_equal_bytes() -> None:
    assert shown(sample.document()) == shown(sample.document())

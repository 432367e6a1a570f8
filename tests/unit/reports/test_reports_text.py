"""Texts tell of figures in the words of a locale; their marks become paragraphs, and nothing in them is ever more."""

from dataclasses import replace

import pytest

from services.kit.errors import Invalid
from services.reports.build import text
from services.reports.build.asked import Asked
from services.reports.build.markdown import paragraphs
from services.reports.build.span import range_of
from services.reports.document import Figure, Form, Kind, Paragraph, Run, Style
from services.reports.words import Words
from tests.unit.reports.answers import HOSTILE, WEEK, asked
from tests.unit.reports.sample import ZONE
from tidemark.v1 import report_pb2 as pb

REPORT = pb.Report(
    display_name="Weekly", variables={"team": "Harbour", "hostile": HOSTILE}, version=3, time_zone=ZONE, time_range=range_of(WEEK)
)  # fmt: skip
FIGURES = [
    Figure("orders", "Orders", 1234.0, Form(Kind.INTEGER), 1000.0, compared=True),
    Figure("paid", "Paid", 12.5, Form(Kind.NUMBER, "€")),
    Figure("none", "None", None, Form(Kind.NUMBER), 0.0, compared=True),
]


def told(source: str, locale: str = "en-GB", report: Asked | None = None) -> str:
    """What a text says, without its marks."""
    made = text.blocks(source, report or asked(report=REPORT), Words(locale, ZONE), FIGURES, "text")
    return "\n".join("".join(run.text for run in each.runs) for each in made)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ figures.orders.value | number }} orders", "1,234 orders"),
        ("{{ figures.orders.text }}, {{ figures.paid.text }}", "1,234, €12.50"),
        ("{{ figures.orders.change | change }}", "+23%"),
        ("{{ figures.orders.before }}", "1000.0"),
        ("{{ figures.none.text }} {{ figures.none.change | change }} {{ figures.none.value | number }}", "– – –"),
        ("{{ figures.paid.value | number('€', 2) }} {{ 0.123 | percent }} {{ 0.5 | percent(1) }}", "€12.50 12.3% 50.0%"),
        ("{{ 90 | duration }} {{ 1200000 | size }}", "1 min 30 s 1.2 MB"),
        ("{{ range.text }}: {{ range.days | number }} days", "5–11 Oct 2026: 7 days"),
        ("{{ range.start | date }} {{ range.start | time }}", "5 Oct 2026 5 Oct 2026, 00:00"),
        ("{{ report.title }} v{{ report.version }} of {{ project.title }}", "Weekly v3 of Demo"),
        ("{{ variables.team }}", "Harbour"),
        ("{% for each in figures | items %}{{ each[0] }} {% endfor %}", "orders paid none"),
        ("{% if figures.orders.value > 1000 %}many{% else %}few{% endif %}", "many"),
    ],
)  # fmt: skip
def test_a_text_tells_of_what_the_report_knows(source: str, said: str) -> None:
    assert told(source) == said


def test_a_text_is_written_in_the_locale_of_the_report() -> None:
    assert told("{{ figures.paid.text }}; {{ range.text }}", "de") == "12,50\xa0€; 5.–11. Okt. 2026"


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("a\n{{ figures.missing.value }}", "line 2: there is no 'missing'"),
        ("{{ nothing }}", "there is no 'nothing'"),
        ("{{ 'x' | number }}", "could not convert"),
        ("{{ figures.orders.value | date }}", "is no instant; give one, as in range.start"),
        ("{% for a in", "line 1"),
        ("{{ figures.__class__ }}", "names begin with a letter"),
    ],
)
def test_what_is_wrong_with_a_text_is_told_with_its_line(source: str, fault: str) -> None:
    with pytest.raises(Invalid, match=fault) as caught:
        told(source)
    assert caught.value.field == "text"


def test_filters_and_values_that_validation_knows_are_those_there_are() -> None:
    words = Words("en", "UTC")
    assert set(text.filters(words)) == set(text.FILTERS)
    assert set(text.values(asked(), words, ())) == set(text.NAMES)


def test_marks_become_paragraphs() -> None:
    source = "# One\nplain **bold** and *italic*\nsame\n\n- item [link](https://example.com/a?b=1)\n* two\n### Three"
    assert paragraphs(source) == [
        Paragraph((Run("One"),), level=1),
        Paragraph(
            (
                Run("plain "),
                Run("bold", Style.BOLD),
                Run(" and "),
                Run("italic", Style.ITALIC),
                Run("\nsame"),
            )
        ),
        Paragraph((Run("item "), Run("link", link="https://example.com/a?b=1")), item=True),
        Paragraph((Run("two"),), item=True),
        Paragraph((Run("Three"),), level=3),
    ]
    assert paragraphs("") == paragraphs(" \n\n ") == []


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "/x", "https://[", "file:///etc/passwd", "ftp://a"]
)  # fmt: skip
def test_a_link_that_may_not_be_followed_stays_text(target: str) -> None:
    [paragraph] = paragraphs(f"see [this]({target}) now")
    assert not any(run.link for run in paragraph.runs)
    assert "".join(run.text for run in paragraph.runs) == f"see [this]({target}) now"


def test_hostile_values_stay_text() -> None:
    assert HOSTILE.strip() in told("{{ variables.hostile }}")
    hidden = replace(asked(report=REPORT), project_title="{{ 7 * 7 }} <b>")
    assert told("{{ project.title }}", report=hidden) == "{{ 7 * 7 }} <b>"


def test_many_marks_are_read_quickly() -> None:
    for part in ("*", "[", "**a", "[a](", "- ", "*a ", "[a](b[", " ", "*a  "):
        source = part * (500_000 // len(part)) + "."
        assert "".join(run.text for each in paragraphs(source) for run in each.runs)

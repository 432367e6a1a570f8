"""Values are written as people of a locale read them."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.kit.calendar import Span
from services.kit.errors import Invalid
from services.reports.document import Figure, Form, Kind
from services.reports.words import NOTHING, Words, locale_of

EN, DE, AR = Words("en-GB", "Europe/Berlin"), Words("de", "Europe/Berlin"), Words("ar", "Asia/Riyadh")
AT = datetime(2026, 10, 1, 7, 5, 9, 123456, tzinfo=UTC)


def day(month: int, number: int, year: int = 2026) -> datetime:
    """Midnight in Berlin."""
    return datetime(year, month, number, tzinfo=EN.zone)


@pytest.mark.parametrize(
    ("value", "form", "english", "german"),
    [
        (1234567, Form(Kind.INTEGER), "1,234,567", "1.234.567"),
        (2**63 - 1, Form(Kind.INTEGER), "9,223,372,036,854,775,807", "9.223.372.036.854.775.807"),
        (1234.5678, Form(Kind.NUMBER), "1,235", "1.235"),
        (12.345, Form(Kind.NUMBER), "12.34", "12,34"),
        (0.000123, Form(Kind.NUMBER), "0.000123", "0,000123"),
        (12.0, Form(Kind.NUMBER), "12", "12"),
        (12.0, Form(Kind.NUMBER, decimals=2), "12.00", "12,00"),
        (-0.0, Form(Kind.NUMBER), "0", "0"),
        (-0.001, Form(Kind.NUMBER, decimals=2), "0.00", "0,00"),
        (1e300, Form(Kind.NUMBER), "1E300", "1E300"),
        (-2.5e-12, Form(Kind.NUMBER), "-2.5E-12", "-2,5E-12"),
        (12.5, Form(Kind.NUMBER, "€"), "€12.50", "12,50\xa0€"),
        (12.0, Form(Kind.INTEGER, "€"), "€12", "12\xa0€"),
        (7.25, Form(Kind.NUMBER, "%"), "7.25%", "7,25\xa0%"),
        (7.25, Form(Kind.NUMBER, "req"), "7.25 req", "7,25 req"),
        (184.2, Form(Kind.NUMBER, "ms"), "184 ms", "184 ms"),
        (184.2, Form(Kind.NUMBER, "ms", 1), "184.2 ms", "184,2 ms"),
        (1_234_000, Form(Kind.NUMBER, "By"), "1.2 MB", "1,2 MB"),
        (1_234_000, Form(Kind.NUMBER, "By/s"), "1.2 MB/s", "1,2 MB/s"),
        (0.1234, Form(Kind.SHARE), "12.3%", "12,3\xa0%"),
        (0.9996, Form(Kind.SHARE), "99.96%", "99,96\xa0%"),
        (1.0, Form(Kind.SHARE), "100%", "100\xa0%"),
        (90_000.0, Form(Kind.DURATION), "1 d 1 h", "1 d 1 h"),
        (0.0, Form(Kind.DURATION), "0 s", "0 s"),
        (3.25, Form(Kind.DURATION), "3.2 s", "3,2 s"),
        (-65.0, Form(Kind.DURATION), "-1 min 5 s", "-1 min 5 s"),
        (AT, Form(Kind.INSTANT), "1 Oct 2026, 09:05:09", "1. Okt. 2026, 09:05:09"),
        (AT, Form(Kind.BUCKET, bucket="hour"), "1 Oct 2026, 09:05", "1. Okt. 2026, 09:05"),
        (AT, Form(Kind.BUCKET, bucket="day"), "Thu, 1 Oct 2026", "Do., 1. Okt. 2026"),
        (AT, Form(Kind.BUCKET, bucket="month"), "October 2026", "Oktober 2026"),
        (True, Form(Kind.BOOLEAN), "yes", "yes"),
        ("=1+1", Form(Kind.TEXT), "=1+1", "=1+1"),
        (None, Form(Kind.NUMBER), NOTHING, NOTHING),
        (math.nan, Form(Kind.SHARE), NOTHING, NOTHING),
        (math.inf, Form(Kind.NUMBER, "€"), NOTHING, NOTHING),
    ],
)  # fmt: skip
def test_a_value_is_written_by_its_form_and_locale(value: Any, form: Form, english: str, german: str) -> None:
    assert (EN.value(value, form), DE.value(value, form)) == (english, german)


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (112, 100, "+12%"),
        (95.5, 100, "-4.5%"),
        (100, 100, "0%"),
        (100.01, 100, "0%"),
        (5, -5, "+200%"),
        (1, 0, ""),
        (None, 4, ""),
        (4, None, ""),
        (1e308, 1e-308, ""),
    ],
)
def test_a_change_is_told_where_it_can_be(now: float | None, before: float | None, text: str) -> None:
    figure = Figure("f", "F", now, Form(Kind.INTEGER), before, compared=True)
    assert EN.change(figure) == text
    assert EN.change(Figure("f", "F", now, Form(Kind.INTEGER), before)) == ""


def test_a_span_is_told_in_whole_days_and_months() -> None:
    assert EN.span(Span(day(10, 1), day(10, 8))) == "1–7 Oct 2026"
    assert EN.span(Span(day(10, 1), day(10, 2))) == "1 Oct 2026"
    assert EN.span(Span(day(10, 1), day(11, 1))) == "October 2026"
    assert DE.span(Span(day(10, 25), day(10, 26))) == "25. Okt. 2026"
    assert "December 2025" in EN.span(Span(day(12, 1, 2025), day(2, 1)))
    assert EN.span(Span(day(10, 1), day(10, 1) + timedelta(hours=3))) == (
        "1 Oct 2026, 00:00 – 1 Oct 2026, 03:00"
    )


def test_ticks_are_as_short_as_they_can_be() -> None:
    hour = Form(Kind.BUCKET, bucket="hour")
    assert [EN.tick(each, hour) for each in (day(10, 1), AT)] == ["1 Oct", "09:05"]
    assert EN.tick(AT, Form(Kind.BUCKET, bucket="month")) == "Oct 2026"
    assert EN.tick("(none)", Form(Kind.TEXT)) == "(none)"


def test_a_locale_that_is_read_from_the_right_says_so() -> None:
    assert (EN.right_to_left, AR.right_to_left) == (False, True)
    assert AR.value(AT, Form(Kind.BUCKET, bucket="day")) == "الخميس، 1 أكتوبر 2026"


@pytest.mark.parametrize("locale", ["xx", "english", "../de", "de-XX-YY-ZZ", "\0", "a" * 1000])
def test_a_locale_that_nobody_knows_is_refused(locale: str) -> None:
    with pytest.raises(Invalid, match="give one as in en-GB"):
        locale_of(locale)

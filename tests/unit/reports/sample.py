"""A report by hand, with every kind of block: what tests of forms write and read back.

`document()` is what a customer would see; `table`, `figure` and `of` make small ones for single cases.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from services.kit.calendar import Span
from services.reports.document import (
    Block,
    Chart,
    Column,
    Document,
    Drawing,
    Figure,
    Figures,
    Form,
    Held,
    Kind,
    Line,
    Notice,
    Paragraph,
    Run,
    Section,
    Style,
    Table,
    Trust,
)

ZONE = "Europe/Berlin"
START = datetime(2026, 9, 30, 22, tzinfo=UTC)
"""Midnight in Berlin, 1 October."""
MADE_AT = datetime(2026, 10, 29, 6, 0, 12, tzinfo=UTC)
DAYS = [START + timedelta(days=day) for day in range(24)]
"""Before the clocks change, so that a day has 24 hours."""
TEXT = Form(Kind.TEXT)
COUNT = Form(Kind.INTEGER)
SHARE = Form(Kind.SHARE)
DAY = Form(Kind.BUCKET, bucket="day")
EURO = Form(Kind.NUMBER, unit="€", decimals=2)
MILLISECONDS = Form(Kind.NUMBER, unit="ms")
TYPES = {
    Kind.TEXT: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.SHARE: pa.float64(),
    Kind.DURATION: pa.float64(),
    Kind.INSTANT: pa.timestamp("us", tz="UTC"),
    Kind.BUCKET: pa.timestamp("us", tz="UTC"),
    Kind.BOOLEAN: pa.bool_(),
}


def table(
    table_id: str, title: str, columns: dict[str, tuple[Form, Sequence[Any]]], *, shown: bool = True
) -> Table:
    """A table out of columns of Python values, by their headings."""
    arrays = [pa.array(values, TYPES[form.kind]) for form, values in columns.values()]
    held = Held(pa.Table.from_arrays(arrays, names=[f"c{place}" for place in range(len(arrays))]))
    return Table(
        table_id, title, tuple(Column(head, form) for head, (form, _) in columns.items()), held, shown
    )


def text(*runs: str | Run, level: int = 0, item: bool = False) -> Paragraph:
    """A paragraph."""
    return Paragraph(tuple(Run(run) if isinstance(run, str) else run for run in runs), level, item)


def figure(figure_id: str, title: str, value: float | None, form: Form = COUNT, **more: Any) -> Figure:
    """A figure."""
    return Figure(figure_id, title, value, form, **more)


def figures(section_id: str, *several: Figure) -> Figures:
    """Figures with the table of the same numbers."""
    columns = {
        "Figure": (TEXT, [one.title for one in several]),
        "Value": (Form(Kind.NUMBER), [one.value for one in several]),
        "Before": (Form(Kind.NUMBER), [one.before for one in several]),
    }
    return Figures(several, table(f"{section_id}.figures", "Figures", columns))


def of(*blocks: Block, title: str = "Sample", trust: Trust | None = None, **more: Any) -> Document:
    """A document of one section."""
    given: dict[str, Any] = {
        "title": title,
        "description": "",
        "project": "Harbour",
        "span": Span(START, START + timedelta(days=24)),
        "time_zone": ZONE,
        "locale": "en-GB",
        "made_at": MADE_AT,
        "sections": (Section("sample", title, tuple(blocks), trust or Trust()),),
    }
    return Document(**{**given, **more})


def wave(day: int, height: float, weekend: float = 0.5) -> float:
    """A series with a week in it, growing a little; nothing of it is chance."""
    rest = weekend if day % 7 in (2, 3) else 1.0
    return round(height * rest * (1 + day / 80) * (1 + 0.06 * math.sin(day * 1.7)))


def document() -> Document:
    """Every kind of block, as a customer would meet them."""
    return Document(
        title="Harbour: how October went",
        description="What customers did, how that compares with the month before, and how far the numbers can be trusted.",
        project="Harbour",
        span=Span(START, START + timedelta(days=24)),
        time_zone=ZONE,
        locale="en-GB",
        made_at=MADE_AT,
        sections=(
            _summary(),
            _traffic(),
            _platforms(),
            _funnel(),
            _retention(),
            _outlook(),
            _findings(),
            _orders(),
            _health(),
        ),
        filters=("country is one of Germany, Austria, Switzerland", "plan is not internal"),
        notes=("Events up to 29 October 2026, 06:58 are in it.",),
    )


def trust(**more: Any) -> Trust:
    """Of an answer as they usually are."""
    given: dict[str, Any] = {
        "data_version": "v41-00018f2c",
        "as_of": "p0:1881,p1:1902",
        "watermark": datetime(2026, 10, 29, 5, 58, tzinfo=UTC),
    }
    return Trust(**{**given, **more})


def _summary() -> Section:
    visits = tuple(wave(day, 9000) for day in range(24))
    several = (
        figure("visits", "Visits", 238_417, before=214_002, compared=True, trend=visits),
        figure(
            "revenue",
            "Revenue",
            1_284_903.5,
            EURO,
            before=1_311_420.25,
            compared=True,
            trend=tuple(wave(day, 53000, 0.7) for day in range(24)),
        ),
        figure(
            "latency",
            "Slowest twentieth of requests",
            184.2,
            MILLISECONDS,
            before=231.0,
            compared=True,
            less_is_better=True,
            trend=tuple(220 - day * 1.7 + 9 * math.sin(day) for day in range(24)),
        ),
        figure("conversion", "Orders per visit", 0.0417, SHARE, before=0.0417, compared=True),
        figure("session", "Usual session", 412.0, Form(Kind.DURATION), before=0.0, compared=True),
        figure("refunds", "Refunds", None, compared=True, less_is_better=True),
    )
    return Section(
        "summary",
        "Summary",
        (
            text("Visits grew by ", Run("11 %", Style.BOLD), "; revenue fell a little, as the autumn sale of last year is missing. "
                 "The definition of a visit is in ", Run("the handbook", link="https://example.com/handbook?a=1&b=2"), "."),
            figures("summary", *several),
            text("What to look at", level=2),
            text("Orders by invoice are ", Run("late by a day", Style.ITALIC), " since the 14th.", item=True),
            text("Requests became faster with ", Run("release 4.2", Style.BOLD | Style.ITALIC), ".", item=True),
        ),
        trust(),
    )  # fmt: skip


def _traffic() -> Section:
    series = {
        "Web": [wave(day, 5400) for day in range(24)],
        "iOS": [wave(day, 2300, 0.9) for day in range(24)],
        "Android": [wave(day, 1900, 1.1) for day in range(24)],
        "Web, before": [wave(day, 4700) for day in range(24)],
    }
    rows = table(
        "traffic",
        "Visits by platform and day",
        {"Day": (DAY, DAYS), **{name: (COUNT, [int(one) for one in values]) for name, values in series.items()}},
    )  # fmt: skip
    lines = tuple(Line(name, tuple(values), dashed="before" in name) for name, values in series.items())
    line = Chart("traffic.line", "Visits by platform", Drawing.LINE, tuple(DAYS), DAY, lines, COUNT, "traffic",
                 summary="Visits grow on every platform; weekends are half as busy on the web.")  # fmt: skip
    area = Chart("traffic.area", "All visits, stacked", Drawing.AREA, tuple(DAYS), DAY, lines[:3], COUNT, "traffic", stacked=True)  # fmt: skip
    return Section(
        "traffic", "Traffic", (line, rows, area), trust(completeness=0.9987, notes=("Two producers were silent on 14 October for an hour.",)), True
    )  # fmt: skip


def _platforms() -> Section:
    names = (
        "Organic search",
        "Direct",
        "Newsletter",
        "Partners and resellers in the DACH region",
        "Paid search",
        "Social",
        "(none)",
    )
    amounts = (81_220, 60_114, 33_870, 24_092, 18_115, 12_006, 9_000)
    bars = Chart(
        "channels.bars",
        "Visits by channel",
        Drawing.BAR,
        names,
        TEXT,
        (Line("Visits", amounts),),
        COUNT,
        "channels",
    )
    months = tuple(datetime(2026, month, 1, tzinfo=ZoneInfo(ZONE)) for month in range(1, 11))
    columns = Chart("channels.months", "Revenue by month", Drawing.COLUMN, months, Form(Kind.BUCKET, bucket="month"),
                    (Line("New customers", tuple(210_000 + 9_000 * n for n in range(10))),
                     Line("Returning customers", tuple(640_000 - 11_000 * n for n in range(10)))),
                    EURO, "channels.revenue", stacked=True)  # fmt: skip
    rows = table(
        "channels",
        "Visits by channel",
        {
            "Channel": (TEXT, names),
            "Visits": (COUNT, amounts),
            "Share": (SHARE, [one / sum(amounts) for one in amounts]),
        },
    )
    revenue = table("channels.revenue", "Revenue by month", {
        "Month": (Form(Kind.BUCKET, bucket="month"), months),
        **{line.title: (EURO, line.values) for line in columns.series}}, shown=False)  # fmt: skip
    return Section("channels", "Channels and revenue", (bars, rows, columns, revenue), trust())


def _funnel() -> Section:
    steps = ("Visited", "Looked at a product", "Put into the basket", "Began to pay", "Ordered")
    people = (48_210, 31_995, 12_480, 8_312, 6_940)
    chart = Chart("funnel.chart", "From visit to order", Drawing.FUNNEL, steps, TEXT, (Line("People", people),), COUNT, "funnel",
                  summary="14 in 100 visitors order; most are lost before the basket.")  # fmt: skip
    rows = table("funnel", "From visit to order", {
        "Step": (TEXT, steps), "People": (COUNT, people),
        "Of the first": (SHARE, [one / people[0] for one in people]),
        "Time to it": (Form(Kind.DURATION), [None, 42.0, 310.5, 611.0, 758.25])})  # fmt: skip
    return Section("funnel", "Conversion", (chart, rows), trust())


def _retention() -> Section:
    weeks = [START + timedelta(weeks=week) for week in range(8)]
    shares = [
        [None if row + age > 7 else round(0.62 ** math.sqrt(age) * (1 - row / 40), 4) for age in range(8)]
        for row in range(8)
    ]
    heat = Chart("retention.heat", "People who come back, by week of their first visit", Drawing.HEAT,
                 tuple(f"Week {age}" for age in range(8)), TEXT,
                 tuple(Line(week.strftime("%d %b"), tuple(row)) for week, row in zip(weeks, shares)), SHARE, "retention")  # fmt: skip
    rows = table("retention", "Retention", {
        "First week": (Form(Kind.BUCKET, bucket="week"), weeks),
        **{f"Week {age}": (SHARE, [row[age] for row in shares]) for age in range(8)}}, shown=False)  # fmt: skip
    return Section("retention", "Retention", (heat, rows), trust())


def _outlook() -> Section:
    past = [wave(day, 9000) for day in range(24)]
    ahead = [wave(day, 9000) for day in range(24, 38)]
    days = [datetime(2026, 10, 1, tzinfo=ZoneInfo(ZONE)) + timedelta(days=day) for day in range(38)]
    nothing: list[float | None] = [None]
    forecast = Line(
        "Expected",
        (*nothing * 23, past[-1], *ahead),
        (*nothing * 23, past[-1], *(one * (0.93 - 0.004 * n) for n, one in enumerate(ahead))),
        (*nothing * 23, past[-1], *(one * (1.07 + 0.004 * n) for n, one in enumerate(ahead))),
        dashed=True,
    )
    chart = Chart("outlook.chart", "Visits, and what to expect", Drawing.LINE, tuple(days), DAY,
                  (Line("Visits", (*past, *nothing * 14)), forecast), COUNT, "outlook")  # fmt: skip
    rows = table("outlook", "Expected visits", {
        "Day": (DAY, days[24:]), "Expected": (COUNT, [int(one) for one in ahead]),
        "At least": (COUNT, [int(one or 0) for one in forecast.lower[24:]]),
        "At most": (COUNT, [int(one or 0) for one in forecast.upper[24:]])})  # fmt: skip
    told = text(
        "In the eight weeks before, 91 % of the days were within such a band; the usual error was 4.2 %."
    )
    return Section("outlook", "Outlook", (chart, told, rows), trust())


def _findings() -> Section:
    return Section(
        "findings",
        "What was found",
        (
            Notice("Orders by invoice fell by 38 % on 14 October",
                   (text("Of the loss, ", Run("82 %", Style.BOLD), " is in the country Austria and the payment provider Quickpay."),
                    text("Ask the provider; its errors rose an hour before.", item=True)), "high"),
            Notice("Two producers were silent", (text("checkout-7 and checkout-9, from 09:12 to 10:04."),), "data incident"),
            Notice("Nothing else changed beyond what is usual", (), "ok"),
        ),
        trust(),
    )  # fmt: skip


def orders(count: int) -> Table:
    """Many rows of every kind, some of them hostile."""
    names = ("Ann", "Łukasz Żółć", "Ωμέγα", "Юлия", "عمر الخيام", "שלום עולם", "हिन्दी क्षत्रिय", "สวัสดีชาวโลก", "東京の店", "서울 상점",
             '=HYPERLINK("http://evil.example")', "<script>alert(1)</script>", "+49 171", "👩‍🚀 🚀", "a" * 90)  # fmt: skip
    rows = range(count)
    return table("orders", "Orders", {
        "Order": (COUNT, [100_000 + n for n in rows]),
        "When": (Form(Kind.INSTANT), [START + timedelta(minutes=47 * n, microseconds=n) for n in rows]),
        "Customer": (TEXT, [names[n % len(names)] for n in rows]),
        "Amount": (EURO, [None if n % 11 == 10 else round(19.9 + n * 7.31, 2) for n in rows]),
        "Discount": (SHARE, [n % 5 / 20 for n in rows]),
        "Delivered after": (Form(Kind.DURATION), [3600.0 * (n % 70) + n for n in rows]),
        "Paid": (Form(Kind.BOOLEAN), [None if n % 9 == 8 else n % 3 > 0 for n in rows])})  # fmt: skip


def _orders() -> Section:
    return Section("orders", "Orders", (orders(640),), trust(), True)


def _health() -> Section:
    account = table("health.ledger", "The account", {
        "What": (TEXT, ["Received", "Stored", "Repeated, counted once", "Set aside"]),
        "Events": (COUNT, [1_204_331, 1_204_120, 198, 13])})  # fmt: skip
    wide = table("health.quality", "Quality of the busiest events", {
        "Event": (TEXT, ["page_viewed", "order_placed", "search_performed"]),
        **{f"Property {n}": (COUNT, [n, 10 * n, 100 * n]) for n in range(1, 14)}})  # fmt: skip
    said = Notice(
        "The account closes",
        (text("Every event received is stored, counted as a repetition, or set aside."),),
        "ok",
    )
    return Section("health", "Data health", (said, account, wide), trust())

"""Charts tell what their numbers say, name what they draw, and stay in their frame."""

from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise

import numpy as np
import pytest

from services.reports.document import Chart, Drawing, Form, Kind, Line
from services.reports.formats.chart import draw
from services.reports.formats.drawing import axis, palette
from services.reports.formats.drawing.heat import spark
from services.reports.formats.drawing.shape import (
    Area,
    Box,
    Dot,
    Drawn,
    Label,
    Shape,
    Stroke,
    estimate,
    shortened,
)
from services.reports.words import Words
from tests.unit.reports.sample import COUNT, DAYS, EURO, SHARE, TEXT, document

WORDS = Words("en-GB", "Europe/Berlin")
CHARTS = {
    block.chart_id: block
    for section in document().sections
    for block in section.blocks
    if isinstance(block, Chart)
}


def chart(
    drawing: Drawing,
    labels: tuple,
    *series: Line,
    form: Form = COUNT,
    label_form: Form = TEXT,
    stacked: bool = False,
) -> Chart:
    """A chart."""
    return Chart("chart", "A chart", drawing, labels, label_form, series, form, "table", stacked)


def said(drawn: Drawn) -> list[str]:
    """The texts of a drawing."""
    return [shape.text for shape in drawn.shapes if isinstance(shape, Label)]


def of(kind: type[Shape], drawn: Drawn) -> list:
    """The shapes of a kind."""
    return [shape for shape in drawn.shapes if isinstance(shape, kind)]


def reach(shape: Shape) -> tuple[float, float, float, float]:
    """Left, top, right and bottom."""
    if isinstance(shape, Label):
        wide = estimate(shape.text, shape.size, shape.bold)
        left = shape.x - {"start": 0, "middle": wide / 2, "end": wide}[shape.anchor]
        return left, shape.y - shape.size * 0.8, left + wide, shape.y + shape.size * 0.2
    if isinstance(shape, Box):
        return shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
    if isinstance(shape, Dot):
        return shape.x, shape.y, shape.x, shape.y
    return (
        min(x for x, _ in shape.points), min(y for _, y in shape.points),
        max(x for x, _ in shape.points), max(y for _, y in shape.points),
    )  # fmt: skip


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("width", [300.0, 503.0, 750.0])
def test_shapes_stay_in_their_frame(name: str, width: float) -> None:
    drawn = draw(CHARTS[name], width, WORDS)
    for shape in drawn.shapes:
        left, top, right, bottom = reach(shape)
        assert left >= -0.5, shape
        assert top >= -0.5, shape
        assert right <= width + 0.5, shape
        assert bottom <= drawn.height + 0.5, shape


@pytest.mark.parametrize("name", CHARTS)
def test_labels_do_not_cover_each_other(name: str) -> None:
    labels = of(Label, draw(CHARTS[name], 503, WORDS))
    for one, other in combinations(labels, 2):
        a, b = reach(one), reach(other)
        across = min(a[2], b[2]) - max(a[0], b[0])
        down = min(a[3], b[3]) - max(a[1], b[1])
        assert across <= 1 or down <= 1, (one, other)


def test_a_small_chart_is_these_shapes() -> None:
    drawn = draw(chart(Drawing.LINE, ("a", "b", "c"), Line("Visits", (0.0, 5.0, 10.0))), 100, WORDS)
    (line,) = [stroke for stroke in of(Stroke, drawn) if stroke.ink == "s1"]
    (left, low), (middle, half), (right, high) = line.points
    assert middle - left == pytest.approx(right - middle)
    assert low - half == pytest.approx(half - high)
    assert right == 94
    assert [label.text for label in of(Label, drawn) if label.anchor == "end"] == ["0", "5", "10"]


def test_where_there_is_nothing_there_is_a_gap() -> None:
    drawn = draw(
        chart(Drawing.LINE, tuple("abcdef"), Line("x", (1.0, 2.0, None, 3.0, None, 4.0))), 300, WORDS
    )
    assert [len(stroke.points) for stroke in of(Stroke, drawn) if stroke.ink == "s1"] == [2]
    assert len(of(Dot, drawn)) == 2


def test_a_chart_of_nothing_says_so() -> None:
    for values in ((), (None, None)):
        drawn = draw(chart(Drawing.COLUMN, ("a",) * len(values), Line("x", values)), 300, WORDS)
        assert said(drawn) == ["Nothing happened in this time."]


def test_what_is_stacked_adds_up_and_what_is_negative_hangs_below_zero() -> None:
    series = (Line("a", (10.0, 10.0)), Line("b", (5.0, -5.0)), Line("c", (5.0, None)))
    boxes = of(Box, draw(chart(Drawing.COLUMN, ("x", "y"), *series, stacked=True), 300, WORDS))
    first, second = [box for box in boxes if box.ink == "s1"]
    one, below = [box for box in boxes if box.ink == "s2"]
    (top,) = [box for box in boxes if box.ink == "s3"]
    assert one.y + one.height == pytest.approx(first.y)
    assert top.y + top.height == pytest.approx(one.y)
    assert below.y == pytest.approx(second.y + second.height)
    assert first.height == pytest.approx(2 * one.height)


def test_where_nothing_is_stacked_there_is_a_gap() -> None:
    series = (Line("a", (None, None, 3.0, 4.0)), Line("b", (None, None, None, 1.0)))
    drawn = draw(chart(Drawing.AREA, tuple("wxyz"), *series, stacked=True), 300, WORDS)
    assert [len(stroke.points) for stroke in of(Stroke, drawn) if stroke.ink in ("s1", "s2")] == [2, 2]


def test_a_band_is_drawn_where_both_its_rims_are() -> None:
    line = Line("x", (1.0, 2.0, 3.0), (None, 1.5, 2.0), (None, 2.5, 4.0), dashed=True)
    drawn = draw(chart(Drawing.LINE, tuple("abc"), line), 300, WORDS)
    (band,) = of(Area, drawn)
    assert len(band.points) == 4
    assert [stroke.dashed for stroke in of(Stroke, drawn) if stroke.ink == "s1"] == [True]


def test_more_series_than_colours_are_told_apart_by_dashes() -> None:
    series = [Line(f"Series {place}", (1.0 * place, 2.0 * place)) for place in range(12)]
    drawn = draw(chart(Drawing.LINE, ("a", "b"), *series), 503, WORDS)
    lines = {(stroke.ink, stroke.dashed) for stroke in of(Stroke, drawn) if stroke.ink.startswith("s")}
    assert len(lines) == 12


def test_the_period_before_has_the_colour_of_its_series() -> None:
    values = (1.0, 2.0)
    series = (
        Line("Web", values),
        Line("Web, before", values, dashed=True),
        Line("App", values),
        Line("Goal", values, dashed=True),
    )
    drawn = draw(chart(Drawing.LINE, ("a", "b"), *series), 503, WORDS)
    looks = [(stroke.ink, stroke.dashed) for stroke in of(Stroke, drawn) if stroke.ink.startswith("s")]
    assert looks == [("s1", False), ("s1", True), ("s2", False), ("s3", True)]


def test_a_funnel_says_what_is_left() -> None:
    drawn = draw(
        chart(Drawing.FUNNEL, ("Came", "Looked", "Bought"), Line("People", (200.0, 100.0, 25.0))), 503, WORDS
    )
    assert [text for text in said(drawn) if "%" in text] == [
        "100 · 50%",
        "50% of the step before",
        "25 · 12.5%",
        "25% of the step before",
    ]
    first, *_, last = [box.width for box in of(Box, drawn) if box.ink == "s1"]
    assert last == pytest.approx(first / 8)


def test_bars_that_do_not_fit_are_told() -> None:
    names = tuple(f"Page {place}" for place in range(60))
    drawn = draw(
        chart(Drawing.BAR, names, Line("Views", tuple(float(place) for place in range(60)))), 503, WORDS
    )
    assert drawn.height < 620
    assert said(drawn)[-1] == "and 29 more in the table"


def test_a_cell_is_the_stronger_the_more_it_holds() -> None:
    drawn = draw(chart(Drawing.HEAT, ("a", "b", "c"), Line("x", (0.1, None, 1.0)), form=SHARE), 300, WORDS)
    weak, strong = of(Box, drawn)
    assert weak.opacity < strong.opacity <= 0.5
    assert {"10%", "100%"} <= set(said(drawn))


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 100, (0, 25, 50, 75, 100)), (0, 7, (0, 2, 4, 6, 8)), (-3, 8, (-5, 0, 5, 10)), (0, 0, (0, 0.25, 0.5, 0.75, 1)), (5, 5, (0, 2, 4, 6))],
)  # fmt: skip
def test_ticks_are_round(low: float, high: float, ticks: tuple[float, ...]) -> None:
    found = axis.scale(low, high, 4)
    assert found.ticks == ticks


def test_counts_have_whole_ticks() -> None:
    assert axis.scale(0, 2, 4, whole=True).ticks == (0, 1, 2)


@pytest.mark.parametrize(
    ("ticks", "form", "labels"),
    [
        ((0.0, 0.25, 0.5), SHARE, ["0%", "25%", "50%"]),
        ((0.0, 20_000.0, 40_000.0), COUNT, ["0", "20K", "40K"]),
        ((0.0, 250_000.0, 500_000.0, 1_250_000.0), EURO, ["€0", "€250K", "€500K", "€1.25M"]),
        ((0.0, 0.5, 1.0), Form(Kind.NUMBER), ["0.0", "0.5", "1.0"]),
        ((0.0, 60.0, 120.0), Form(Kind.DURATION), ["0 s", "1 min", "2 min"]),
        ((0.0, 2e7), Form(Kind.NUMBER, unit="By"), ["0 B", "20 MB"]),
    ],
)
def test_ticks_are_written_shortly(ticks: tuple[float, ...], form: Form, labels: list[str]) -> None:
    assert axis.labels(ticks, form, WORDS) == labels


@pytest.mark.parametrize(
    ("count", "step", "bucket", "first"),
    [
        (24, timedelta(hours=1), "hour", ["1 Oct", "03:00"]),
        (72, timedelta(hours=1), "hour", ["1 Oct", "12:00"]),
        (24, timedelta(days=1), "day", ["1 Oct", "5 Oct"]),
        (400, timedelta(days=1), "day", ["Oct 2026", "Jan 2027"]),
        (3, timedelta(days=1), "day", ["1 Oct", "2 Oct"]),
    ],
)
def test_instants_are_told_where_a_period_begins(
    count: int, step: timedelta, bucket: str, first: list[str]
) -> None:
    at = [DAYS[0] + number * step for number in range(count)]
    found = axis.instants(at, Form(Kind.BUCKET, bucket=bucket), 8, WORDS)
    assert len(found) <= 8
    assert [text for _, text in found][:2] == first
    assert all(one < other for (one, _), (other, _) in pairwise(found))


def test_days_begin_in_the_zone_of_the_report_when_clocks_change() -> None:
    at = [datetime(2026, 10, 24, 22, tzinfo=UTC) + timedelta(hours=hour) for hour in range(72)]
    found = axis.instants(at, Form(Kind.BUCKET, bucket="hour"), 4, WORDS)
    assert [(place, text) for place, text in found if "Oct" in text] == [
        (0, "25 Oct"),
        (25, "26 Oct"),
        (49, "27 Oct"),
    ]


def test_a_small_line_needs_two_values() -> None:
    assert spark((None, 3.0, None), 50, 20) == []
    assert len(spark((1.0, None, 3.0), 50, 20)) == 3


def test_names_that_are_too_long_end_with_an_ellipsis() -> None:
    assert shortened("short", 100, estimate) == "short"
    cut = shortened("a very long name indeed", 60, estimate)
    assert cut.endswith("…")
    assert estimate(cut, 8, bold=False) <= 60


@pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_colours_stand_out(colours: dict[str, str]) -> None:
    ground = colours["surface"]
    for place in range(palette.SERIES):
        assert palette.contrast(colours[palette.of_series(place)], ground) >= 3, palette.of_series(place)
    for ink in ("text", "muted", "accent", "good", "warn", "bad"):
        assert palette.contrast(colours[ink], ground) >= 4.5, ink
        assert palette.contrast(colours[ink], colours["sunken"]) >= 4.5, ink
    for ink in ("accent", "good", "warn", "bad"):
        assert palette.contrast(colours[ink], colours[f"{ink}-soft"]) >= 4.5, ink


EYES = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}  # fmt: skip
"""How people see red, green and blue: with all cones, or without one kind (Machado, Oliveira and Fernandes, 2009)."""


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_the_colour_blind_tell_series_apart(eyes: str, colours: dict[str, str]) -> None:
    seen = [lab(colours[palette.of_series(place)], eyes) for place in range(palette.SERIES)]
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2)) > 14


def lab(colour: str, eyes: str) -> np.ndarray:
    """A colour in CIELAB, where distances are as large as they look."""
    told = np.array(palette.channels(colour))
    linear = np.where(told <= 0.04045, told / 12.92, ((told + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(EYES[eyes]) @ linear, 0, 1)
    white = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(white @ seen / np.array([0.9505, 1, 1.089]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

"""Bars that lie, each with its name and its number, and funnels.

Comes in: a chart and a width. Goes out: shapes. Pure.
"""

from collections.abc import Iterator

from services.reports.document import Chart, Form, Kind
from services.reports.formats.drawing.palette import of_series
from services.reports.formats.drawing.shape import ROW, SIZE, Box, Label, Measure, Shape, legend, shortened
from services.reports.words import Words

HIGHEST = 560.0
"""Rows that do not fit into this are in the table alone."""
SHARE = Form(Kind.SHARE)


def bar_height(chart: Chart) -> float:
    """How high bars are together."""
    rows = _rows(chart)
    return rows * _row(chart) + (28 if len(chart.series) > 1 else 6) + (14 if len(chart.labels) > rows else 0)


def bars(chart: Chart, width: float, words: Words, measure: Measure) -> list[Shape]:
    """A bar for each category and series."""
    shapes: list[Shape] = []
    top = 4.0
    if len(chart.series) > 1:
        inks = [(one.title, of_series(place), False) for place, one in enumerate(chart.series)]
        shapes, top = legend(inks, 0, width, measure)
    names = [
        shortened(words.value(label, chart.label_form), width * 0.34, measure)
        for label in chart.labels[: _rows(chart)]
    ]
    said = [
        [words.value(value, chart.value_form) for value in one.values[: len(names)]] for one in chart.series
    ]
    values = [value or 0.0 for one in chart.series for value in one.values[: len(names)]]
    low, high = min([*values, 0.0]), max([*values, 0.0])
    left = max((measure(name, SIZE, False) for name in names), default=0) + 8
    numbers = max((measure(text, SIZE, False) for row in said for text in row), default=0) + 6
    room = max(width - left - numbers * (2 if low < 0 else 1), 10)
    zero = left + (numbers if low < 0 else 0) + room * (-low / (high - low) if high > low else 0)
    per = room / (high - low) if high > low else 0.0
    thick = (_row(chart) - 5) / len(chart.series)
    for row, name in enumerate(names):
        y = top + row * _row(chart)
        shapes.append(Label(left - 8, y + (_row(chart) - 5) / 2 + 2.8, name, "text", "end"))
        for place, one in enumerate(chart.series):
            value, begin = one.values[row], y + place * thick
            end = zero + (value or 0.0) * per
            if value is not None:
                shapes.append(
                    Box(
                        min(zero, end),
                        begin,
                        max(abs(end - zero), 0.5),
                        thick - 1,
                        of_series(place),
                        radius=1.5,
                    )
                )
            leftward = (value or 0.0) < 0
            shapes.append(
                Label(end + (-4 if leftward else 4), begin + (thick - 1) / 2 + 2.8, said[place][row], "text", "end" if leftward else "start")
            )  # fmt: skip
    if len(chart.labels) > len(names):
        rest = len(chart.labels) - len(names)
        shapes.append(Label(left, top + len(names) * _row(chart) + 8, f"and {rest} more in the table"))
    return shapes


def _rows(chart: Chart) -> int:
    """How many categories are drawn."""
    return min(len(chart.labels), int(HIGHEST / _row(chart)))


def _row(chart: Chart) -> float:
    return 18.0 if len(chart.series) == 1 else 5.0 + 12.0 * len(chart.series)


STEP = 34.0
LEAST_STEP = 26.0


def funnel_height(chart: Chart) -> float:
    """How high a funnel is."""
    return min(len(chart.labels), int(HIGHEST / LEAST_STEP)) * _step(chart) + 2


def _step(chart: Chart) -> float:
    return min(STEP, max(HIGHEST / max(len(chart.labels), 1), LEAST_STEP))


def funnel(chart: Chart, width: float, words: Words, measure: Measure) -> list[Shape]:
    """A bar for each step, as long as its share of the first, and what is left of the step before."""
    return list(_steps(chart, width, words, measure))


def _steps(chart: Chart, width: float, words: Words, measure: Measure) -> Iterator[Shape]:
    step = _step(chart)
    values = [value or 0.0 for value in chart.series[0].values[: int(HIGHEST / LEAST_STEP)]]
    names = [
        shortened(f"{place}. {words.value(label, chart.label_form)}", width * 0.34, measure, SIZE + 0.5)
        for place, label in enumerate(chart.labels[: len(values)], 1)
    ]
    left = max((measure(name, SIZE + 0.5, False) for name in names), default=0) + 10
    most = max([*values, 0.0]) or 1.0
    said = [_said(values, at, chart, words) for at in range(len(values))]
    numbers = max((measure(text, SIZE, True) for pair in said for text in pair), default=0) + 10
    room = max(width - left - numbers, 10)
    for at, (name, value) in enumerate(zip(names, values)):
        y = 2 + at * step
        yield Label(left - 10, y + 16.5, name, "text", "end", size=SIZE + 0.5)
        yield Box(left, y, room, step - 8, "sunken", radius=2)
        if value > 0:
            yield Box(left, y, max(room * value / most, 1), step - 8, "s1", radius=2)
        first, second = said[at]
        yield Label(left + room + 8, y + 11, first, "text", bold=True)
        yield Label(left + room + 8, y + 11 + ROW, second)


def _said(values: list[float], at: int, chart: Chart, words: Words) -> tuple[str, str]:
    """The number of a step with its share of the first, and that of the step before."""
    number = words.value(values[at], chart.value_form)
    if not at:
        return number, "all who began"
    of_first = f" · {words.value(values[at] / values[0], SHARE)}" if values[0] else ""
    before = values[at - 1]
    return (
        number + of_first,
        f"{words.value(values[at] / before, SHARE)} of the step before" if before else "–",
    )

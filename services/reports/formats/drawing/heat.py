"""A matrix of shares, and the small line of a figure.

Comes in: a chart, or values. Goes out: shapes. Pure.
"""

from collections.abc import Iterator, Sequence

from services.reports.document import Chart
from services.reports.formats.drawing.shape import (
    SIZE,
    Area,
    Box,
    Dot,
    Label,
    Measure,
    Shape,
    Stroke,
    shortened,
)
from services.reports.words import Words

CELL = 19.0
MOST_ROWS = 30
STRONGEST = 0.5
"""Of the colour, so that what stands on it can be read on light and on dark."""


def heat_height(chart: Chart) -> float:
    """How high a matrix is."""
    return min(len(chart.series), MOST_ROWS) * CELL + 16 + (14 if len(chart.series) > MOST_ROWS else 0)


def heat(chart: Chart, width: float, words: Words, measure: Measure) -> list[Shape]:
    """A cell for each row and column, the stronger the more."""
    return list(_cells(chart, width, words, measure))


def _cells(chart: Chart, width: float, words: Words, measure: Measure) -> Iterator[Shape]:
    rows = chart.series[:MOST_ROWS]
    names = [shortened(row.title, width * 0.25, measure) for row in rows]
    left = max((measure(name, SIZE, False) for name in names), default=0) + 8
    wide = (width - left) / max(len(chart.labels), 1)
    heads = [words.tick(label, chart.label_form) for label in chart.labels]
    every = next(
        (n for n in range(1, len(heads) + 1) if all(measure(head, SIZE, False) < wide * n for head in heads)),
        1,
    )
    for place, head in enumerate(heads):
        if place % every == 0:
            room = wide * every - 2
            yield Label(left + wide * (place + 0.5), 9, shortened(head, room, measure), anchor="middle")
    said = [[words.value(value, chart.value_form) for value in row.values] for row in rows]
    written = all(measure(text, SIZE - 0.5, False) < wide - 3 for row in said for text in row)
    most = max((value for row in rows for value in row.values if value is not None), default=0.0)
    for number, row in enumerate(rows):
        y = 14 + number * CELL
        yield Label(left - 8, y + CELL / 2 + 2.4, names[number], "text", "end")
        for place, value in enumerate(row.values):
            if value is None:
                continue
            strength = STRONGEST * (0.08 + 0.92 * max(value, 0.0) / most) if most > 0 else 0.04
            x = left + wide * place
            yield Box(x + 0.75, y + 0.75, wide - 1.5, CELL - 1.5, "s1", round(strength, 3), 2)
            if written:
                yield Label(
                    x + wide / 2, y + CELL / 2 + 2.6, said[number][place], "text", "middle", size=SIZE - 0.5
                )
    if len(chart.series) > MOST_ROWS:
        rest = len(chart.series) - MOST_ROWS
        yield Label(0, 14 + MOST_ROWS * CELL + 10, f"and {rest} more rows in the table")


def spark(values: Sequence[float | None], width: float, height: float) -> list[Shape]:
    """The small line beside a figure; nothing where there are less than two values."""
    there = [(at, value) for at, value in enumerate(values) if value is not None]
    if len(there) < 2:
        return []
    low, high = min(value for _, value in there), max(value for _, value in there)
    reach = high - low or 1.0
    last = max(len(values) - 1, 1)
    points = tuple(
        (2 + (width - 4) * at / last, 2 + (height - 4) * (1 - (value - low) / reach)) for at, value in there
    )
    under = Area((*points, (points[-1][0], height), (points[0][0], height)), "accent", 0.12)
    return [under, Stroke(points, "accent", 1.2), Dot(*points[-1], "accent", 1.7)]

"""Series over time, or over few categories: lines, areas and columns, with bands around forecasts.

Comes in: a chart and a size. Goes out: shapes. Where there is nothing there is a gap, never a line through it. Series are named
where they end, where that can be read, else above. Pure.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from services.reports.document import Chart, Drawing, Kind, Line
from services.reports.formats.drawing import axis
from services.reports.formats.drawing.palette import SERIES, of_series
from services.reports.formats.drawing.shape import (
    ROW,
    SIZE,
    Area,
    Box,
    Dot,
    Label,
    Measure,
    Point,
    Shape,
    Stroke,
    legend,
    shortened,
)
from services.reports.words import Words

NAMED = 6
"""So many series at most are named where they end."""
NAME = 0.2
"""Share of the width that names at the end take at most."""

Values = Sequence[float | None]


def plot(chart: Chart, width: float, height: float, words: Words, measure: Measure) -> list[Shape]:
    """The shapes of a line, area or column chart."""
    return _Plot(chart, width, height, words, measure).shapes()


class _Plot:
    def __init__(self, chart: Chart, width: float, height: float, words: Words, measure: Measure) -> None:
        self.chart, self.words, self.measure = chart, words, measure
        self.count = len(chart.labels)
        self.columns = chart.drawing is Drawing.COLUMN
        self.looks = _looks(chart)
        self.tops, self.bottoms = (
            _stacked(chart) if chart.stacked else ([one.values for one in chart.series], [])
        )
        self.scale = self._scale()
        self.ticks = axis.labels(self.scale.ticks, chart.value_form, words)
        several = len(chart.series) > 1
        widest = max((measure(one.title, SIZE, False) for one in chart.series), default=0)
        self.named = several and not self.columns and len(chart.series) <= NAMED and widest <= width * NAME
        self.above: list[Shape] = []
        self.top = 8.0
        if several and not self.named:
            entries = [(one.title, *look) for one, look in zip(chart.series, self.looks)]
            self.above, self.top = legend(entries, 0, width, measure)
        self.left = max(measure(tick, SIZE, False) for tick in self.ticks) + 6
        self.right = width - (widest + 10 if self.named else 6)
        self.bottom = height - 16

    def shapes(self) -> list[Shape]:
        """All of them, the ones behind first."""
        return [
            *self.above,
            *self._grid(),
            *self._bands(),
            *(self._bars() if self.columns else self._lines()),
            *self._under(),
            *self._names(),
        ]

    def _scale(self) -> axis.Scale:
        values = [value for one in [*self.tops, *self.bottoms] for value in one if value is not None]
        values += [
            value for one in self.chart.series for value in (*one.lower, *one.upper) if value is not None
        ]
        low, high = min(values, default=0.0), max(values, default=0.0)
        grounded = self.chart.drawing is not Drawing.LINE or self.chart.stacked
        if grounded or low < 0.7 * high:  # a line far from zero may show its changes instead
            low, high = min(low, 0.0), max(high, 0.0)
        return axis.scale(low, high, 4, self.chart.value_form.kind is Kind.INTEGER)

    def _x(self, place: float) -> float:
        if self.columns or self.count < 2:
            return self.left + (self.right - self.left) * (place + 0.5) / max(self.count, 1)
        return self.left + (self.right - self.left) * place / (self.count - 1)

    def _y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * self.scale.at(value)

    def _grid(self) -> Iterator[Shape]:
        for tick, said in zip(self.scale.ticks, self.ticks):
            y = self._y(tick)
            ground = tick == 0 or tick == self.scale.low
            yield Stroke(((self.left, y), (self.right, y)), "axis" if ground else "line", 0.7)
            yield Label(self.left - 5, y + 2.8, said, anchor="end")

    def _bands(self) -> Iterator[Shape]:
        for place, one in enumerate(self.chart.series):
            both = [
                (at, low, high)
                for at, (low, high) in enumerate(zip(one.lower, one.upper))
                if low is not None and high is not None
            ]
            if len(both) > 1:
                rim = [(self._x(at), self._y(high)) for at, _, high in both]
                rim += [(self._x(at), self._y(low)) for at, low, _ in reversed(both)]
                yield Area(tuple(rim), self.looks[place][0], 0.18)

    def _lines(self) -> Iterator[Shape]:
        filled = self.chart.drawing is Drawing.AREA
        for place, one in enumerate(self.tops):
            ink, dashed = self.looks[place]
            for begin, end in _spans(one):
                points = self._points(one, begin, end)
                if filled:
                    under = self._points(self.bottoms[place], begin, end) if self.bottoms else [
                        (points[-1][0], self._y(0)), (points[0][0], self._y(0))][::-1]  # fmt: skip
                    yield Area((*points, *reversed(under)), ink, 0.75 if self.bottoms else 0.14)
                if end - begin == 1:
                    yield Dot(*points[0], ink)
                else:
                    yield Stroke(tuple(points), ink, 1.3 if dashed else 1.7, dashed)

    def _bars(self) -> Iterator[Shape]:
        band = (self.right - self.left) / max(self.count, 1)
        wide = band * 0.74 / (1 if self.bottoms else max(len(self.tops), 1))
        for place, one in enumerate(self.tops):
            for at, value in enumerate(one):
                if value is None or self.chart.series[place].values[at] is None:
                    continue
                ground = (self.bottoms[place][at] or 0.0) if self.bottoms else 0.0
                x = self._x(at) - band * 0.37 + (0 if self.bottoms else place * wide)
                y, foot = sorted((self._y(value), self._y(ground)))
                if foot == y:  # what has no height is drawn as a hair by some
                    continue
                yield Box(x, y, max(wide - (0 if self.bottoms else 0.6), 0.5), foot - y, self.looks[place][0])

    def _points(self, values: Values, begin: int, end: int) -> list[Point]:
        return [(self._x(at), self._y(values[at] or 0.0)) for at in range(begin, end)]

    def _under(self) -> Iterator[Shape]:
        room = self.right - self.left
        instants = [label for label in self.chart.labels if isinstance(label, datetime)]
        if instants and len(instants) == self.count:
            marks = axis.instants(instants, self.chart.label_form, max(2, int(room / 58)), self.words)
        else:
            band = room / max(self.count, 1)
            every = max(1, -(-26 // max(int(band), 1)))
            marks = [
                (at, shortened(self.words.value(label, self.chart.label_form), band * every - 4, self.measure))
                for at, label in enumerate(self.chart.labels) if at % every == 0
            ]  # fmt: skip
        free = -1e9
        for at, said in marks:
            half = self.measure(said, SIZE, False) / 2
            x = min(max(self._x(at), half), self.right + 6 - half)
            if x - half < free:
                continue
            free = x + half + 6
            yield Stroke(((self._x(at), self.bottom), (self._x(at), self.bottom + 3)), "axis", 0.7)
            yield Label(x, self.bottom + 12, said, anchor="middle")

    def _names(self) -> Iterator[Shape]:
        """Names of series behind their ends, moved apart where these are close."""
        if not self.named:
            return
        wanted = []
        for place, one in enumerate(self.tops):
            last = next((at for at in range(len(one) - 1, -1, -1) if one[at] is not None), None)
            if last is None:
                continue
            height = one[last] or 0.0
            if self.bottoms:
                height = (height + (self.bottoms[place][last] or 0.0)) / 2
            wanted.append((self._y(height), place))
        wanted.sort()
        places = [y for y, _ in wanted]
        for at in range(1, len(places)):
            places[at] = max(places[at], places[at - 1] + ROW - 1)
        limit = self.bottom
        for at in range(len(places) - 1, -1, -1):
            places[at] = min(places[at], limit)
            limit = places[at] - ROW + 1
        for y, (_, place) in zip(places, wanted):
            yield Label(
                self.right + 6, y + 2.8, self.chart.series[place].title, self.looks[place][0], bold=True
            )


def _looks(chart: Chart) -> list[tuple[str, bool]]:
    """The colour of each series, and whether it is dashed. A dashed line beside another, as `visits, before` beside `visits`, has its
    colour; where colours come again, lines are dashed."""
    looks: list[tuple[str, bool]] = []
    own = 0
    for place, one in enumerate(chart.series):
        beside = [
            at for at in range(place) if one.dashed and one.title.startswith(f"{chart.series[at].title}, ")
        ]
        if beside and chart.drawing is not Drawing.COLUMN:
            looks.append((looks[beside[0]][0], True))
        else:
            looks.append((of_series(own), one.dashed or own >= SERIES))
            own += 1
    return looks


def _spans(values: Values) -> Iterator[tuple[int, int]]:
    """From where to where there is something."""
    edges = [-1, *(at for at, value in enumerate(values) if value is None), len(values)]
    yield from ((left + 1, right) for left, right in pairwise(edges) if right - left > 1)


def _stacked(chart: Chart) -> tuple[list[Values], list[Values]]:
    """Upper and lower rims of series that stand on each other; what is negative hangs below zero. Where none has a value is a gap."""
    there = [
        any(value is not None for value in values) for values in zip(*(one.values for one in chart.series))
    ]
    above, below = [0.0] * len(chart.labels), [0.0] * len(chart.labels)
    tops: list[Values] = []
    bottoms: list[Values] = []
    for one in chart.series:
        top, bottom = _rims(one, above, below)
        tops.append([rim if known else None for rim, known in zip(top, there)])
        bottoms.append(bottom)
    return tops, bottoms


def _rims(one: Line, above: list[float], below: list[float]) -> tuple[list[float | None], list[float | None]]:
    tops: list[float | None] = []
    bottoms: list[float | None] = []
    for at, value in enumerate(one.values):
        pile = below if (value or 0.0) < 0 else above
        bottoms.append(pile[at])
        pile[at] += value or 0.0
        tops.append(pile[at])
    return tops, bottoms

"""Charts: series come in, lines of text made of braille dots and blocks go out.

A cell of the terminal holds two by four braille dots, so a chart of 70 by 10 cells draws 140 by 40 points.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from tidemark.records import Series
from tidemark.terminal.table import columns, fitted, number, printable, short

_BLOCKS = "▁▂▃▄▅▆▇█"
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_COLORS = ("36", "33", "35", "32", "34", "31", "96", "93", "95", "92")
_LEGEND_SPARK = 24


def chart(series: Series, width: int, height: int = 10, *, color: bool = False) -> list[str]:
    """A chart with both axes and a legend that holds each line's own small curve and total."""
    lines = [line for line in series.lines if any(math.isfinite(value) for value in line.values)]
    if not lines:
        return ["nothing was measured in this time"]
    finite = [value for line in lines for value in line.values if math.isfinite(value)]
    low, high = min(0.0, *finite), max(0.0, *finite)
    high = high if high > low else low + 1.0
    labels = [short(high), short((low + high) / 2), short(low)]
    margin = max(len(label) for label in labels)
    inner = max(10, width - margin - 2)
    cells = _drawn([line.values for line in lines], inner, height, low, high)
    drawn = []
    for row in range(height):
        label = {0: labels[0], height // 2: labels[1], height - 1: labels[2]}.get(row, "")
        drawn.append(f"{label:>{margin}} ┤" + "".join(_cell(*cell, color=color) for cell in cells[row]))
    drawn.append(" " * margin + " └" + "─" * inner)
    drawn.append(" " * (margin + 2) + _time_axis(series.starts, inner))
    if len(lines) > 1 or lines[0].group:
        names = min(max(columns(printable(line.label)) for line in lines), max(12, width // 3))
        for at, line in enumerate(lines):
            mark = _painted("●", at) if color else "●"
            name = fitted(printable(line.label), names)
            drawn.append(f"{mark} {name}  {spark(line.values, _LEGEND_SPARK)}  {number(line.total)}")
    return drawn


def spark(values: Sequence[float], width: int) -> str:
    """A curve one cell high; where there is no value, a blank."""
    sampled = _sampled(values, width)
    finite = [value for value in sampled if math.isfinite(value)]
    if not finite:
        return " " * width
    low, high = min(0.0, *finite), max(finite)
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    drawn = "".join(
        _BLOCKS[round((value - low) * scale)] if math.isfinite(value) else " " for value in sampled
    )
    return drawn.ljust(width)


def _drawn(
    curves: Sequence[Sequence[float]], width: int, height: int, low: float, high: float
) -> list[list[tuple[int, int]]]:
    """For each cell its dots, and which curve drew there first."""
    cells = [[(0, 0)] * width for _ in range(height)]
    wide, tall = 2 * width, 4 * height

    def dot(x: int, y: int, curve: int) -> None:
        row, column = (tall - 1 - y) // 4, x // 2
        dots, owner = cells[row][column]
        cells[row][column] = dots | _DOTS[x % 2][(tall - 1 - y) % 4], owner if dots else curve

    for curve, values in enumerate(curves):
        before: int | None = None
        sampled = _sampled(values, wide)
        for step, value in enumerate(sampled):
            if not math.isfinite(value):
                before = None
                continue
            y = round((value - low) / (high - low) * (tall - 1))
            left, right = step * wide // len(sampled), (step + 1) * wide // len(sampled)
            for x in range(left, right):
                dot(x, y, curve)
            # A step from one value to the next keeps a curve with few buckets connected.
            for between in range(
                min(y, y if before is None else before), max(y, y if before is None else before)
            ):
                dot(left, between, curve)
            before = y
    return cells


def _sampled(values: Sequence[float], most: int) -> list[float]:
    """At most so many values; several that share a place become their mean."""
    if len(values) <= most:
        return list(values)
    sampled = []
    for at in range(most):
        part = [
            value
            for value in values[at * len(values) // most : (at + 1) * len(values) // most]
            if math.isfinite(value)
        ]
        sampled.append(sum(part) / len(part) if part else math.nan)
    return sampled


def _cell(dots: int, curve: int, *, color: bool) -> str:
    drawn = chr(0x2800 + dots) if dots else " "
    return _painted(drawn, curve) if color and dots else drawn


def _painted(text: str, curve: int) -> str:
    return f"\x1b[{_COLORS[curve % len(_COLORS)]}m{text}\x1b[0m"


def _time_axis(starts: Sequence[datetime], width: int) -> str:
    if not starts:
        return ""
    reach = starts[-1] - starts[0]
    form = (
        "%H:%M:%S"
        if reach < timedelta(minutes=10)
        else "%m-%d %H:%M"
        if reach < timedelta(days=5)
        else "%Y-%m-%d"
    )
    room = len(starts[0].strftime(form)) + 2
    axis = ""
    for at in range(places := max(1, min(len(starts), width // room))):
        column = at * width // places
        axis = axis.ljust(column) + starts[at * len(starts) // places].strftime(form)
    return axis[:width]

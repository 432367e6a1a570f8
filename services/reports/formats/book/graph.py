"""Charts of the program that opens the workbook: a `Chart` and the place of its numbers come in, a chart of XlsxWriter goes out.

The numbers are cells, and a chart refers to them: to those of its table where every series is a column of it, else to a block of their
own on the sheet `Charts`. What the chart showed when it was made stands beside the references, for programs that do not look there.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart as Graph

from services.reports.document import Chart, Drawing, Table
from services.reports.formats.book.rows import serial, visible
from services.reports.formats.book.style import number_format
from services.reports.formats.drawing.palette import LIGHT, of_series
from services.reports.words import locale_of

WIDTH, HEIGHT = 720, 300
"""Pixels."""
SERIES = 255
"""Of a chart at most."""
_KINDS = {
    Drawing.LINE: "line",
    Drawing.AREA: "area",
    Drawing.COLUMN: "column",
    Drawing.BAR: "bar",
    Drawing.FUNNEL: "bar",
}

Label = str | datetime
Value = float | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A series as it is drawn; the edges of a band are series of their own."""

    title: str
    values: tuple[Value, ...]
    colour: str
    dashed: bool
    width: float = 2.0


@dataclass(frozen=True, slots=True)
class Cells:
    """Where the numbers of a chart stand: labels below a heading, and a column for each series."""

    sheet: str
    heading: int
    labels: int
    series: tuple[int, ...]


def series(chart: Chart) -> list[Drawn]:
    """What is drawn, the edges of bands included."""
    found = []
    for place, line in enumerate(chart.series):
        colour = LIGHT[of_series(place)]
        found.append(Drawn(line.title, line.values, colour, line.dashed))
        for name, edge in (("at least", line.lower), ("at most", line.upper)):
            if edge:
                found.append(Drawn(f"{line.title}, {name}", edge, colour, True, 0.75))
    return found[:SERIES]


def columns(chart: Chart, table: Table) -> tuple[int, tuple[int, ...]] | None:
    """The columns of a table that hold the labels and the series of a chart; None where they are not those."""
    if table.rows.count != len(chart.labels) or not chart.labels:
        return None
    cells = [[cell for batch in table.rows.batches() for cell in batch.column(place).to_pylist()]
             for place in range(len(table.columns))]  # fmt: skip
    places = []
    for wanted in [chart.labels, *(drawn.values for drawn in series(chart))]:
        found = [place for place, held in enumerate(cells) if tuple(held) == tuple(wanted)]
        named = [
            place for place in found if table.columns[place].title in {one.title for one in chart.series}
        ]
        if not found:
            return None
        places.append(next((place for place in named or found if place not in places), found[0]))
    return places[0], tuple(places[1:])


def graph(workbook: Workbook, chart: Chart, where: Cells, locale: str, zone: str) -> Graph:
    """The chart, to be put on a sheet."""
    kind: dict[str, Any] = {"type": _KINDS[chart.drawing]}
    if chart.stacked and chart.drawing is not Drawing.LINE:
        kind["subtype"] = "stacked"
    made = workbook.add_chart(kind)
    last = where.heading + len(chart.labels)
    labels = [
        serial(label, zone) if isinstance(label, datetime) else visible(label) for label in chart.labels
    ]
    for drawn, column in zip(series(chart), where.series):
        made.add_series(
            {
                "name": [where.sheet, where.heading, column],
                "name_data": [visible(drawn.title)],
                "categories": [where.sheet, where.heading + 1, where.labels, last, where.labels],
                "categories_data": labels,
                "values": [where.sheet, where.heading + 1, column, last, column],
                "values_data": [_finite(value) for value in drawn.values],
                **_look(chart.drawing, drawn),
            }
        )
    _axes(made, chart, locale)
    # A title that looks like the name of a cell would be taken for one.
    made.set_title(
        {
            "name": re.sub(r"!(?=\S)", "! ", visible(chart.title)),
            "name_font": {"size": 12, "color": LIGHT["text"]},
        }
    )
    made.set_legend({"none": True} if len(where.series) < 2 else {"position": "bottom"})
    made.set_size({"width": WIDTH, "height": HEIGHT})
    made.show_blanks_as("gap")
    return made


def _axes(made: Graph, chart: Chart, locale: str) -> None:
    code = number_format(chart.value_form, locale_of(locale))
    values = {"num_format": code, "major_gridlines": {"visible": True, "line": {"color": LIGHT["line"]}}}
    names: dict[str, Any] = {"line": {"color": LIGHT["axis"]}}
    if chart.labels and isinstance(chart.labels[0], datetime):
        names["num_format"] = number_format(chart.label_form, locale_of(locale))
        # Excel's axis of dates knows days, months and years only.
        names["date_axis" if chart.label_form.bucket in ("day", "week", "month") else "text_axis"] = True
    if chart.drawing in (Drawing.BAR, Drawing.FUNNEL):
        names["reverse"] = True
        values["label_position"] = "low"
    # The axis of names is x for every kind of chart.
    made.set_x_axis(names)
    made.set_y_axis(values)


def _look(drawing: Drawing, drawn: Drawn) -> dict[str, Any]:
    if drawing is Drawing.LINE:
        dash = {"dash_type": "dash"} if drawn.dashed else {}
        return {"line": {"color": drawn.colour, "width": drawn.width, **dash}}
    gap = {"gap": 40} if drawing is not Drawing.AREA else {}
    return {"fill": {"color": drawn.colour}, "border": {"none": True}, **gap}


def _finite(value: Value) -> Value:
    return value if value is not None and math.isfinite(value) else None


def hot(tables: Sequence[Sequence[Value]]) -> dict[str, Any]:
    """The colours of a matrix of shares, as a rule for its cells."""
    highest = max((value for row in tables for value in row if value is not None), default=1.0)
    return {
        "type": "2_color_scale",
        "min_type": "num", "min_value": 0, "min_color": LIGHT["surface"],
        "max_type": "num", "max_value": highest or 1.0, "max_color": LIGHT["s1"],
    }  # fmt: skip

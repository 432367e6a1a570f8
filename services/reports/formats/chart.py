"""A chart as shapes.

Comes in: a `Chart`, how wide it may be, how values are written and how wide texts are. Goes out: its drawing, without its title.
Next: `pdf` and `html` write it. Pure.
"""

from services.reports.document import Chart, Drawing
from services.reports.formats.drawing.bars import bar_height, bars, funnel, funnel_height
from services.reports.formats.drawing.heat import heat, heat_height
from services.reports.formats.drawing.plot import plot
from services.reports.formats.drawing.shape import Box, Drawn, Label, Measure, Shape, estimate
from services.reports.words import Words

PLOT = 178.0
"""Height of lines, areas and columns."""
NOTHING = 44.0


def draw(chart: Chart, width: float, words: Words, measure: Measure = estimate) -> Drawn:
    """The drawing of a chart; where there is nothing to draw it says so."""
    shapes: list[Shape]
    if not any(value is not None for one in chart.series for value in one.values):
        shapes = [
            Box(0, 0, width, NOTHING, "sunken", radius=4),
            Label(width / 2, NOTHING / 2 + 3, "Nothing happened in this time.", anchor="middle"),
        ]
        return Drawn(width, NOTHING, tuple(shapes))
    match chart.drawing:
        case Drawing.HEAT:
            height, shapes = heat_height(chart), heat(chart, width, words, measure)
        case Drawing.FUNNEL if len(chart.series) == 1:
            height, shapes = funnel_height(chart), funnel(chart, width, words, measure)
        case Drawing.BAR | Drawing.FUNNEL:
            height, shapes = bar_height(chart), bars(chart, width, words, measure)
        case _:
            height, shapes = PLOT, plot(chart, width, PLOT, words, measure)
    return Drawn(width, height, tuple(shapes))

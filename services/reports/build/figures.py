"""Key figures: questions with their answers come in, figures with their comparison and a table of the same numbers go out."""

from collections.abc import Sequence

from services.reports.build import sheet, titles
from services.reports.build.sheet import Cells, number
from services.reports.document import Figure, Figures, Kind
from tidemark.v1 import question_pb2 as q
from tidemark.v1 import report_pb2 as pb


def asked(figure: pb.KeyFigure, query: q.Query) -> q.Query:
    """The question of a figure: with the period before, unless that is left out."""
    found = q.Query()
    found.CopyFrom(query)
    found.series.compare = q.COMPARE_UNSPECIFIED if figure.no_comparison else q.COMPARE_PREVIOUS_PERIOD
    return found


def figure(stated: pb.KeyFigure, query: q.Query, result: q.SeriesResult) -> Figure:
    """The figure that an answer gives: nothing where it has no series."""
    title = next(iter(titles.measures(query.series)), titles.Title("", stated.id))
    line = result.series[0] if result.series else q.Series(total=float("nan"))
    total, before = number(line.total), number(line.previous_total)
    counts = title.counts and sheet.whole([total])
    compared = query.series.compare == q.COMPARE_PREVIOUS_PERIOD
    return Figure(
        figure_id=stated.id,
        title=stated.title or title.text,
        value=total,
        form=sheet.written(stated.display, unit=line.unit or title.unit, whole=counts),
        before=before if compared and result.series else None,
        compared=compared,
        less_is_better=stated.display.less_is_better,
        trend=tuple(map(number, line.values)),
    )


def change(figure: Figure) -> float | None:
    """By which share a figure differs from the period before; None where that cannot be told."""
    if not figure.compared or figure.value is None or not figure.before:
        return None
    return number((figure.value - figure.before) / abs(figure.before))


def block(section_id: str, several: Sequence[Figure]) -> Figures:
    """Figures side by side, and the table of the same numbers."""
    columns = [
        Cells("figure", sheet.TEXT, [each.title for each in several]),
        Cells("value", sheet.NUMBER, [each.value for each in several]),
        Cells("unit", sheet.TEXT, [_unit(each) for each in several]),
        Cells("before", sheet.NUMBER, [each.before for each in several]),
        Cells("change", sheet.SHARE, [change(each) for each in several]),
    ]
    return Figures(tuple(several), sheet.table(f"{section_id}.figures", "Figures", columns))


def _unit(figure: Figure) -> str | None:
    """Lengths of time are in seconds, and shares parts of one."""
    return "s" if figure.form.kind is Kind.DURATION else figure.form.unit or None

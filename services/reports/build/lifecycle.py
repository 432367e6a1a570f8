"""Who is new, returning, resurrecting and dormant: a `LifecycleResult` comes in, people by period go out."""

from collections.abc import Iterator

from services.reports.build import sheet
from services.reports.build.sheet import Cells, at
from services.reports.build.shown import Shown, nothing
from services.reports.document import Block, Chart, Drawing, Form, Kind, Line
from tidemark.v1 import question_pb2 as q

_PERIODS = {q.Interval.UNIT_WEEK: "week", q.Interval.UNIT_MONTH: "month"}


def blocks(shown: Shown, result: q.LifecycleResult) -> Iterator[Block]:
    """What is shown of the answer: those who are active stand on one another, who went dormant is drawn apart."""
    form = Form(Kind.BUCKET, bucket=_PERIODS.get(shown.query.lifecycle.period, "day"))
    starts = [at(start) for start in result.starts]
    states = {name: list(getattr(result, name)) for name in ("new", "returning", "resurrecting", "dormant")}
    people = (Cells(name, sheet.COUNT, values) for name, values in states.items())
    rows = shown.table([Cells("period", form, starts), *people])
    if not any(any(values) for values in states.values()):
        yield from nothing(rows)
        return
    if shown.charted(usually=True):
        for place, (title, names) in enumerate(
            ((shown.title, ("new", "returning", "resurrecting")), ("Went dormant", ("dormant",)))
        ):
            yield Chart(
                chart_id=shown.chart_id(place),
                title=title,
                drawing=Drawing.COLUMN,
                labels=tuple(starts),
                label_form=form,
                series=tuple(Line(name, tuple(map(float, states[name]))) for name in names),
                value_form=sheet.COUNT,
                table_id=rows.table_id,
                stacked=len(names) > 1,
                summary="; ".join(f"{name}: {shown.words.number(sum(states[name]))}" for name in names) + ".",
            )
    yield rows

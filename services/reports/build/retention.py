"""Who comes back: a `RetentionResult` comes in, the shares by period, as numbers or as a map of heat, go out."""

from collections.abc import Iterator, Sequence

from services.reports.build import sheet, titles
from services.reports.build.sheet import Cells, at, number
from services.reports.build.shown import Shown, nothing
from services.reports.document import Block, Chart, Drawing, Form, Kind, Line, Table
from tidemark.v1 import question_pb2 as q

_PERIODS = {q.Interval.UNIT_WEEK: "week", q.Interval.UNIT_MONTH: "month"}


def blocks(shown: Shown, result: q.RetentionResult) -> Iterator[Block]:
    """What is shown of the answer."""
    rows = [(group, row) for group in result.groups for row in group.rows]
    offsets = max((len(row.back) for _, row in rows), default=0)
    period = _PERIODS.get(shown.query.retention.period, "day")
    shares = shown.table(_shares(rows, offsets, period))
    if not any(row.people for _, row in rows):
        yield from nothing(shares)
        return
    if shown.charted(usually=False):
        yield _heat(shown, result.groups[0], offsets, period)
    yield shares
    yield _means(shown, result.groups, offsets, period)
    yield shown.table(_people(rows, offsets, period), "people", f"{shown.title}: people", shown=False)


def notes(result: q.RetentionResult) -> Iterator[str]:
    """What readers should know of it."""
    if any(row.complete < len(row.back) for group in result.groups for row in group.rows):
        yield "Periods that have not ended yet may still grow."


def _name(group: q.RetentionGroup) -> str:
    return "all" if group.all else titles.group([group.group], other=group.other)


def _share(row: q.RetentionRow, offset: int) -> float | None:
    return row.back[offset] / row.people if offset < len(row.back) and row.people else None


Rows = Sequence[tuple[q.RetentionGroup, q.RetentionRow]]


def _lead(rows: Rows, period: str) -> list[Cells]:
    several = len({_name(group) for group, _ in rows}) > 1
    named = [Cells("group", sheet.TEXT, [_name(group) for group, _ in rows])] if several else []
    began = Cells("began", Form(Kind.BUCKET, bucket=period), [at(row.start) for _, row in rows])
    return [*named, began, Cells("people", sheet.COUNT, [row.people for _, row in rows])]


def _shares(rows: Rows, offsets: int, period: str) -> list[Cells]:
    columns = (
        Cells(f"{period} {offset}", sheet.SHARE, [_share(row, offset) for _, row in rows])
        for offset in range(offsets)
    )
    return [*_lead(rows, period), *columns]


def _people(rows: Rows, offsets: int, period: str) -> list[Cells]:
    columns = (
        Cells(
            f"{period} {offset}",
            sheet.COUNT,
            [row.back[offset] if offset < len(row.back) else None for _, row in rows],
        )
        for offset in range(offsets)
    )
    return [*_lead(rows, period), *columns]


def _means(shown: Shown, groups: Sequence[q.RetentionGroup], offsets: int, period: str) -> Table:
    """The share that came back, over all who began."""
    columns = [Cells("group", sheet.TEXT, [_name(group) for group in groups])]
    for offset in range(offsets):
        means = [number(group.mean[offset]) if offset < len(group.mean) else None for group in groups]
        columns.append(Cells(f"{period} {offset}", sheet.SHARE, means))
    return shown.table(columns, "mean", f"{shown.title}: in the mean")


def _heat(shown: Shown, group: q.RetentionGroup, offsets: int, period: str) -> Chart:
    form = Form(Kind.BUCKET, bucket=period)
    means = [shown.words.percent(mean) for mean in group.mean[1:4]]
    return Chart(
        chart_id=shown.chart_id(),
        title=shown.title,
        drawing=Drawing.HEAT,
        labels=tuple(f"{period} {offset}" for offset in range(offsets)),
        label_form=sheet.TEXT,
        series=tuple(
            Line(
                shown.words.value(at(row.start), form),
                tuple(_share(row, offset) for offset in range(offsets)),
            )
            for row in group.rows
        ),
        value_form=sheet.SHARE,
        table_id=shown.section_id,
        summary=f"In the mean came back, by {period} from the first after they began: {', '.join(means)}."
        if means
        else "",
    )

"""What people do in one go: a `SessionsResult` comes in, figures, sessions over time, and where they begin and end go out."""

from collections.abc import Iterator, Sequence

from services.reports.build import figures, sheet
from services.reports.build.sheet import Cells, at, number, seconds
from services.reports.build.shown import Shown, nothing
from services.reports.build.titles import NONE
from services.reports.document import Block, Chart, Drawing, Figure, Form, Line, Table
from tidemark.v1 import question_pb2 as q


def blocks(shown: Shown, result: q.SessionsResult) -> Iterator[Block]:
    """What is shown of the answer."""
    starts = [at(start) for start in result.bucket_starts]
    form = sheet.bucket(starts, shown.end)
    rows = shown.table(
        [
            Cells("time", form, starts),
            Cells("sessions", sheet.COUNT, list(result.sessions)),
            Cells("mean length", sheet.DURATION, list(result.mean_seconds)),
            Cells("one event only", sheet.SHARE, list(result.bounce_share)),
            Cells("mean events", sheet.NUMBER, list(result.mean_events)),
        ]
    )
    if not result.total.sessions:
        yield from nothing(rows)
        return
    yield figures.block(shown.section_id, _figures(shown, result))
    if shown.charted(usually=True):
        yield Chart(
            chart_id=shown.chart_id(),
            title=shown.title,
            drawing=Drawing.COLUMN,
            labels=tuple(starts),
            label_form=form,
            series=(Line("sessions", tuple(map(float, result.sessions))),),
            value_form=sheet.COUNT,
            table_id=rows.table_id,
            summary=f"{shown.words.number(result.total.sessions)} sessions in all.",
        )
    yield rows
    yield _frequencies(shown, "entries", "Sessions begin with", result.entries)
    yield _frequencies(shown, "exits", "Sessions end with", result.exits)


def _figures(shown: Shown, result: q.SessionsResult) -> list[Figure]:
    total = result.total
    stated: list[tuple[str, str, float | None, Form]] = [
        ("sessions", "Sessions", float(total.sessions), sheet.COUNT),
        ("people", "People", float(total.people), sheet.COUNT),
        ("mean", "Mean length", seconds(total.mean), sheet.DURATION),
        ("median", "Median length", seconds(total.median), sheet.DURATION),
        ("bounces", "One event only", number(total.bounce_share), sheet.SHARE),
        ("events", "Mean events", number(total.mean_events), sheet.NUMBER),
    ]
    trend = tuple(map(float, result.sessions))
    return [
        Figure(f"{shown.section_id}_{name}", title, value, form, trend=trend if name == "sessions" else ())
        for name, title, value, form in stated
    ]


def _frequencies(shown: Shown, part: str, title: str, found: Sequence[q.Frequency]) -> Table:
    columns = [
        Cells("event", sheet.TEXT, [each.value or NONE for each in found]),
        Cells("sessions", sheet.COUNT, [each.count for each in found]),
    ]
    return shown.table(columns, part, title)

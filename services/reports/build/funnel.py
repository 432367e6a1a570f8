"""How many go from step to step: a `FunnelResult` comes in, a sentence, the steps and the time that they take go out."""

from collections.abc import Iterator, Sequence

from services.reports.build import sheet, titles
from services.reports.build.sheet import Cells, seconds
from services.reports.build.shown import Shown, nothing, said
from services.reports.document import Block, Chart, Drawing, Line, Table
from tidemark.v1 import question_pb2 as q


def blocks(shown: Shown, result: q.FunnelResult) -> Iterator[Block]:
    """What is shown of the answer."""
    groups = result.groups
    rows = shown.table(_steps(groups))
    everybody = next((group for group in groups if group.all), groups[0] if groups else q.FunnelGroup())
    if not any(step.people for step in everybody.steps):
        yield from nothing(rows)
        return
    yield said(_sentence(shown, everybody))
    if shown.charted(usually=False):
        yield _chart(shown, groups, everybody)
    yield rows
    yield _times(shown, groups)
    yield _histogram(shown, everybody.time_to_convert)


def _name(group: q.FunnelGroup) -> str:
    return "all" if group.all else titles.group([group.group], other=group.other)


def _steps(groups: Sequence[q.FunnelGroup]) -> list[Cells]:
    steps = [(group, step) for group in groups for step in group.steps]
    named = [Cells("group", sheet.TEXT, [_name(group) for group, _ in steps])] if len(groups) > 1 else []
    return [
        *named,
        Cells("step", sheet.TEXT, [step.display_name or titles.ANY for _, step in steps]),
        Cells("people", sheet.COUNT, [step.people for _, step in steps]),
        Cells("of the first", sheet.SHARE, [step.of_first for _, step in steps]),
        Cells("of the step before", sheet.SHARE, [step.of_previous for _, step in steps]),
        Cells("median time", sheet.DURATION, [_time(step, "median_time") for _, step in steps]),
        Cells("mean time", sheet.DURATION, [_time(step, "mean_time") for _, step in steps]),
    ]


def _time(message: q.FunnelStep | q.TimeToConvert, name: str) -> float | None:
    return seconds(getattr(message, name)) if message.HasField(name) else None  # type: ignore[arg-type]


def _sentence(shown: Shown, everybody: q.FunnelGroup) -> str:
    words, first, last = shown.words, everybody.steps[0], everybody.steps[-1]
    text = f"{words.percent(last.of_first)} of {words.number(first.people)} people go all the way"
    median, most = (_time(everybody.time_to_convert, name) for name in ("median", "p90"))
    if median is not None and most is not None:
        text += f": half of them within {words.duration(median)}, nine in ten within {words.duration(most)}"
    return f"{text}."


def _chart(shown: Shown, groups: Sequence[q.FunnelGroup], everybody: q.FunnelGroup) -> Chart:
    drawn = [group for group in groups if not group.all] or [everybody]
    return Chart(
        chart_id=shown.chart_id(),
        title=shown.title,
        drawing=Drawing.FUNNEL,
        labels=tuple(step.display_name or titles.ANY for step in everybody.steps),
        label_form=sheet.TEXT,
        series=tuple(
            Line("people" if group.all else _name(group), tuple(float(step.people) for step in group.steps))
            for group in drawn
        ),
        value_form=sheet.COUNT,
        table_id=shown.section_id,
        summary=_sentence(shown, everybody),
    )


def _times(shown: Shown, groups: Sequence[q.FunnelGroup]) -> Table:
    times = [group.time_to_convert for group in groups]
    columns = [
        Cells("group", sheet.TEXT, [_name(group) for group in groups]),
        Cells("median", sheet.DURATION, [_time(time, "median") for time in times]),
        Cells("nine in ten within", sheet.DURATION, [_time(time, "p90") for time in times]),
    ]
    return shown.table(
        columns, "time", f"{shown.title}: from the first step to the last", shown=len(groups) > 1
    )


def _histogram(shown: Shown, time: q.TimeToConvert) -> Table:
    edges = list(time.edges)
    columns = [
        Cells("from", sheet.DURATION, edges[:-1]),
        Cells("to", sheet.DURATION, edges[1:]),
        Cells("people", sheet.COUNT, list(time.people)),
    ]
    return shown.table(columns, "histogram", f"{shown.title}: how long it takes", shown=False)

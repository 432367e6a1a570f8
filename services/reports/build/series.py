"""Measures over time: a `SeriesResult` comes in, charts, the rows by time and the totals go out. Answers of windows are such, too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.reports.build import figures, sheet, titles
from services.reports.build.sheet import Cells, at, number
from services.reports.build.shown import Shown, nothing
from services.reports.build.titles import Title
from services.reports.document import Block, Chart, Drawing, Figure, Form, Line, Table
from tidemark.v1 import question_pb2 as q
from tidemark.v1.dashboard_pb2 import Display

WIDE = 12
"""So many columns at most; beyond them groups are rows."""
MOST_COMPARED = 3
"""So many lines are drawn with the period before; beyond them only the table has it."""
MOST_FIGURES = 24

_DRAWINGS = {Display.KIND_AREA: Drawing.AREA, Display.KIND_BAR: Drawing.COLUMN}
Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class _Series:
    """One line, with its title and how its numbers are written."""

    title: str
    measure: Title
    group: tuple[str, ...]
    other: bool
    form: Form
    values: Values
    before: Values
    total: float | None
    total_before: float | None

    @property
    def known(self) -> bool:
        """Whether it tells more than nothing."""
        return any(self.values) or any(self.before)


def blocks(shown: Shown, result: q.SeriesResult) -> Iterator[Block]:
    """What is shown of the answer."""
    starts = [at(start) for start in result.bucket_starts]
    known = _known(shown.query, result)
    lines = [_read(line, known, shown.display) for line in result.series]
    if shown.display.kind == Display.KIND_NUMBER and lines:
        yield figures.block(shown.section_id, _figures(shown, lines))
        return
    form = sheet.bucket(starts, shown.end)
    fields = _fields(shown.query, result)
    rows = shown.table(_columns(starts, form, lines, known, fields))
    if not any(line.known for line in lines):
        yield from nothing(rows)
        return
    if shown.charted(usually=True):
        yield from _charts(shown, starts, form, lines, rows)
    if len(lines) > 1 or any(line.before for line in lines):
        yield _totals(shown, lines)
    yield rows


def notes(result: q.SeriesResult) -> Iterator[str]:
    """What readers should know of it."""
    late = sum(sum(line.late_counts) for line in result.series)
    if late:
        yield f"{late} events came after their windows had closed, and have changed their values since."
    if any(line.other for line in result.series):
        yield "Groups beyond the largest are together in `other`."


def form_of(line: q.Series, known: Title, display: Display) -> Form:
    """How the numbers of a line are written."""
    values = [*line.values, *line.previous_values, line.total, line.previous_total]
    counts = known.counts and sheet.whole(map(number, values))
    return sheet.written(display, unit=line.unit or known.unit, whole=counts)


def _known(query: q.Query, result: q.SeriesResult) -> list[Title]:
    if query.WhichOneof("question") == "series":
        return titles.measures(query.series)
    return [Title(each, each) for each in dict.fromkeys(line.measure_id for line in result.series)]


def _fields(query: q.Query, result: q.SeriesResult) -> list[str]:
    """The headings of the fields that lines are split by."""
    if query.WhichOneof("question") == "series":
        return [titles.leaf(path) for path in query.series.group_by]
    count = max((len(line.group) for line in result.series), default=0)
    return ["key"] if count == 1 else [f"key {place}" for place in range(1, count + 1)]


def _read(line: q.Series, known: Sequence[Title], display: Display) -> _Series:
    measure = next((each for each in known if each.measure_id == line.measure_id), None)
    measure = measure or Title(line.measure_id, line.measure_id)
    group = titles.group(line.group, other=line.other) if line.group or line.other else ""
    title = f"{group} · {measure.text}" if group and len(known) > 1 else group or measure.text
    compared = bool(line.previous_values)
    return _Series(
        title,
        measure,
        (titles.OTHER,) if line.other else tuple(value or titles.NONE for value in line.group),
        line.other,
        form_of(line, measure, display),
        tuple(map(number, line.values)),
        tuple(map(number, line.previous_values)),
        number(line.total),
        number(line.previous_total) if compared else None,
    )


def _columns(
    starts: Sequence[datetime],
    form: Form,
    lines: Sequence[_Series],
    known: Sequence[Title],
    fields: Sequence[str],
) -> list[Cells]:
    """A column for each line; where that were too many, a row for each time and group."""
    compared = any(line.before for line in lines)
    if not lines:
        empty = [Cells(each.text, sheet.NUMBER, ()) for each in known]
        return [Cells("time", form, ()), *(Cells(name, sheet.TEXT, ()) for name in fields), *empty]
    if not fields or len(lines) * (1 + compared) <= WIDE:
        return [Cells("time", form, starts), *(each for line in lines for each in _cells(line, line.title))]
    apart: dict[tuple[bool, tuple[str, ...]], list[_Series]] = {}
    for line in lines:
        apart.setdefault((line.other, line.group), []).append(line)
    groups = list(apart.values())
    columns = [Cells("time", form, [start for start in starts for _ in groups])]
    for place, name in enumerate(fields):
        named = [group[0].group[place] if place < len(group[0].group) else "" for group in groups]
        columns.append(Cells(name, sheet.TEXT, [value for _ in starts for value in named]))
    for measure in known:
        found = [next((line for line in group if line.measure == measure), None) for group in groups]
        columns += _across(measure, found, len(starts))
    return columns


def _across(measure: Title, lines: Sequence[_Series | None], count: int) -> Iterator[Cells]:
    """The column of a measure over times and groups."""
    there = [line for line in lines if line is not None]
    form = there[0].form if len({line.form for line in there}) == 1 else Form(sheet.NUMBER.kind, measure.unit)
    yield Cells(
        measure.text, form, [line.values[at] if line else None for at in range(count) for line in lines]
    )
    if any(line.before for line in there):
        before = [line.before[at] if line and line.before else None for at in range(count) for line in lines]
        yield Cells(f"{measure.text}, before", form, before)


def _cells(line: _Series, title: str) -> Iterator[Cells]:
    yield Cells(title, line.form, line.values)
    if line.before:
        yield Cells(f"{title}, before", line.form, line.before)


def _totals(shown: Shown, lines: Sequence[_Series]) -> Table:
    """Each line over the whole time, which of people is not the sum of its buckets."""
    form = lines[0].form if len({line.form for line in lines}) == 1 else sheet.NUMBER
    columns = [
        Cells("series", sheet.TEXT, [line.title for line in lines]),
        Cells("whole time", form, [line.total for line in lines]),
    ]
    if any(line.before for line in lines):
        changes = [change(line.total, line.total_before) for line in lines]
        columns.append(Cells("before", form, [line.total_before for line in lines]))
        columns.append(Cells("change", sheet.SHARE, changes))
    return shown.table(columns, "total", f"{shown.title}: whole time")


def change(now: float | None, before: float | None) -> float | None:
    """By which share a value differs from the one before; None where that cannot be told."""
    return None if now is None or not before else (now - before) / abs(before)


def _charts(
    shown: Shown, starts: Sequence[datetime], form: Form, lines: Sequence[_Series], rows: Table
) -> Iterator[Chart]:
    """A chart for the lines of each unit."""
    units = dict.fromkeys(line.form.unit for line in lines)
    drawing = _DRAWINGS.get(shown.display.kind, Drawing.LINE)
    for place, unit in enumerate(units):
        drawn = [line for line in lines if line.form.unit == unit]
        before = len(drawn) <= MOST_COMPARED and drawing is Drawing.LINE
        made = [Line(line.title, line.values) for line in drawn]
        if before:
            made += [Line(f"{line.title}, before", line.before, dashed=True) for line in drawn if line.before]
        yield Chart(
            chart_id=shown.chart_id(place),
            title=shown.title if len(units) == 1 else f"{shown.title} ({unit or 'number'})",
            drawing=drawing,
            labels=tuple(starts),
            label_form=form,
            series=tuple(made),
            value_form=drawn[0].form,
            table_id=rows.table_id,
            stacked=shown.display.stacked and drawing is not Drawing.LINE,
            summary=_summary(shown, starts, form, drawn),
        )


def _summary(shown: Shown, starts: Sequence[datetime], form: Form, lines: Sequence[_Series]) -> str:
    """The first lines in words."""
    told = []
    for line in lines[:MOST_COMPARED]:
        values = [(value, at) for at, value in enumerate(line.values) if value is not None]
        if values:
            (most, where), (least, there) = max(values, key=lambda each: each[0]), min(values)
            highest, lowest = (shown.words.value(value, line.form) for value in (most, least))
            times = [shown.words.value(starts[place], form) for place in (where, there)]
            told.append(f"{line.title}: most {highest} ({times[0]}), least {lowest} ({times[1]})")
    more = len(lines) - len(told)
    return "; ".join(told) + (f"; and {more} more." if more > 0 else ".")


def _figures(shown: Shown, lines: Sequence[_Series]) -> list[Figure]:
    alone = len(lines) == 1
    return [
        Figure(
            figure_id=shown.section_id if alone else f"{shown.section_id}_{place}",
            title=(shown.title or line.title) if alone else line.title,
            value=line.total,
            form=line.form,
            before=line.total_before,
            compared=bool(line.before),
            less_is_better=shown.display.less_is_better,
            trend=line.values,
        )
        for place, line in enumerate(lines[:MOST_FIGURES], 1)
    ]

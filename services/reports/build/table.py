"""Measures of groups: a `TableResult` comes in, rows and the sum of all, or bars, go out."""

from collections.abc import Iterator, Sequence

from services.reports.build import figures, sheet, titles
from services.reports.build.series import change
from services.reports.build.sheet import Cells, number
from services.reports.build.shown import MOST_BARS, Shown, nothing
from services.reports.build.titles import Title
from services.reports.document import Block, Chart, Drawing, Figure, Form, Line
from tidemark.v1 import question_pb2 as q
from tidemark.v1.dashboard_pb2 import Display


def blocks(shown: Shown, result: q.TableResult) -> Iterator[Block]:
    """What is shown of the answer."""
    known = [_title(column, shown.query.table) for column in result.columns]
    forms = [_form(place, each, result, shown) for place, each in enumerate(known)]
    if shown.display.kind == Display.KIND_NUMBER and result.columns:
        yield figures.block(shown.section_id, _figures(shown, result, known, forms))
        return
    fields = [titles.leaf(path) for path in shown.query.table.group_by]
    names = [_name(row, len(fields)) for row in result.rows]
    groups = [Cells(name, sheet.TEXT, [row[place] for row in names]) for place, name in enumerate(fields)]
    rows = shown.table([*groups, *_values(result.rows, known, forms)])
    if not result.rows:
        yield from nothing(rows)
        return
    if fields and shown.charted(usually=False):
        yield _bars(shown, result.rows, known, forms)
    yield rows
    if len(result.rows) > 1:
        yield shown.table(_values([result.total], known, forms), "total", f"{shown.title}: all together")


def notes(result: q.TableResult) -> Iterator[str]:
    """What readers should know of it."""
    if any(row.other for row in result.rows):
        yield "Groups beyond the rows shown are together in `other`."


def _title(column: q.TableColumn, question: q.TableQuestion) -> Title:
    known = next((each for each in titles.measures(question) if each.measure_id == column.id), None)
    known = known or Title(column.id, column.id)
    return Title(known.measure_id, known.text, column.unit or known.unit, known.counts)


def _form(place: int, known: Title, result: q.TableResult, shown: Shown) -> Form:
    rows = [*result.rows, result.total]
    values = [
        number(each[place]) for row in rows for each in (row.values, row.previous_values) if place < len(each)
    ]
    return sheet.written(shown.display, unit=known.unit, whole=known.counts and sheet.whole(values))


def _name(row: q.TableRow, fields: int) -> list[str]:
    """The cells that name a row."""
    if row.other:
        return [titles.OTHER, *[""] * (fields - 1)]
    return [value or titles.NONE for value in row.group] or [""] * fields


def _values(rows: Sequence[q.TableRow], known: Sequence[Title], forms: Sequence[Form]) -> list[Cells]:
    """The columns of measures; with a comparison, each with the value before and the change."""
    compared = any(row.previous_values for row in rows)
    found: list[Cells] = []
    for place, (title, form) in enumerate(zip(known, forms, strict=True)):
        values = [number(row.values[place]) for row in rows]
        found.append(Cells(title.text, form, values))
        if compared:
            before = [number(row.previous_values[place]) if row.previous_values else None for row in rows]
            found.append(Cells(f"{title.text}, before", form, before))
            changes = [change(now, then) for now, then in zip(values, before, strict=True)]
            found.append(Cells(f"{title.text}, change", sheet.SHARE, changes))
    return found


def _bars(shown: Shown, rows: Sequence[q.TableRow], known: Sequence[Title], forms: Sequence[Form]) -> Chart:
    """The columns that have the unit of the first, as bars."""
    drawn = [place for place, form in enumerate(forms) if form.unit == forms[0].unit]
    barred = rows[:MOST_BARS]
    return Chart(
        chart_id=shown.chart_id(),
        title=shown.title,
        drawing=Drawing.BAR,
        labels=tuple(titles.group(row.group, other=row.other) for row in barred),
        label_form=sheet.TEXT,
        series=tuple(
            Line(known[place].text, tuple(number(row.values[place]) for row in barred)) for place in drawn
        ),
        value_form=forms[0],
        table_id=shown.section_id,
        stacked=shown.display.stacked,
        summary=_summary(shown, barred, known[0], forms[0]),
    )


def _summary(shown: Shown, rows: Sequence[q.TableRow], known: Title, form: Form) -> str:
    told = [
        f"{titles.group(row.group, other=row.other)} {shown.words.value(number(row.values[0]), form)}"
        for row in rows[:5]
    ]
    return f"{known.text}: {', '.join(told)}."


def _figures(
    shown: Shown, result: q.TableResult, known: Sequence[Title], forms: Sequence[Form]
) -> list[Figure]:
    """All groups together."""
    total = result.total if result.total.values else next(iter(result.rows), q.TableRow())
    alone = len(known) == 1
    return [
        Figure(
            figure_id=shown.section_id if alone else f"{shown.section_id}_{place + 1}",
            title=(shown.title or title.text) if alone else title.text,
            value=number(total.values[place]) if total.values else None,
            form=form,
            before=number(total.previous_values[place]) if total.previous_values else None,
            compared=bool(total.previous_values),
            less_is_better=shown.display.less_is_better,
        )
        for place, (title, form) in enumerate(zip(known, forms, strict=True))
    ]

"""How series go on: a `ForecastResponse` and the past it was made of come in; charts with a band, the error measured, and tables go out."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from services.reports.build import series, sheet, titles
from services.reports.build.series import form_of
from services.reports.build.sheet import Cells, at, number
from services.reports.build.shown import Shown, said
from services.reports.build.titles import Title
from services.reports.document import Block, Chart, Drawing, Form, Line
from tidemark.v1 import forecast_pb2 as pb
from tidemark.v1 import question_pb2 as q
from tidemark.v1.report_pb2 import QuestionSection

MOST_PAST = 120
"""Buckets of the past that are shown."""
MOST_CHARTS = 6

_METHODS = {
    pb.FORECAST_METHOD_NAIVE: "the last value",
    pb.FORECAST_METHOD_SEASONAL_NAIVE: "the value one season ago",
    pb.FORECAST_METHOD_ETS: "exponential smoothing",
    pb.FORECAST_METHOD_THETA: "the theta method",
    pb.FORECAST_METHOD_LINEAR: "linear models",
    pb.FORECAST_METHOD_BOOSTED: "boosted trees",
    pb.FORECAST_METHOD_MEAN: "the mean of several methods",
}


def blocks(shown: Shown, past: q.SeriesResult, made: pb.ForecastResponse, coverage: float) -> Iterator[Block]:
    """What is shown of the forecast."""
    ahead = [at(start) for start in made.bucket_starts]
    before = {at(start): place for place, start in enumerate(past.bucket_starts)}
    # The unfinished last bucket is forecast, not learnt from.
    starts = [start for start in before if not ahead or start < ahead[0]][-MOST_PAST:]
    form = sheet.bucket([*starts, *ahead], ahead[-1] if ahead else shown.end)
    known = titles.measures(shown.query.series) if shown.query.HasField("series") else []
    several = len(made.series) > 1
    for place, one in enumerate(made.series):
        name = _name(one, known, shown.title)
        line = next((each for each in past.series if _same(each, one)), q.Series())
        values = [number(line.values[before[start]]) if line.values else None for start in starts]
        lead = f"{place + 1}." if several else ""
        # What is expected of whole numbers is none itself.
        stated = form_of(line, _title(one, known), shown.display)
        value_form = Form(sheet.NUMBER.kind, stated.unit, stated.decimals)
        if place < MOST_CHARTS and one.values:
            table_id = f"{shown.section_id}.{lead}all"
            yield _chart(shown, place, name, (starts, ahead, form), values, one, value_form, table_id)
        yield said(_error(shown, name, one, coverage))
        for note in one.notes:
            yield said(f"{note[:1].upper()}{note[1:].rstrip('.')}.")
        yield shown.table(_expected(ahead, form, one, value_form), f"{lead}expected", f"{name}: expected")
        columns = _columns(starts, ahead, form, values, one, value_form)
        yield shown.table(columns, f"{lead}all", f"{name}: measured and expected", shown=False)


def impossible(shown: Shown, past: q.SeriesResult, why: str) -> Iterator[Block]:
    """What is shown where it cannot be told how series go on: why, and their past."""
    for each in titles.measures(shown.query.series):
        if why.startswith(f"{each.measure_id} "):
            # Readers do not know the letter by which formulas tell it from others.
            why = each.text + why.removeprefix(each.measure_id)
    yield said(f"No forecast: {why.rstrip('.')}.")
    yield from series.blocks(replace(shown, view=QuestionSection.VIEW_CHART), past)


def _same(line: q.Series, one: pb.SeriesForecast) -> bool:
    return (line.measure_id, list(line.group), line.other) == (
        one.measure_id, list(one.group), one.other,
    )  # fmt: skip


def _title(one: pb.SeriesForecast, known: Sequence[Title]) -> Title:
    found = next((each for each in known if each.measure_id == one.measure_id), None)
    return found or Title(one.measure_id, one.measure_id, one.unit)


def _name(one: pb.SeriesForecast, known: Sequence[Title], title: str) -> str:
    named = titles.group(one.group, other=one.other) if one.group or one.other else ""
    measure = _title(one, known).text
    return f"{named} · {measure}" if named and len(known) > 1 else named or title or measure


def _expected(ahead: Sequence[datetime], form: Form, one: pb.SeriesForecast, value_form: Form) -> list[Cells]:
    nothing: list[float | None] = [None] * len(ahead)
    parts = {"expected": one.values, "at least": one.lower, "at most": one.upper}
    forecast = (
        Cells(name, value_form, [number(value) for value in found] or nothing)
        for name, found in parts.items()
    )
    return [Cells("time", form, ahead), *forecast]


def _columns(
    starts: Sequence[datetime],
    ahead: Sequence[datetime],
    form: Form,
    values: Sequence[float | None],
    one: pb.SeriesForecast,
    value_form: Form,
) -> list[Cells]:
    """The past, and behind it what is expected."""
    time, *forecast = _expected(ahead, form, one, value_form)
    before: list[None] = [None] * len(starts)
    return [
        Cells(time.title, form, [*starts, *ahead]),
        Cells("measured", value_form, [*values, *(None for _ in ahead)]),
        *(Cells(each.title, value_form, [*before, *each.values]) for each in forecast),
    ]


def _chart(
    shown: Shown,
    place: int,
    name: str,
    times: tuple[Sequence[datetime], Sequence[datetime], Form],
    values: Sequence[float | None],
    one: pb.SeriesForecast,
    value_form: Form,
    table_id: str,
) -> Chart:
    starts, ahead, form = times
    none: tuple[float | None, ...] = (None,) * len(starts)
    lower, upper = (
        (*none, *map(number, band)) if len(band) == len(ahead) else () for band in (one.lower, one.upper)
    )
    expected = Line("expected", (*none, *map(number, one.values)), lower, upper, dashed=True)
    first, last = (shown.words.value(value, value_form) for value in (one.values[0], one.values[-1]))
    return Chart(
        chart_id=shown.chart_id(place),
        title=name,
        drawing=Drawing.LINE,
        labels=(*starts, *ahead),
        label_form=form,
        series=(Line("measured", (*values, *(None for _ in ahead))), expected),
        value_form=value_form,
        table_id=table_id,
        summary=f"{name} is expected to go from {first} to {last}.",
    )


def _error(shown: Shown, name: str, one: pb.SeriesForecast, coverage: float) -> str:
    """The error measured on the past, beside that of a method that knows nothing."""
    words = shown.words
    if not one.values:
        return f"{name} cannot be forecast."
    method = f"Forecast by {_METHODS.get(one.method, 'a method of the pool')}"
    if not one.HasField("error"):
        return f"{method}. The past is too short to measure how far it is off, so there is no band."
    error, baseline = one.error, one.baseline
    if math.isfinite(error.wape):
        off = f"off by {words.percent(error.wape)} in the mean, where repeating the past is off by {words.percent(baseline.wape)}"
    else:
        off = f"off by {words.number(error.mae)} in the mean, where repeating the past is off by {words.number(baseline.mae)}"
    text = f"{method}. From {words.number(error.origins)} earlier instants it was {off}"
    if math.isfinite(error.coverage):
        held = words.percent(error.coverage)
        text += f"; {held} of what came lay inside of its band, which is made for {words.percent(coverage)}"
    return f"{text}."

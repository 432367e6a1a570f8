"""Makes answers of rows: rows of `store` come in by bucket and group, a `SeriesResult` or a `TableResult` goes out to `source`."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np

from services.kit.calendar import Span
from services.query import formula
from services.query.fields import Form, name_of
from services.query.formula import Values
from services.query.part import FROM_NOTHING, Part, merged, total, value
from services.query.plan import Plan
from services.query.question import Measured, Series, Table
from services.query.rank import Columns, Group, first
from tidemark.v1 import question_pb2 as pb

Cells = dict[tuple[int, int | None], dict[int | None, Part]]
"""By measure and place in the groups (None for all others): the part of each bucket; under None that of all buckets, and for a
table, in the place of all others, that of all groups."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read for a plan."""

    groups: tuple[Group, ...] = ((),)
    """The groups shown apart, first ones first; a single empty one when nothing is split."""
    cells: Cells = field(default_factory=dict)
    earlier: Cells = field(default_factory=dict)
    """Of the period before."""
    units: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Kind and unit of each metric."""
    mirrored: bool = False
    """Whether segments were read, and not the hypertable alone."""

    @property
    def places(self) -> list[int | None]:
        """The places of the groups, and None where there are others."""
        cells = (*self.cells.items(), *self.earlier.items())
        others = any(place is None and parts.keys() - {None} for (_, place), parts in cells)
        return [*range(len(self.groups)), *([None] if others else [])]


def gather(cells: Cells, columns: Columns, rows: Iterable[Sequence[Any]]) -> None:
    """Puts rows of bucket, place and columns into `cells`."""
    for slot, place, *values in rows:
        for (index, kind), each in zip(columns, values):
            parts = cells.setdefault((index, place), {})
            part = parts.get(slot)
            if part is None:
                part = parts[slot] = Part()
            part.put(kind, each)


def result(plan: Plan, reading: Reading, now: datetime) -> pb.SeriesResult:
    """The answer to a series at the instant `now`."""
    question = plan.question
    assert isinstance(question, Series)
    answer = pb.SeriesResult()
    for start in question.edges[:-1]:
        answer.bucket_starts.add(seconds=int(start.timestamp()))
    lines = {
        place: (
            _lines(question, reading.cells, place, plan.scans[0].buckets, now),
            _lines(question, reading.earlier, place, plan.earlier[0].buckets, now) if plan.earlier else None,
        )
        for place in reading.places
    }
    for column in _columns(question, reading):
        for place, (present, before) in lines.items():
            line = answer.series.add(
                measure_id=column.id, other=place is None, kind=column.kind, unit=column.unit
            )
            line.group.extend(_named(place, question, reading))
            *values, line.total = present[column.id].tolist()
            line.values.extend(values)
            if before is not None:
                *values, line.previous_total = before[column.id].tolist()
                line.previous_values.extend(values)
    return answer


def table(plan: Plan, reading: Reading, now: datetime) -> pb.TableResult:
    """The answer to a table at the instant `now`."""
    question = plan.question
    assert isinstance(question, Table)
    columns, present = (
        _columns(question, reading),
        _rows(question, reading.cells, reading, question.span, now),
    )
    span = question.span.earlier(question.span.length)
    before = _rows(question, reading.earlier, reading, span, now) if plan.earlier else None

    def row(place: int | None, at: int) -> pb.TableRow:
        found = pb.TableRow(values=(float(present[column.id][at]) for column in columns))
        if before is not None:
            found.previous_values.extend(float(before[column.id][at]) for column in columns)
        found.group.extend(_named(place, question, reading))
        return found

    shown = len(reading.groups)
    ordered = first(shown, reading.groups, present[question.order.id][:shown], question.ascending)
    answer = pb.TableResult(
        columns=columns, rows=(row(place, place) for place in ordered), total=row(None, -1)
    )
    if None in reading.places:
        answer.rows.append(row(None, -2))
        answer.rows[-1].other = True
    return answer


def filled(values: Sequence[float], fill: pb.Fill, aggregation: pb.Aggregation) -> list[float]:
    """`values` with what stands where they are NaN."""
    match fill:
        case pb.FILL_NONE:
            return list(values)
        case pb.FILL_ZERO:
            return [0.0 if math.isnan(each) else each for each in values]
        case pb.FILL_PREVIOUS:
            return _carried(values)
        case pb.FILL_LINEAR:
            return _joined(values)
        case _:
            return filled(values, pb.FILL_ZERO, aggregation) if aggregation in FROM_NOTHING else list(values)


def covered(bucket: Span, now: datetime) -> float:
    """The seconds of a bucket that have passed."""
    return max(0.0, (min(bucket.end, now) - bucket.start).total_seconds())


def _columns(question: Measured, reading: Reading) -> list[pb.TableColumn]:
    """The figures that are shown: measures that are not hidden, then formulas."""
    columns = []
    for measure in question.measures:
        if not measure.hidden:
            columns.append(pb.TableColumn(id=measure.id))
            if measure.source == pb.SOURCE_METRICS and measure.name in reading.units:
                columns[-1].kind, columns[-1].unit = reading.units[measure.name]  # type: ignore[assignment]
    return [*columns, *(pb.TableColumn(id=each.id, unit=each.unit) for each in question.formulas)]


def _lines(
    question: Series, cells: Cells, place: int | None, buckets: Sequence[Span], now: datetime
) -> dict[str, Values]:
    """By id, the values of all measures and formulas of one group: those of its buckets, then its total."""
    found = {}
    for index, measure in enumerate(question.measures):
        parts = cells.get((index, place), {})
        rated = measure.aggregation == pb.AGGREGATION_RATE
        values = [
            value(measure, parts.get(slot), covered(bucket, now) if rated else math.nan)
            for slot, bucket in enumerate(buckets)
        ]
        whole = parts[None] if None in parts else merged(list(parts.values()))
        seconds = covered(Span(buckets[0].start, buckets[-1].end), now)
        shown = filled(values, question.fill, measure.aggregation)
        found[measure.id] = np.array([*shown, total(measure, whole, seconds)], np.float64)
    return _computed(question, found)


def _rows(question: Table, cells: Cells, reading: Reading, span: Span, now: datetime) -> dict[str, Values]:
    """By id, the values of all measures and formulas: those of the groups, of all others, and of everything."""
    found, seconds = {}, covered(span, now)
    for index, measure in enumerate(question.measures):
        parts = [cells.get((index, place), {}).get(0) for place in (*range(len(reading.groups)), None)]
        whole = cells.get((index, None), {}).get(None) or merged([part for part in parts if part is not None])
        values = [total(measure, part, seconds) for part in (*parts, whole)]
        found[measure.id] = np.array(values, np.float64)
    return _computed(question, found)


def _computed(question: Measured, measures: dict[str, Values]) -> dict[str, Values]:
    """With the formulas over the measures."""
    return measures | {each.id: formula.values(each, measures) for each in question.formulas}


def _named(place: int | None, question: Measured, reading: Reading) -> Iterable[str]:
    """The group at a place as people read it."""
    if place is not None:
        for key, by in zip(reading.groups[place], question.measures[0].groups):
            yield name_of(int(key), by) if by.form == Form.NAMED else key


def _carried(values: Sequence[float]) -> list[float]:
    last, found = math.nan, []
    for each in values:
        last = last if math.isnan(each) else each
        found.append(last)
    return found


def _joined(values: Sequence[float]) -> list[float]:
    found = list(values)
    known = [i for i, each in enumerate(values) if not math.isnan(each)]
    for left, right in pairwise(known):
        for i in range(left + 1, right):
            share = (i - left) / (right - left)
            found[i] = values[left] * (1 - share) + values[right] * share
    return found

"""Makes answers of rows: rows of `store` come in by bucket and group, a `SeriesResult` goes out to `servicer`."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from services.kit.errors import Invalid
from services.query.calendar import Span
from services.query.fields import Form, name_of
from services.query.part import Part, merged, value
from services.query.plan import Plan, Scan
from services.query.question import Measure
from services.query.sql import PAGE_BYTES, Group
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.metric_pb2 import MetricKind

Columns = Sequence[tuple[int, str]]
"""For each column after the keys: index of its measure, and the attribute of `Part` that it is."""
Cells = dict[tuple[int, int | None], dict[int | None, Part]]
"""By measure and place in the groups (None for all others): the part of each bucket; under None that of all buckets."""

_FROM_NOTHING = {pb.AGGREGATION_COUNT, pb.AGGREGATION_SUM, pb.AGGREGATION_RATE, pb.AGGREGATION_UNIQUES}
"""What is 0, not unknown, where there is nothing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read for a plan."""

    groups: tuple[Group, ...] = ((),)
    """The groups shown apart, largest first; a single empty one when nothing is split."""
    cells: Cells = field(default_factory=dict)
    earlier: Cells = field(default_factory=dict)
    """Of the period before."""
    units: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Kind and unit of each metric."""


def gather(cells: Cells, columns: Columns, rows: Iterable[Sequence[object]]) -> None:
    """Puts rows of bucket, place and columns into `cells`."""
    for slot, place, *values in rows:
        for (index, kind), each in zip(columns, values):
            parts = cells.setdefault((index, place), {})  # type: ignore[arg-type]
            parts.setdefault(slot, Part()).put(kind, each)  # type: ignore[arg-type]


def choose(
    scans: Sequence[Scan], ranked: Sequence[tuple[Columns, Iterable[Sequence[object]]]], top: int
) -> tuple[Group, ...]:
    """The groups shown apart: the largest of the first scan, then those of the next where fewer are there."""
    chosen: dict[Group, None] = {}
    for scan, (columns, rows) in zip(scans, ranked):
        first, measure = scan.measures[0]
        width = len(measure.groups)
        sizes: dict[Group, float] = {}
        for row in rows:
            part = Part()
            for (index, kind), each in zip(columns, row[width:]):
                if index == first:
                    part.put(kind, each)
            sizes[tuple(str(key) for key in row[:width])] = value(measure, part, 1.0)
        largest = sorted(sizes, key=lambda group: (math.isnan(sizes[group]), -sizes[group], group))
        chosen |= dict.fromkeys(largest)
    groups = tuple(chosen)[:top]
    # Every line of the answer repeats its group.
    lines = sum(len(scan.measures) for scan in scans)
    size = lines * sum(len(key.encode()) for group in groups for key in group)
    if size > PAGE_BYTES:
        raise Invalid(
            "query.series.group_by",
            f"gives groups whose names fill {size} bytes of the answer, which may hold {PAGE_BYTES}; ask for fewer, or split by "
            "a field of shorter values",
        )
    return groups


def result(plan: Plan, reading: Reading, now: datetime) -> pb.SeriesResult:
    """The answer at the instant `now`."""
    question = plan.question
    answer = pb.SeriesResult()
    for start in question.edges[:-1]:
        answer.bucket_starts.add().FromDatetime(start)
    buckets, before = plan.scans[0].buckets, plan.earlier[0].buckets if plan.earlier else ()
    places: list[int | None] = list(range(len(reading.groups)))
    if any(place is None for _, place in (*reading.cells, *reading.earlier)):
        places.append(None)
    for index, measure in enumerate(question.measures):
        kind, unit = (
            reading.units.get(measure.name, (0, "")) if measure.source == pb.SOURCE_METRICS else (0, "")
        )
        for place in places:
            line = answer.series.add(
                measure_id=measure.id, other=place is None, kind=MetricKind.ValueType(kind), unit=unit
            )
            if place is not None:
                line.group.extend(_named(reading.groups[place], measure))
            values, line.total = _line(
                measure, reading.cells.get((index, place), {}), buckets, question.fill, now
            )
            line.values.extend(values)
            if before:
                parts = reading.earlier.get((index, place), {})
                values, line.previous_total = _line(measure, parts, before, question.fill, now)
                line.previous_values.extend(values)
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
            return filled(values, pb.FILL_ZERO, aggregation) if aggregation in _FROM_NOTHING else list(values)


def covered(bucket: Span, now: datetime) -> float:
    """The seconds of a bucket that have passed."""
    return max(0.0, (min(bucket.end, now) - bucket.start).total_seconds())


def _line(
    measure: Measure, parts: Mapping[int | None, Part], buckets: Sequence[Span], fill: pb.Fill, now: datetime
) -> tuple[list[float], float]:
    """The values of one line, and its total."""
    values = [value(measure, parts.get(slot), covered(bucket, now)) for slot, bucket in enumerate(buckets)]
    whole = parts[None] if None in parts else merged(list(parts.values()))  # type: ignore[arg-type]
    total = value(measure, whole, covered(Span(buckets[0].start, buckets[-1].end), now))
    if math.isnan(total) and measure.aggregation in _FROM_NOTHING:
        total = 0.0
    return filled(values, fill, measure.aggregation), total


def _named(group: Group, measure: Measure) -> Iterable[str]:
    for key, by in zip(group, measure.groups):
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

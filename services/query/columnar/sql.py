"""Writes the SQL that DuckDB answers from segments: scans come in, statements go out to `source`.

A series or table that `plan` reads raw gives rows of the same columns as the statements of `services.query.sql` do in the database,
from segments and from a table of the tail, which `rows` reads with the same columns. A bulk scan is read segment by segment, so
that its rows stay in the order in which they lie there.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import pyarrow as pa

from services.kit.calendar import Span
from services.kit.instant import MICROSECOND, us_of
from services.query.columnar import where
from services.query.columnar.layout import Layout, uncounted
from services.query.columnar.scan import Column, Scan, Text
from services.query.columnar.segment import Segment
from services.query.columnar.where import Inexact, Inquiry
from services.query.fields import Form
from services.query.filter import EVERYTHING
from services.query.measure import Measure
from services.query.part import FROM_NOTHING
from services.query.plan import Scan as Aggregation
from services.query.rank import Group, Ranking
from tidemark.v1 import question_pb2 as pb

MOST_STEPS = 200
"""Pieces of equal buckets that a row is compared with at most."""
TAIL = "tail"
"""The table of what is not in segments."""


def spine(segment: Segment, folder: str) -> Inquiry:
    """User, instant and number of all rows of a segment, in the order of its file."""
    inquiry = Inquiry()
    file = inquiry.value(f"{folder}/{segment.path}")
    inquiry.text = (
        "SELECT user_id, epoch_us(occurred_at) AS at_us, file_row_number"  # noqa: S608
        f" FROM read_parquet({file}, file_row_number = true)"
    )
    return inquiry


def bulk(scan: Scan, segment: Segment, folder: str) -> Inquiry | None:
    """The rows of a bulk scan in one segment, whoever's they are: number in the file and columns, in the order of the file. None where the
    spine of the segment tells all that is wanted."""
    inquiry = Inquiry()
    columns = [f"{_column(each, segment.layout, inquiry)} AS c{i}" for i, each in enumerate(scan.columns)]
    limits = (
        [] if scan.condition == EVERYTHING else [where.condition(scan.condition, segment.layout, inquiry)]
    )
    limits += _until(scan, segment, inquiry)
    if not columns and not limits:
        return None
    if not segment.inside((scan.span,)):
        limits.append(where.within((scan.span,), inquiry))
    file = inquiry.value(f"{folder}/{segment.path}")
    rows = f"FROM read_parquet({file}, file_row_number = true) WHERE {' AND '.join(limits) or 'true'}"
    # A list of values becomes a join, which gives rows in any order.
    order = " ORDER BY file_row_number" if " IN (" in rows else ""
    inquiry.text = f"SELECT {', '.join(['file_row_number', *columns])} {rows}{order}"
    return inquiry


def ids(scan: Scan, segment: Segment, folder: str, instants: pa.Array) -> Inquiry:
    """Instants and ids of the rows of a bulk scan that happened at some instants, in the order of the file."""
    inquiry = Inquiry()
    file = inquiry.value(f"{folder}/{segment.path}")
    limits = [
        where.within((scan.span,), inquiry),
        where.condition(scan.condition, segment.layout, inquiry),
        *([] if scan.anonymous else ["user_id IS NOT NULL"]),
        *_until(scan, segment, inquiry),
        f"epoch_us(occurred_at) IN (SELECT id FROM {inquiry.table({'id': instants})})",  # noqa: S608
    ]
    inquiry.text = (
        f"SELECT event_id FROM read_parquet({file}, file_row_number = true) WHERE {' AND '.join(limits)}"  # noqa: S608
        " ORDER BY file_row_number"
    )
    return inquiry


def cells(
    scan: Aggregation,
    segments: Sequence[Segment],
    folder: str,
    groups: Sequence[Group],
    tail: pa.Table | None,
) -> Inquiry:
    """As `services.query.sql.cells`: rows of bucket, place in `groups` (NULL for all others) and the columns of its measures."""
    inquiry = Inquiry()
    keys = _keys(scan)
    rows = _rows(scan, segments, folder, tail, inquiry)
    slot = _slot("at_us", [bucket.start for bucket in scan.buckets])
    place, join = "0", ""
    if keys:
        columns = {key: pa.array([group[i] for group in groups], pa.string()) for i, key in enumerate(keys)}
        chosen = inquiry.table({**columns, "place": pa.array(range(len(groups)), pa.int64())})
        join = (
            f"\nLEFT JOIN {chosen} AS chosen ON {' AND '.join(f'chosen.{key} = rows.{key}' for key in keys)}"
        )
        place = "chosen.place"
    inner = f"SELECT rows.*, {slot} AS slot, {place} AS place\nFROM (\n{rows}\n) AS rows{join}"
    if counted := _counted(scan):
        inquiry.text = _paired(scan, counted, inner, inquiry)
        return inquiry
    aggregates = _aggregates(scan, inquiry)
    sets = (
        f"GROUPING SETS ((slot, place), {'()' if scan.across else '(place)'})"
        if _totalled(scan)
        else "slot, place"
    )
    inquiry.text = f"SELECT slot, place, {', '.join(aggregates)}\nFROM (\n{inner}\n) AS rows\nGROUP BY {sets}"
    return inquiry


def ranking(ranking: Ranking, segments: Sequence[Segment], folder: str, tail: pa.Table | None) -> Inquiry:
    """As `services.query.sql.ranking`: the groups of a scan over all buckets, in the order asked for."""
    inquiry, scan = Inquiry(), ranking.scan
    keys = ", ".join(_keys(scan))
    rows = f"FROM (\n{_rows(scan, segments, folder, tail, inquiry)}\n) AS rows\n"
    direction = "ASC" if ranking.ascending else "DESC"
    if counted := _counted(scan):
        pairs = _pairs(scan, counted, inquiry)
        rows = f"FROM (\nSELECT {keys}, {pairs.columns}\n{rows}GROUP BY {keys}, {counted}\n) AS pairs\n"
        aggregates, size = pairs.within, f"count({counted})"
    else:
        aggregates = _aggregates(scan, inquiry)
        size = "" if ranking.whole else _size(scan, inquiry)
    order = "" if ranking.whole else f"ORDER BY {size} {direction} NULLS LAST, {keys}\n"
    inquiry.text = (
        f"SELECT {keys}, {', '.join(aggregates)}\n{rows}GROUP BY {keys}\n{order}"
        f"LIMIT {inquiry.value(ranking.limit + ranking.whole)}"
    )
    return inquiry


def values(scan: Aggregation) -> dict[str, Measure]:
    """The columns of the values that a scan aggregates; measures of the same value share one."""
    different = {key: each for _, each in scan.measures if (key := _value_of(each))}
    return {f"v{i}": each for i, each in enumerate(different.values())}


def _rows(
    scan: Aggregation, segments: Sequence[Segment], folder: str, tail: pa.Table | None, inquiry: Inquiry
) -> str:
    """The rows of a scan: when, groups and values."""
    spans = scan.tiles[0].spans
    found = [_segments(scan, each, folder, inquiry) for each in _alike(segments, spans, scan.until)]
    if tail is not None and tail.num_rows:
        inquiry.tables[TAIL] = tail
        names = ", ".join([*_keys(scan), *values(scan)])
        found.append(f"SELECT epoch_us(occurred_at) AS at_us{', ' if names else ''}{names} FROM {TAIL}")  # noqa: S608
    return "\nUNION ALL\n".join(found)


def _segments(scan: Aggregation, segments: Sequence[Segment], folder: str, inquiry: Inquiry) -> str:
    """The rows in segments that are laid out alike."""
    measure, layout = scan.measures[0][1], segments[0].layout
    columns = ["epoch_us(occurred_at) AS at_us"]
    columns += [f"{where.text(each, layout, inquiry)} AS g{i}" for i, each in enumerate(measure.groups)]
    columns += [f"{_measured(each, layout, inquiry)} AS {name}" for name, each in values(scan).items()]
    limits = [where.condition(measure.filter, layout, inquiry)]
    if measure.name:
        limits.append(f"name = {inquiry.value(measure.name)}")
    if not segments[0].inside(scan.tiles[0].spans):
        limits.append(where.within(scan.tiles[0].spans, inquiry))
    limits += _until(scan, segments[0], inquiry)
    files = inquiry.value([f"{folder}/{each.path}" for each in segments])
    return f"SELECT {', '.join(columns)} FROM read_parquet({files}) WHERE {' AND '.join(limits)}"  # noqa: S608


def _alike(segments: Sequence[Segment], spans: Sequence[Span], until: Sequence[int]) -> list[list[Segment]]:
    """Together the segments with the same columns of which times and batches are compared, or need not be: each statement must be
    planned."""
    found: dict[Hashable, list[Segment]] = {}
    for each in segments:
        young = bool(until) and each.young(until)
        found.setdefault((uncounted(each.layout), each.inside(spans), young), []).append(each)
    return list(found.values())


def _until(scan: Scan | Aggregation, segment: Segment, inquiry: Inquiry) -> list[str]:
    """That a row belongs to the state asked about, where some of the segment may not."""
    return [where.before(scan.until, inquiry)] if scan.until and segment.young(scan.until) else []


def _measured(measure: Measure, layout: Layout, inquiry: Inquiry) -> str:
    """The value that a measure aggregates; NULL where it is missing or, if it must be a number, none."""
    assert measure.field is not None
    if measure.field.form != Form.JSON:
        return measure.field.column
    value = where.json(measure.field, layout, inquiry)
    if measure.aggregation == pb.AGGREGATION_UNIQUES:
        return value.identity
    number = value.double
    return (
        f"CASE WHEN abs({number}) < 1e300 THEN CASE WHEN abs({number}) > 1e-300 THEN {number} ELSE 0 END END"
    )


def _column(column: Column, layout: Layout, inquiry: Inquiry) -> str:
    if isinstance(column, Text):
        return f"nullif({where.text(column.field, layout, inquiry)}, '')"
    return f"({where.condition(column.condition, layout, inquiry)}) IS TRUE"


def _keys(scan: Aggregation) -> list[str]:
    return [f"g{i}" for i in range(len(scan.measures[0][1].groups))]


def _value_of(measure: Measure) -> tuple[str, bool] | None:
    """What tells the value of a measure from others: its field, and whether it is taken as it is."""
    if measure.field is None:
        return None
    return measure.field.path, measure.aggregation == pb.AGGREGATION_UNIQUES


_PLAIN = {
    pb.AGGREGATION_COUNT: ("count",),
    pb.AGGREGATION_RATE: ("count",),
    pb.AGGREGATION_SUM: ("sum",),
    pb.AGGREGATION_AVG: ("count", "sum"),
    pb.AGGREGATION_MIN: ("min",),
    pb.AGGREGATION_MAX: ("max",),
}


def _kinds(measure: Measure) -> tuple[str, ...]:
    return _PLAIN.get(measure.aggregation, ("exact",))


def _totalled(scan: Aggregation) -> bool:
    return any(_kinds(measure) == ("exact",) for _, measure in scan.measures)


def _counted(scan: Aggregation) -> str:
    """The column whose different values are counted, where that is all that cannot be added up; else nothing."""
    exact = [each for _, each in scan.measures if _kinds(each) == ("exact",)]
    columns = {
        name for name, each in values(scan).items() for one in exact if _value_of(one) == _value_of(each)
    }
    uniques = all(each.aggregation == pb.AGGREGATION_UNIQUES for each in exact)
    return columns.pop() if uniques and len(columns) == 1 else ""


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Aggregates by way of pairs of a group and a value: each value of a group is met once, and those that are met are counted.
    Measured, that takes less than half the time and the memory of counting different values."""

    columns: str
    """The SELECT list of a pair: its value, and what can be added up of the other measures."""
    within: list[str]
    """The aggregates of a group, of its pairs."""
    across: list[str]
    """Those of several groups together."""


def _pairs(scan: Aggregation, counted: str, inquiry: Inquiry) -> _Pairs:
    """The pairs of a scan with the values of the column `counted`; says in `inquiry.columns` what each aggregate is."""
    columns, within, across = [counted], [], []
    for index, measure in scan.measures:
        for kind in _kinds(measure):
            inquiry.columns += ((index, kind),)
            if kind == "exact":
                within.append(f"CAST(nullif(count({counted}), 0) AS DOUBLE)")
                across.append(f"CAST(nullif(count(DISTINCT {counted}), 0) AS DOUBLE)")
                continue
            name = f"a{len(columns)}"
            columns.append(f"{_aggregate(kind, measure, scan, inquiry)} AS {name}")
            added = f"CAST(sum({name}) AS BIGINT)" if kind == "count" else f"{kind}({name})"
            within.append(added)
            across.append(added)
    return _Pairs(", ".join(columns), within, across)


def _paired(scan: Aggregation, counted: str, rows: str, inquiry: Inquiry) -> str:
    """The statement of `cells` by way of pairs."""
    pairs = _pairs(scan, counted, inquiry)
    place, by = ("NULL", "") if scan.across else ("place", " GROUP BY place")
    return (
        f"WITH pairs AS MATERIALIZED (\nSELECT slot, place, {pairs.columns}\nFROM (\n{rows}\n) AS rows\n"
        f"GROUP BY slot, place, {counted}\n)\n"
        f"SELECT slot, place, {', '.join(pairs.within)} FROM pairs GROUP BY slot, place\n"
        f"UNION ALL\nSELECT NULL, {place}, {', '.join(pairs.across)} FROM pairs{by}"
    )


def _aggregates(scan: Aggregation, inquiry: Inquiry) -> list[str]:
    """The SELECT list of the measures; says in `inquiry.columns` what each column is."""
    found: list[str] = []
    for index, measure in scan.measures:
        for kind in _kinds(measure):
            inquiry.columns += ((index, kind),)
            found.append(_aggregate(kind, measure, scan, inquiry))
    return found


def _aggregate(kind: str, measure: Measure, scan: Aggregation, inquiry: Inquiry) -> str:
    value = next((name for name, each in values(scan).items() if _value_of(each) == _value_of(measure)), "*")
    if kind != "exact":
        return f"{kind}({value})"
    if measure.aggregation == pb.AGGREGATION_UNIQUES:
        return f"CAST(nullif(count(DISTINCT {value}), 0) AS DOUBLE)"
    return f"quantile_cont({value}, {inquiry.value(measure.quantile, 'DOUBLE')})"


def _size(scan: Aggregation, inquiry: Inquiry) -> str:
    """What groups are ordered by: their first measure."""
    _, measure = scan.measures[0]
    if measure.aggregation == pb.AGGREGATION_AVG:
        return "avg(v0)"
    (kind,) = _kinds(measure)
    size = _aggregate(kind, measure, scan, inquiry)
    return f"coalesce({size}, 0)" if measure.aggregation in FROM_NOTHING and kind != "count" else size


def _slot(at_us: str, starts: Sequence[datetime]) -> str:
    """The place of the last of `starts` that is not after an instant: counted, where starts lie equally far from each other."""
    runs: list[tuple[int, datetime, timedelta]] = []
    for place, (start, end) in enumerate(pairwise(starts)):
        if end <= start:
            raise Inexact("buckets without any time")
        if not runs or runs[-1][2] != end - start:
            runs.append((place, start, end - start))
    last = len(starts) - 1
    if len(runs) > MOST_STEPS:
        raise Inexact("buckets of too many lengths")
    text = str(last)
    ends = [*(us_of(start) for _, start, _ in runs[1:]), us_of(starts[-1])]
    for (place, start, width), until in reversed(list(zip(runs, ends))):
        within = f"{place} + ({at_us} - {us_of(start)}) // {width // MICROSECOND}"
        text = f"CASE WHEN {at_us} < {until} THEN {within} ELSE {text} END"
    return text

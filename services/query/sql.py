"""Writes SQL: scans, rankings and conditions come in, text with parameters goes out to `store`.

Names of tables and columns are those of `plan` and `fields`, never a caller's text; every value and every JSON key is a
parameter. `tests/golden/sql` holds the statements for people to read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.kit.calendar import Span
from services.query.fields import Form
from services.query.filter import names
from services.query.measure import Measure
from services.query.part import FROM_NOTHING
from services.query.plan import RAW, Scan, Tile, covering
from services.query.question import Events
from services.query.rank import Group, Ranking
from services.query.where import Statement, batches, conditions, json, text, within
from tidemark.v1 import question_pb2 as pb

TIME = {"events": "occurred_at", "metric_points": "observed_at"}
DAY = timedelta(days=1)
SHORT = timedelta(hours=6)
"""Events of all names in so short a time are found by the index of names and time: measured, a chunk holds a week of rows,
and reading it whole is faster only for more than about a day."""
MOST_APART = 20
"""So many spans of rows are looked up one by one."""

PAGE_BYTES = 3_000_000
"""A page of events stays below the 4 MiB that gRPC clients take by default."""
_SIZE = "250 + octet_length(name) + coalesce(octet_length(properties_text), 0) + coalesce(octet_length(context_text), 0)"


def cells(scan: Scan, project_id: int, groups: Sequence[Group]) -> Statement:
    """Reads a scan: rows of bucket, place in `groups` (NULL for all others) and the columns of its measures.

    Exact uniques and quantiles cannot be added up, so that for them rows without a bucket tell those of all buckets, in a
    table of all groups.
    """
    statement = Statement()
    keys = _keys(scan)
    aggregates = _aggregates(scan, statement)
    rows = _rows(scan, project_id, statement, slotted=True)
    place, join = "0", ""
    if keys:
        lists = ", ".join(statement.value([group[i] for group in groups], "text[]") for i in range(len(keys)))
        matches = " AND ".join(f"chosen.{key} = rows.{key}" for key in keys)
        join = f"\nLEFT JOIN unnest({lists}) WITH ORDINALITY AS chosen({', '.join(keys)}, place) ON {matches}"
        place = "chosen.place - 1"
    all_of = "()" if scan.across else "(place)"
    sets = f"GROUPING SETS ((slot, place), {all_of})" if _totalled(scan) else "slot, place"
    inner = f"SELECT rows.*, {place} AS place\nFROM (\n{rows}\n) AS rows{join}"
    statement.text = (
        f"SELECT slot, place, {', '.join(aggregates)}\nFROM (\n{inner}\n) AS rows\nGROUP BY {sets}"
    )
    return statement


def ranking(ranking: Ranking, project_id: int) -> Statement:
    """Reads the groups of a scan over all buckets, in the order asked for: rows of keys and columns."""
    statement, scan = Statement(), ranking.scan
    keys = ", ".join(_keys(scan))
    aggregates = _aggregates(scan, statement)
    rows = _rows(scan, project_id, statement, slotted=False)
    direction = "ASC" if ranking.ascending else "DESC"
    order = "" if ranking.whole else f"ORDER BY {_size(scan, statement)} {direction} NULLS LAST, {keys}\n"
    limit = statement.value(ranking.limit + ranking.whole)
    statement.text = f"SELECT {keys}, {', '.join(aggregates)}\nFROM (\n{rows}\n) AS rows\nGROUP BY {keys}\n{order}LIMIT {limit}"
    return statement


@dataclass(frozen=True, slots=True)
class Page:
    """Which of the events that fit: at most `size` after `after`, or those in `spans` committed after `batches`."""

    size: int
    after: tuple[datetime, str] | None = None
    batches: tuple[int, ...] | None = None
    """By partition, the number of batches that were committed before."""
    until: tuple[int, ...] = ()
    """The same, at the state of the data after which nothing more is wanted; none are named where all is."""
    spans: tuple[Span, ...] = ()


def events(question: Events, project_id: int, page: Page) -> Statement:
    """Reads events, newest first, with the times of their batches.

    A page ends early when it holds `PAGE_BYTES`; the last column tells how many rows were there, at most one more than fit.
    The names of the time asked about come from the rollups, so that the index by name and time serves every question and
    only as many rows of each name are read as the page holds.
    """
    statement = Statement()
    project = statement.value(project_id)
    limits = [f"project_id = {project}", within("occurred_at", (question.span,), statement)]
    if page.spans:
        limits.append(within("occurred_at", page.spans, statement))
    if page.after is not None:
        at, event_id = page.after
        limits.append(
            f"(occurred_at, event_id) < ({statement.value(at, 'timestamptz')}, {statement.value(event_id, 'uuid')})"
        )
    if page.batches is not None:
        limits.append(batches(">=", page.batches, statement))
    if page.until:
        limits.append(batches("<", page.until, statement))
    limits.extend(conditions(question.filter, "events", statement))
    named = names(question.filter)
    source = _names(question.span, project, statement)
    if named is not None:
        source = f"SELECT DISTINCT unnest({statement.value(list(named), 'text[]')}) AS name"
    size = statement.value(page.size + 1)
    order = "ORDER BY occurred_at DESC, event_id DESC"
    statement.text = (
        f"WITH page AS (\nSELECT event.*, properties::text AS properties_text, context::text AS context_text\n"
        f"FROM ({source}) AS named CROSS JOIN LATERAL (\n"
        f"SELECT * FROM events WHERE name = named.name AND {' AND '.join(limits)}\n{order} LIMIT {size}\n) AS event\n"
        f"{order} LIMIT {size}\n), measured AS (\nSELECT page.*, count(*) OVER () AS found, sum({_SIZE}) OVER"
        f" ({order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before\nFROM page\n)\n"
        "SELECT event_id, occurred_at, type, name, user_id, session_id, properties_text, context_text, late,"
        " sent_at, received_at, committed_at, found\n"
        "FROM measured LEFT JOIN LATERAL (\n"
        "SELECT sent_at, received_at, committed_at FROM batches WHERE batches.batch_id = measured.batch_id LIMIT 1\n"
        f") AS batch ON true\nWHERE coalesce(before, 0) < {PAGE_BYTES}\n{order}"
    )
    return statement


def expected(tile: Tile, source: pb.Source, names: Sequence[str] | None, project_id: int) -> Statement:
    """Reads how many rows a tile has, of these names or of all: those of rollups are counted, of others rollups tell."""
    statement = Statement()
    project = statement.value(project_id)
    raw = tile.table == RAW[source]
    limits = [f"project_id = {project}", f"source = {int(source)}"]
    if names is not None:
        limits.append(f"name = ANY({statement.value(list(names), 'text[]')})")
    buckets = "\nUNION ALL\n".join(
        f"SELECT count FROM {each.table}"  # noqa: S608
        f" WHERE {' AND '.join([*limits, within('bucket', each.spans, statement)])}"
        for each in (covering(tile.spans) if raw else (tile,))
    )
    rows = "coalesce(sum(count), 0)::bigint" if raw else "count(*)"
    statement.text = f"SELECT {rows}\nFROM (\n{buckets}\n) AS buckets"
    return statement


def unit_of(name: str, span: Span, project_id: int, until: Sequence[int]) -> Statement:
    """Reads kind and unit of a metric, as its last point before the end of a span has them."""
    statement = Statement()
    limits = [
        f"project_id = {statement.value(project_id)}",
        f"name = {statement.value(name)}",
        f"observed_at < {statement.value(span.end, 'timestamptz')}",
        *([batches("<", until, statement)] if until else []),
    ]
    statement.text = (
        f"SELECT kind, coalesce(unit, '')\nFROM metric_points\nWHERE {' AND '.join(limits)}\n"
        "ORDER BY observed_at DESC LIMIT 1"
    )
    return statement


def _names(span: Span, project: str, statement: Statement) -> str:
    """The names that events have in `span`."""
    start, end = (statement.value(at, "timestamptz") for at in (span.start, span.end))
    return (
        f"SELECT DISTINCT name FROM rollups_1d WHERE project_id = {project} AND source = 1"  # noqa: S608
        f" AND bucket >= date_trunc('day', {start}, 'UTC') AND bucket < {end}"
    )


def _keys(scan: Scan) -> list[str]:
    return [f"g{i}" for i in range(len(scan.measures[0][1].groups))]


def _totalled(scan: Scan) -> bool:
    return scan.exact and any(
        kind == "exact" for _, measure in scan.measures for kind in _kinds(measure, scan)
    )


def _kinds(measure: Measure, scan: Scan) -> tuple[str, ...]:
    """The attributes of a `Part` that a measure needs."""
    match measure.aggregation:
        case pb.AGGREGATION_COUNT:
            return ("count",)
        case pb.AGGREGATION_RATE:
            return ("count",) if measure.source == pb.SOURCE_EVENTS else ("sum",)
        case pb.AGGREGATION_SUM:
            return ("sum",)
        case pb.AGGREGATION_AVG:
            return ("count", "sum")
        case pb.AGGREGATION_MIN:
            return ("min",)
        case pb.AGGREGATION_MAX:
            return ("max",)
    if scan.exact:
        return ("exact",)
    kind = "uniques" if measure.aggregation == pb.AGGREGATION_UNIQUES else "quantiles"
    loose = {"uniques": "users", "quantiles": "numbers"}[kind]
    return (kind, loose) if any(tile.table == RAW[scan.source] for tile in scan.tiles) else (kind,)


def _aggregates(scan: Scan, statement: Statement) -> list[str]:
    """The SELECT list of the measures; says in `statement.columns` what each column is."""
    found: list[str] = []
    for index, measure in scan.measures:
        for kind in _kinds(measure, scan):
            statement.columns += ((index, kind),)
            found.append(_exact(kind, measure, scan, statement) if scan.exact else _MERGED[kind])
    return found


_MERGED = {
    "count": "sum(count)::bigint",
    "sum": "sum(sum)",
    "min": "min(min)",
    "max": "max(max)",
    "uniques": "array_agg(uniques) FILTER (WHERE uniques IS NOT NULL)",
    "quantiles": "array_agg(quantiles) FILTER (WHERE quantiles IS NOT NULL)",
    "users": "array_agg(DISTINCT users) FILTER (WHERE users IS NOT NULL)",
    "numbers": "array_agg(numbers) FILTER (WHERE numbers IS NOT NULL)",
}


def _exact(kind: str, measure: Measure, scan: Scan, statement: Statement) -> str:
    value = _values(scan)[key] if (key := _value_of(measure)) else "*"
    if kind != "exact":
        return f"{kind}({value})"
    if measure.aggregation == pb.AGGREGATION_UNIQUES:
        return f"nullif(count(DISTINCT {value}), 0)::float8"
    return f"percentile_cont({statement.value(measure.quantile, 'float8')}) WITHIN GROUP (ORDER BY {value})"


def _value_of(measure: Measure) -> tuple[str, bool] | None:
    """What tells the value of a measure from others: its field, and whether it is taken as it is."""
    if measure.field is None:
        return None
    return measure.field.path, measure.aggregation == pb.AGGREGATION_UNIQUES


def _values(scan: Scan) -> dict[tuple[str, bool], str]:
    """The columns of the values of a raw scan; measures of the same value share one."""
    values = dict.fromkeys(key for _, measure in scan.measures if (key := _value_of(measure)))
    return {key: f"v{i}" for i, key in enumerate(values)}


def _size(scan: Scan, statement: Statement) -> str:
    """What groups are ordered by: their first measure or, where that is a sketch, their rows."""
    _, measure = scan.measures[0]
    if scan.sketched(measure):
        return "sum(count)"
    if measure.aggregation == pb.AGGREGATION_AVG:
        return "avg(v0)" if scan.exact else "sum(sum) / nullif(sum(count), 0)"
    (kind,) = _kinds(measure, scan)
    size = _exact(kind, measure, scan, statement) if scan.exact else _MERGED[kind]
    return f"coalesce({size}, 0)" if measure.aggregation in FROM_NOTHING and kind != "count" else size


def _rows(scan: Scan, project_id: int, statement: Statement, *, slotted: bool) -> str:
    """The rows of a scan, with their bucket and groups, out of all its tables."""
    project = statement.value(project_id)
    starts = _starts(scan.buckets, statement) if slotted else ""
    tiles = [each for tile in scan.tiles for each in _apart(tile, scan)]
    return "\nUNION ALL\n".join(_tile(tile, scan, project, starts, statement) for tile in tiles)


def _starts(buckets: Sequence[Span], statement: Statement) -> str:
    """Where buckets start. Those of one width below a day, of which there may be thousands, are counted out by the database: it takes longer
    to send so many instants than to use them. A range may cut the first and the last.
    """
    inner = buckets[1:-1]
    width = inner[0].length if inner else DAY
    if width >= DAY or any(each.length != width for each in inner):
        return statement.value([each.start for each in buckets], "timestamptz[]")
    first, last = (statement.value(at, "timestamptz") for at in (inner[0].start - width, buckets[-1].start))
    return f"ARRAY(SELECT generate_series({first}, {last}, {statement.value(width, 'interval')}))"


def _apart(tile: Tile, scan: Scan) -> Sequence[Tile]:
    """What of a tile is looked up by itself: beside rollups, rows are few and lie here and there."""
    if scan.exact or tile.table != RAW[scan.source] or len(tile.spans) > MOST_APART:
        return (tile,)
    return [Tile(tile.table, (span,)) for span in tile.spans]


def _tile(tile: Tile, scan: Scan, project: str, starts: str, statement: Statement) -> str:
    measure = scan.measures[0][1]
    raw = tile.table == RAW[scan.source]
    time = TIME[tile.table] if raw else "bucket"
    columns = [f"width_bucket({time}, {starts}) - 1 AS slot"] if starts else []
    for i, group in enumerate(measure.groups):
        columns.append(f"{text(group, tile.table, statement)} AS g{i}")
    if scan.exact:
        of = {_value_of(each): each for _, each in scan.measures}
        columns.extend(f"{measured(of[key], statement)} AS {name}" for key, name in _values(scan).items())
    else:
        needed = {"count"}.union(*(_kinds(each, scan) for _, each in scan.measures))
        stored = {**_ABSENT, **_LOOSE[scan.source]} if raw else _STORED
        columns.extend(f"{stored[kind]} AS {kind}" for kind in _MERGED if kind in needed)
    limits = [f"project_id = {project}", within(time, tile.spans, statement)]
    if not raw:
        limits.append(f"source = {int(scan.source)}")
    if measure.name:
        limits.append(f"name = {statement.value(measure.name)}")
    extent = Span(tile.spans[0].start, tile.spans[-1].end)
    if raw and not measure.name and names(measure.filter) is None and extent.length <= SHORT:
        limits.append(f"name = ANY(ARRAY({_names(extent, project, statement)}))")
    if raw and scan.until:
        limits.append(batches("<", scan.until, statement))
    limits.extend(conditions(measure.filter, tile.table, statement))
    return f"SELECT {', '.join(columns)}\nFROM {tile.table}\nWHERE {' AND '.join(limits)}"


_ABSENT = {
    "count": "1",
    "sum": "NULL::float8",
    "min": "NULL::float8",
    "max": "NULL::float8",
    "uniques": "NULL::bytea",
    "quantiles": "NULL::bytea",
    "users": "NULL::text",
    "numbers": "NULL::float8",
}
_STORED = {kind: (kind if kind not in ("users", "numbers") else _ABSENT[kind]) for kind in _ABSENT}
_LOOSE = {
    pb.SOURCE_EVENTS: {"users": "user_id"},
    pb.SOURCE_METRICS: dict.fromkeys(("sum", "min", "max", "numbers"), "value"),
}


def measured(measure: Measure, statement: Statement) -> str:
    """The value that a measure aggregates; NULL where it is missing or, if it must be a number, none."""
    assert measure.field is not None
    if measure.field.form != Form.JSON:
        return measure.field.column
    found = json(measure.field, statement)
    if measure.aggregation == pb.AGGREGATION_UNIQUES:
        return f"nullif({found}, 'null'::jsonb)"
    # Numbers that a double cannot hold would end the question with an error: too large ones are left out, and those next to
    # 0 are 0.
    size = f"abs({found}::numeric)"
    number = f"CASE WHEN {size} > 1e-300 THEN {found}::float8 ELSE 0 END"
    return f"CASE WHEN jsonb_typeof({found}) = 'number' AND {size} < 1e300 THEN {number} END"

"""Writes the SQL that reads rows of a scan out of the hypertable: a `Scan` comes in, a statement for COPY goes out to `source`.

What is not in a segment yet is told by the number of its batch: `after` holds, by partition, how many batches are mirrored.
"""

from collections.abc import Sequence

from services.kit.calendar import Span
from services.query.columnar.layout import JSON_COLUMNS, SCHEMA
from services.query.columnar.scan import Column, Scan, Text
from services.query.columnar.sql import values
from services.query.fields import Form
from services.query.filter import names
from services.query.measure import Measure
from services.query.plan import Scan as Aggregation
from services.query.sql import measured
from services.query.where import Statement, batches, conditions, json, text, within
from tidemark.v1 import question_pb2 as pb

MOST_SPANS = 16


def tail(
    scan: Scan, project_id: int, after: Sequence[int] = (), spans: Sequence[Span] | None = None
) -> Statement:
    """The rows of a scan that came with batches not in `after`, and in `spans` alone where these are known.

    Columns are the user, the instant, the event id, and one for each of the scan. Nothing is ordered.
    """
    statement = Statement()
    columns = ["user_id", "occurred_at", "event_id", *(_column(each, statement) for each in scan.columns)]
    limits = _limits((scan.span,), project_id, after, spans, names(scan.condition), statement)
    if not scan.anonymous:
        limits.append("user_id IS NOT NULL")
    if scan.until:
        limits.append(batches("<", scan.until, statement))
    limits += conditions(scan.condition, "events", statement)
    statement.text = _select(columns, limits)
    return statement


def aggregated(
    scan: Aggregation, project_id: int, after: Sequence[int], spans: Sequence[Span] | None
) -> Statement:
    """The rows that a series or table counts, of the same batches and times: when, groups and values, named as in `sql`."""
    statement = Statement()
    first = scan.measures[0][1]
    columns = ["occurred_at"]
    columns += [f"{text(each, 'events', statement)} AS g{i}" for i, each in enumerate(first.groups)]
    columns += [f"{_value(each, statement)} AS {name}" for name, each in values(scan).items()]
    named = (first.name,) if first.name else names(first.filter)
    limits = _limits(scan.tiles[0].spans, project_id, after, spans, named, statement)
    if first.name:
        limits.append(f"name = {statement.value(first.name)}")
    if scan.until:
        limits.append(batches("<", scan.until, statement))
    limits += conditions(first.filter, "events", statement)
    statement.text = _select(columns, limits)
    return statement


def mirrored(
    project_id: int, after: Sequence[int], before: Sequence[int], spans: Sequence[Span] | None
) -> Statement:
    """Every row of the batches from `after` to before `before`, whole."""
    statement = Statement()
    limits = _limits((), project_id, after, spans, None, statement)
    limits.append(batches("<", before, statement))
    columns = [f"{each}::text" if each in JSON_COLUMNS else each for each in SCHEMA.names]
    statement.text = _select(columns, limits)
    return statement


def coalesced(spans: Sequence[Span], most: int = MOST_SPANS) -> tuple[Span, ...]:
    """At most so many spans that hold the given ones: those nearest to each other become one."""
    if len(spans) <= most:
        return tuple(spans)
    gaps = sorted(range(1, len(spans)), key=lambda i: spans[i].start - spans[i - 1].end)
    kept = sorted(gaps[len(spans) - most :])
    starts, ends = [0, *kept], [*kept, len(spans)]
    return tuple(Span(spans[a].start, spans[b - 1].end) for a, b in zip(starts, ends))


def _limits(
    asked: Sequence[Span],
    project_id: int,
    after: Sequence[int],
    spans: Sequence[Span] | None,
    named: tuple[str, ...] | None,
    statement: Statement,
) -> list[str]:
    """That a row belongs to the tail: its project, its time, and the number of its batch.

    Where the times of the tail are known and no name is asked for, the names of these days come from the rollups, so that the
    index of names and times finds the rows.
    """
    project = statement.value(project_id)
    limits = [f"project_id = {project}", *([within("occurred_at", asked, statement)] if asked else [])]
    if any(after):
        limits.append(batches(">=", after, statement))
    if spans is not None:
        near = coalesced(spans)
        limits.append(within("occurred_at", near, statement))
        if named is None:
            start, end = (statement.value(at, "timestamptz") for at in (near[0].start, near[-1].end))
            limits.append(
                "name = ANY(ARRAY(SELECT DISTINCT name FROM rollups_1d"  # noqa: S608
                f" WHERE project_id = {project} AND source = 1"
                f" AND bucket >= date_trunc('day', {start}, 'UTC') AND bucket < {end}))"
            )
    return limits


def _select(columns: Sequence[str], limits: Sequence[str]) -> str:
    return f"SELECT {', '.join(columns)}\nFROM events\nWHERE {' AND '.join(limits)}"


def _column(column: Column, statement: Statement) -> str:
    if isinstance(column, Text):
        return f"nullif({text(column.field, 'events', statement)}, '')"
    held = conditions(column.condition, "events", statement)
    return f"({held[0]}) IS TRUE" if held else "true"


def _value(measure: Measure, statement: Statement) -> str:
    """The value that a measure aggregates; for UNIQUES of JSON a text that only equal values have."""
    if (
        measure.aggregation != pb.AGGREGATION_UNIQUES
        or measure.field is None
        or measure.field.form != Form.JSON
    ):
        return measured(measure, statement)
    found = json(measure.field, statement)
    return (
        f"CASE jsonb_typeof({found}) WHEN 'string' THEN 's' || ({found} #>> '{{}}')"
        f" WHEN 'number' THEN 'n' || trim_scale(({found})::numeric)::text WHEN 'boolean' THEN ({found})::text"
        f" WHEN 'null' THEN NULL ELSE 'h' || jsonb_hash_extended({found}, 0)::text END"
    )

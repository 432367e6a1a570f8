"""Writes the SQL that reads rows of a scan out of the hypertable: a `Scan` comes in, a statement for COPY goes out to `source`.

What is not in a segment yet is told by the number of its batch: `after` holds, by partition, how many batches are mirrored.
"""

from collections.abc import Sequence

from services.query.calendar import Span
from services.query.columnar.scan import Column, Scan, Text
from services.query.filter import names
from services.query.where import Statement, conditions, text, within


def tail(
    scan: Scan, project_id: int, after: Sequence[int] = (), spans: Sequence[Span] | None = None
) -> Statement:
    """The rows of a scan that came with batches not in `after`, and in `spans` alone where these are known.

    Columns are the user, the instant, the event id, and one for each of the scan. Nothing is ordered.
    """
    statement = Statement()
    columns = [
        "user_id",
        "occurred_at",
        "event_id",
        *(_column(each, statement) for each in scan.columns),
    ]
    limits = limited(scan.span, project_id, after, spans, names(scan.condition), statement)
    if not scan.anonymous:
        limits.append("user_id IS NOT NULL")
    limits += conditions(scan.condition, "events", statement)
    statement.text = f"SELECT {', '.join(columns)}\nFROM events\nWHERE {' AND '.join(limits)}"
    return statement


def limited(
    span: Span,
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
    limits = [f"project_id = {project}", within("occurred_at", (span,), statement)]
    if any(after):
        known = f"({statement.value(list(after), 'bigint[]')})[(batch_id & 4095) + 1]"
        limits.append(f"(batch_id >> 12) >= coalesce({known}, 0)")
    if spans is not None:
        limits.append(within("occurred_at", spans, statement))
        if named is None:
            start, end = (statement.value(at, "timestamptz") for at in (spans[0].start, spans[-1].end))
            limits.append(
                "name = ANY(ARRAY(SELECT DISTINCT name FROM rollups_1d"
                f" WHERE project_id = {project} AND source = 1"
                f" AND bucket >= date_trunc('day', {start}, 'UTC') AND bucket < {end}))"
            )
    return limits


def _column(column: Column, statement: Statement) -> str:
    if isinstance(column, Text):
        return f"nullif({text(column.field, 'events', statement)}, '')"
    held = conditions(column.condition, "events", statement)
    return f"({held[0]}) IS TRUE" if held else "true"

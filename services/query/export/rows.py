"""What the rows of a file are: a question or its result comes in; a statement, or a table, goes out to `source`."""

# ruff: noqa: S608  (statements are made of constants of this file; every value of a caller is a parameter)

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.query.question import Events
from services.query.where import Statement, batches, conditions, within
from tidemark.v1 import question_pb2 as pb
from tidemark.v1.event_pb2 import EventType

TIME = pa.timestamp("us", "UTC")
JSON = pa.field("properties", pa.string()), pa.field("context", pa.string())
"""Columns that hold JSON as text."""
EVENTS = pa.schema(
    [
        ("event_id", pa.string()),
        ("occurred_at", TIME),
        ("type", pa.string()),
        ("name", pa.string()),
        ("user_id", pa.string()),
        ("session_id", pa.string()),
        *JSON,
        ("late", pa.bool_()),
        ("received_at", TIME),
        ("committed_at", TIME),
    ]
)
_TYPES = [EventType.Name(number).removeprefix("EVENT_TYPE_") for number in EventType.values() if number]  # type: ignore[arg-type]

Row = dict[str, Any]


def events(question: Events, project_id: int, until: Sequence[int] = ()) -> Statement:
    """Reads the events of a question, newest first, with the columns of `EVENTS`; of so many batches of each partition, where they
    are named."""
    statement = Statement()
    project = statement.value(project_id)
    limits = [f"project_id = {project}", within("occurred_at", (question.span,), statement)]
    if until:
        limits.append(batches("<", until, statement))
    limits.extend(conditions(question.filter, "events", statement))
    statement.text = (
        f"SELECT event_id::text, occurred_at, ({statement.value(_TYPES, 'text[]')})[type] AS type, name, user_id, session_id,"
        " properties::text, context::text, late, received_at, committed_at\n"
        f"FROM (SELECT * FROM events WHERE {' AND '.join(limits)}) AS event\n"
        f"LEFT JOIN (SELECT batch_id, received_at, committed_at FROM batches WHERE project_id = {project}) AS batch"
        " USING (batch_id)\n"
        "ORDER BY occurred_at DESC, event.event_id DESC"
    )
    return statement


def counting(query: pb.Query) -> pb.Query:
    """The question how many events `query` asks for."""
    counted = pb.TableQuestion(measures=[pb.Measure(aggregation=pb.AGGREGATION_COUNT)])
    if query.events.HasField("filter"):
        counted.filter.CopyFrom(query.events.filter)
    return pb.Query(time_range=query.time_range, time_zone=query.time_zone, table=counted)


def table(query: pb.Query, result: Any) -> pa.Table:
    """The result of a question as the table that people would make of it."""
    kind = query.WhichOneof("question") or ""
    if kind == "series":
        return _series(query.series.group_by, result)
    if kind == "window":
        return _window(result)
    if kind == "table":
        return _table(query.table.group_by, result)
    schema, rows = _BEHAVIOUR[kind]
    return pa.Table.from_pylist(list(rows(result)), schema)


def _series(group_by: Sequence[str], result: pb.SeriesResult) -> pa.Table:
    starts = [_instant(start) for start in result.bucket_starts]
    lines = result.series
    count = len(starts)
    compared = any(line.previous_values for line in lines)
    columns = [
        ("start", pa.array(starts * len(lines), TIME)),
        ("measure", _repeated(lines, count, "measure_id")),
    ]
    columns += _groups(group_by, [line.group for line in lines for _ in starts])
    columns.append(("other", pa.array([line.other for line in lines for _ in starts], pa.bool_())))
    columns.append(("value", pa.array([value for line in lines for value in line.values], pa.float64())))
    if compared:
        before = [value for line in lines for value in line.previous_values]
        columns.append(("previous_value", pa.array(before, pa.float64())))
    return _named(columns)


def _window(result: pb.SeriesResult) -> pa.Table:
    fields = max((len(line.group) for line in result.series), default=0)
    found = _series([f"key{place}" for place in range(1, fields + 1)], result)
    late = [count for line in result.series for count in line.late_counts]
    return found.append_column("late_count", pa.array(late, _COUNT))


def _table(group_by: Sequence[str], result: pb.TableResult) -> pa.Table:
    rows = result.rows
    columns = _groups(group_by, [row.group for row in rows])
    columns.append(("other", pa.array([row.other for row in rows], pa.bool_())))
    for place, column in enumerate(result.columns):
        columns.append((column.id, pa.array([row.values[place] for row in rows], pa.float64())))
    if any(row.previous_values for row in rows):
        for place, column in enumerate(result.columns):
            before = pa.array([row.previous_values[place] for row in rows], pa.float64())
            columns.append((f"previous {column.id}", before))
    return _named(columns)


def _repeated(lines: Sequence[pb.Series], count: int, name: str) -> pa.Array:
    return pa.array([getattr(line, name) for line in lines for _ in range(count)], pa.string())


def _groups(group_by: Sequence[str], groups: Sequence[Sequence[str]]) -> list[tuple[str, pa.Array]]:
    """A column for each field; of the rest beyond the top groups it has no value."""
    return [
        (path, pa.array([group[place] if group else None for group in groups], pa.string()))
        for place, path in enumerate(group_by)
    ]


def _named(columns: Sequence[tuple[str, pa.Array]]) -> pa.Table:
    """A table whose columns have different names, though callers may call a measure like a field."""
    names: list[str] = []
    for name, _ in columns:
        while name in names:
            name += "_"
        names.append(name)
    return pa.table([column for _, column in columns], names=names)


def _schema(**types: pa.DataType) -> pa.Schema:
    return pa.schema(list(types.items()))


def _funnel(result: pb.FunnelResult) -> Iterable[Row]:
    for group in result.groups:
        for place, step in enumerate(group.steps):
            yield _group(group) | {
                "step": place,
                "display_name": step.display_name,
                "people": step.people,
                "of_first": step.of_first,
                "of_previous": step.of_previous,
                "median_seconds": _seconds(step, "median_time"),
                "mean_seconds": _seconds(step, "mean_time"),
            }


def _retention(result: pb.RetentionResult) -> Iterable[Row]:
    for group in result.groups:
        for row in group.rows:
            for offset, back in enumerate(row.back):
                yield _group(group) | {
                    "start": _instant(row.start),
                    "people": row.people,
                    "offset": offset,
                    "back": back,
                    "complete": offset < row.complete,
                }


def _lifecycle(result: pb.LifecycleResult) -> Iterable[Row]:
    states = result.new, result.returning, result.resurrecting, result.dormant
    names = "new", "returning", "resurrecting", "dormant"
    for start, *counts in zip(result.starts, *states):
        yield {"start": _instant(start), **dict(zip(names, counts))}


def _sessions(result: pb.SessionsResult) -> Iterable[Row]:
    columns = result.sessions, result.mean_seconds, result.bounce_share, result.mean_events
    names = "sessions", "mean_seconds", "bounce_share", "mean_events"
    for start, *values in zip(result.bucket_starts, *columns):
        yield {"start": _instant(start), **dict(zip(names, values))}


def _paths(result: pb.PathsResult) -> Iterable[Row]:
    for link in result.links:
        here, there = result.nodes[getattr(link, "from")], result.nodes[link.to]
        yield {
            "step": here.step,
            "value": None if here.other else here.value,
            "next_value": None if there.other else there.value,
            "paths": link.paths,
        }


def _people(result: pb.PeopleResult) -> Iterable[Row]:
    for person in result.people:
        yield {
            "user_id": person.user_id,
            "first_seen": _instant(person.first_seen),
            "last_seen": _instant(person.last_seen),
            "events": person.events,
        }


def _group(group: pb.FunnelGroup | pb.RetentionGroup) -> Row:
    named = None if group.all or group.other else group.group
    return {"group": named, "all": group.all, "other": group.other}


def _instant(at: Timestamp) -> datetime | None:
    return at.ToDatetime(UTC) if at.ListFields() else None


def _seconds(step: pb.FunnelStep, name: str) -> float | None:
    time: Duration = getattr(step, name)
    return time.seconds + time.nanos / 1e9 if step.HasField(name) else None  # type: ignore[arg-type]


_GROUP = {"group": pa.string(), "all": pa.bool_(), "other": pa.bool_()}
_COUNT, _NUMBER = pa.int64(), pa.float64()
_BEHAVIOUR: dict[str, tuple[pa.Schema, Callable[[Any], Iterable[Row]]]] = {
    "funnel": (
        _schema(
            **_GROUP, step=pa.int32(), display_name=pa.string(), people=_COUNT, of_first=_NUMBER, of_previous=_NUMBER,
            median_seconds=_NUMBER, mean_seconds=_NUMBER,
        ),
        _funnel,
    ),
    "retention": (
        _schema(**_GROUP, start=TIME, people=_COUNT, offset=pa.int32(), back=_COUNT, complete=pa.bool_()),
        _retention,
    ),
    "lifecycle": (
        _schema(start=TIME, new=_COUNT, returning=_COUNT, resurrecting=_COUNT, dormant=_COUNT),
        _lifecycle,
    ),
    "sessions": (
        _schema(start=TIME, sessions=_COUNT, mean_seconds=_NUMBER, bounce_share=_NUMBER, mean_events=_NUMBER),
        _sessions,
    ),
    "paths": (_schema(step=pa.int32(), value=pa.string(), next_value=pa.string(), paths=_COUNT), _paths),
    "people": (_schema(user_id=pa.string(), first_seen=TIME, last_seen=TIME, events=_COUNT), _people),
}  # fmt: skip

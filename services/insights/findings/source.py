"""Runs detectors over the series of a question, and asks what the events of each type add up to: through query."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from services.insights.findings import search
from services.insights.series import series_of
from services.insights.source import Query
from services.kit.call import Project
from services.kit.errors import Refused
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import query_pb2
from tidemark.v1 import question_pb2 as questions

PROPERTIES, MEASURES = 20, 10
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
VALUE = "properties.value"


async def run_detector(
    query: Query, project: Project, request: pb.RunDetectorRequest, now: datetime
) -> pb.RunDetectorResponse:
    """What a detector finds in the series of a question; raises `Refused` where none of them can be searched."""
    asked = search.asked(request)
    response = await query.run(project.name, request.query)
    series = search.bounded(series_of(response, request.query))
    found = await asyncio.to_thread(
        search.found, series, asked, request.query, ZoneInfo(project.time_zone), now
    )
    if not found.searched:
        reason, message = found.missing or (
            "SERIES_EMPTY",
            "the answer has no series: ask for a longer time range",
        )
        raise Refused(message, reason=reason)
    return pb.RunDetectorResponse(
        insights=found.insights,
        series_count=found.searched,
        notes=found.notes,
        metadata=response.metadata,
    )


async def figures(query: Query, project: str, end: datetime) -> dict[str, pb.EventFigures]:
    """By type, what its events add up to in the minute and the hour before `end`."""
    fields = await query.suggest(
        project, query_pb2.SuggestRequest.KIND_FIELD, text="properties.", limit=PROPERTIES
    )
    paths = [each.value for each in fields if each.value.startswith("properties.")][:PROPERTIES]
    count = questions.Measure(id="count", aggregation=questions.AGGREGATION_COUNT)
    people = questions.Measure(id="people", aggregation=questions.AGGREGATION_UNIQUES)
    numbers = [
        questions.Measure(id=name, aggregation=aggregation, field=VALUE)
        for name, aggregation in (
            ("sum", questions.AGGREGATION_SUM),
            ("min", questions.AGGREGATION_MIN),
            ("max", questions.AGGREGATION_MAX),
        )
    ]
    having = [_having(place, path) for place, path in enumerate(paths)]
    asked = [
        _by_type([count], end - MINUTE, end),
        _by_type([count, people], end - HOUR, end),
        _by_type(numbers, end - HOUR, end),
        *(
            _by_type(having[first : first + MEASURES], end - HOUR, end)
            for first in range(0, len(having), MEASURES)
        ),
    ]
    minute, hour, values, *counted = await asyncio.gather(*(query.run(project, each) for each in asked))
    held: dict[str, dict[str, float]] = {}
    for answer in counted:
        for name, row in _rows(answer).items():
            held.setdefault(name, {}).update(row)
    of_minute, of_values = _rows(minute), _rows(values)
    return {
        name: pb.EventFigures(
            type=name,
            count=int(of_minute.get(name, {}).get("count", 0)),
            hour_count=int(row["count"]),
            hour_people=int(row["people"]),
            hour_sum=of_values.get(name, {}).get("sum", math.nan),
            hour_min=of_values.get(name, {}).get("min", math.nan),
            hour_max=of_values.get(name, {}).get("max", math.nan),
            property_counts=_counts(held.get(name, {}), paths),
        )
        for name, row in _rows(hour).items()
    }


def nothing(name: str) -> pb.EventFigures:
    """The figures of a type that has had no event in the hour."""
    return pb.EventFigures(type=name, hour_sum=math.nan, hour_min=math.nan, hour_max=math.nan)


def _by_type(measures: Sequence[questions.Measure], start: datetime, end: datetime) -> questions.Query:
    asked = questions.Query()
    asked.time_range.start.FromDatetime(start.astimezone(UTC))
    asked.time_range.end.FromDatetime(end.astimezone(UTC))
    asked.table.measures.extend(measures)
    asked.table.group_by.append("type")
    return asked


def _having(place: int, path: str) -> questions.Measure:
    """Counts the events that have a property."""
    measure = questions.Measure(id=f"p{place}", aggregation=questions.AGGREGATION_COUNT)
    measure.filter.comparison.field = path
    measure.filter.comparison.operator = questions.OPERATOR_EXISTS
    return measure


def _rows(answer: query_pb2.RunQueryResponse) -> dict[str, dict[str, float]]:
    """By type, the value of each column."""
    columns = [column.id for column in answer.table.columns]
    return {
        row.group[0]: dict(zip(columns, row.values))
        for row in answer.table.rows
        if row.group and not row.other
    }


def _counts(row: Mapping[str, float], paths: Sequence[str]) -> dict[str, int]:
    counts = {path: row.get(f"p{place}", 0.0) for place, path in enumerate(paths)}
    return {path.removeprefix("properties."): int(count) for path, count in counts.items() if count > 0}

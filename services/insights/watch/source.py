"""What continuous work asks of query: which series a project has, and what they were."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from services.insights.source import Query
from services.insights.watch.series import MEASURES, Chosen, Line, Panel, lines
from services.kit.errors import DeadlineExceeded, Error, Exhausted, Unavailable
from tidemark.v1 import query_pb2
from tidemark.v1 import question_pb2 as questions

NAMES, METRICS = 100, 50
PATIENCE = timedelta(hours=1)
"""How long the watermark is waited for."""
AT_ONCE = 3
"""Questions of one task that are asked at the same time."""


async def chosen(query: Query, project: str, before: Chosen) -> Chosen:
    """What a project has to be watched; kinds of metrics are asked for once."""
    names = await query.suggest(project, query_pb2.SuggestRequest.KIND_EVENT_NAME, limit=NAMES)
    metrics = await query.suggest(project, query_pb2.SuggestRequest.KIND_METRIC_NAME, limit=METRICS)
    kinds = dict(before.metrics)
    unknown = [each.value for each in metrics if each.value not in kinds]
    for first in range(0, len(unknown), MEASURES):
        kinds |= await _kinds(query, project, unknown[first : first + MEASURES])
    return Chosen(
        tuple(each.value for each in names),
        tuple((each.value, kinds.get(each.value, 0)) for each in metrics),
    )


async def answered(
    query: Query, project: str, panel: Panel, start: datetime, end: datetime
) -> tuple[list[Line], float]:
    """The series of a panel over a span of time, finished buckets of them, and what its first series counts in all."""
    asked = questions.Query()
    asked.CopyFrom(panel.query)
    asked.time_range.start.FromDatetime(start)
    asked.time_range.end.FromDatetime(end)
    response = await query.run(project, asked)
    _patient(response.metadata)
    first = response.series.series[0].total if response.series.series else 0.0
    return await asyncio.to_thread(lines, panel, response), first


async def _kinds(query: Query, project: str, names: Sequence[str]) -> Mapping[str, int]:
    asked = questions.Query()
    asked.time_range.last.FromTimedelta(timedelta(days=1))
    asked.series.interval.unit = questions.Interval.UNIT_DAY
    for place, name in enumerate(names):
        asked.series.measures.add(
            id=f"m{place}",
            source=questions.SOURCE_METRICS,
            name=name,
            aggregation=questions.AGGREGATION_COUNT,
        )
    response = await query.run(project, asked)
    kinds = {line.measure_id: line.kind for line in response.series.series}
    return {name: kinds.get(f"m{place}", 0) for place, name in enumerate(names)}


def _patient(metadata: questions.QueryMetadata) -> None:
    """A partition that stands still must not keep everything unseen: after an hour, what is there is what there is."""
    least = metadata.answered_at.ToDatetime(UTC) - PATIENCE
    if metadata.watermark.ToDatetime(UTC) < least:
        metadata.watermark.FromDatetime(least)


def passing(error: Error) -> bool:
    """Whether a question that has failed may be answered when it is asked again."""
    return isinstance(error, Unavailable | Exhausted | DeadlineExceeded)

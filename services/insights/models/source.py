"""Rows to learn from and to predict for, as query gives them: a `Plan` comes in from `worker` and `servicer`, `Rows` go back."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from services.insights.models.matrix import Rows, rows
from services.insights.models.target import Plan
from services.insights.source import Query
from services.kit.instant import EPOCH, MICROSECOND
from tidemark.v1 import feature_pb2
from tidemark.v1 import question_pb2 as q

CELLS = 30_000_000
"""Numbers that a table may hold: a quarter of a gigabyte. More rows are sampled."""
FREQUENT = 20


@dataclass(frozen=True, slots=True)
class Read:
    """Rows, and what is known of them."""

    rows: Rows
    metadata: feature_pb2.FeatureMetadata

    @property
    def sampled(self) -> bool:
        """Whether there are more."""
        return self.metadata.total_rows > len(self.rows) and self.metadata.total_rows > 0


class Source:
    """Query, asked for features."""

    def __init__(self, query: Query) -> None:
        self._query = query

    async def horizon(self, project: str, now: datetime) -> datetime | None:
        """Up to when outcomes are known: the last event or the watermark, whichever is earlier; None without events."""
        question = q.Query(events=q.EventsQuestion(), time_range=_range(EPOCH, now))
        answer = await self._query.run(project, question, page_size=1)
        if not answer.events.events:
            return None
        last = answer.events.events[0].event.occurred_at.ToDatetime(EPOCH.tzinfo) + MICROSECOND
        if not answer.metadata.HasField("watermark"):
            return last
        return min(last, answer.metadata.watermark.ToDatetime(EPOCH.tzinfo))

    async def frequent(self, project: str, start: datetime, end: datetime) -> list[str]:
        """The names of the events that are most frequent in a span."""
        measure = q.Measure(id="count", aggregation=q.AGGREGATION_COUNT)
        table = q.TableQuestion(measures=[measure], group_by=["name"], top=FREQUENT)
        answer = await self._query.run(project, q.Query(table=table, time_range=_range(start, end)))
        return [row.group[0] for row in answer.table.rows if not row.other and row.group[0]]

    async def rows(self, project: str, plan: Plan, user_ids: tuple[str, ...] = ()) -> Read:
        """The rows of a plan."""
        found = await self._query.features(project, plan.spec, user_ids, 0 if user_ids else most(plan.spec))
        made = await asyncio.to_thread(rows, found.table)
        if plan.stopped:
            lately = await self._query.features(project, plan.lately, user_ids)
            others = await asyncio.to_thread(rows, lately.table)
            made = made.take(~_among(made, others))
        return Read(made, found.metadata)


def most(spec: feature_pb2.FeatureSpec) -> int:
    """How many rows of a spec are read at most."""
    width = len(spec.fields)
    if not spec.without_history:
        width += 13 * (1 + len(spec.event_names)) + 8 * len(spec.sum_fields)
    return min(2_000_000, CELLS // max(1, width))


def _among(some: Rows, others: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which of some rows are of a person and point that others have as well."""
    known = set(zip(others.users.to_pylist(), others.points.tolist(), strict=True))
    pairs = zip(some.users.to_pylist(), some.points.tolist(), strict=True)
    return np.fromiter((each in known for each in pairs), dtype=bool, count=len(some))


def _range(start: datetime, end: datetime) -> q.TimeRange:
    found = q.TimeRange()
    found.start.FromDatetime(max(start, EPOCH))
    found.end.FromDatetime(end)
    return found

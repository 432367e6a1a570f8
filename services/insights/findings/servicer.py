"""InsightService: each method reads the request (`request.py`), asks the store or `source`, and builds the answer."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.insights.detect.anomaly import State
from services.insights.findings import indicator as indicators
from services.insights.findings import record, source
from services.insights.findings import request as read
from services.insights.findings.store import Store
from services.insights.findings.stream import Changes
from services.insights.source import Query
from services.insights.watch import judge
from services.insights.watch.store import Row
from services.insights.watch.store import Store as Work
from services.insights.why.ask import asked
from services.insights.why.source import explain
from services.kit import audit, page, resource
from services.kit.errors import Invalid
from services.kit.identity import caller, named, parent_of, project
from services.kit.settings import Settings
from tidemark.v1 import insight_pb2 as pb
from tidemark.v1 import insight_pb2_grpc
from tidemark.v1 import question_pb2 as questions

PAGE, LARGEST_PAGE = 50, 1000
AT_ONCE = 2
"""Detectors that one process runs at the same time: each takes a core."""
BASELINES = "minutes"
"""The task whose series are shown as baselines."""
_TYPE = "type/"


class Insights(insight_pb2_grpc.InsightServiceServicer):
    """The RPCs of InsightService."""

    def __init__(self, store: Store, work: Work, changes: Changes, query: Query, settings: Settings) -> None:
        self._store, self._work, self._changes, self._query = store, work, changes, query
        self._rate = settings.insights_false_discovery_rate
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def GetInsight(self, request: pb.GetInsightRequest, context: Any) -> pb.GetInsightResponse:
        """Reads an insight."""
        parent, insight_id = await named(request.name, "insights")
        return pb.GetInsightResponse(insight=await self._store.insight(parent, insight_id))

    async def ListInsights(self, request: pb.ListInsightsRequest, context: Any) -> pb.ListInsightsResponse:
        """Lists insights by priority, or the newest first."""
        parent = await parent_of(request.parent)
        limit = page.size(request.page_size, PAGE, LARGEST_PAGE)
        wanted = read.wanted(request, ZoneInfo(parent.time_zone), datetime.now(UTC))
        behind = page.position(request, str, str)
        after = None if behind is None else (_number(behind[0]), behind[1])
        rows = await self._store.insights(parent, wanted, after, limit + 1)
        response = pb.ListInsightsResponse(insights=[row.message() for row in rows[:limit]])
        if len(rows) > limit:
            last = rows[limit - 1]
            response.next_page_token = page.token(request, repr(last.place), last.insight_id)
        return response

    async def WatchInsights(
        self, request: pb.WatchInsightsRequest, context: Any
    ) -> AsyncIterator[pb.WatchInsightsResponse]:
        """Follows changes of insights."""
        parent = await parent_of(request.parent)
        async for response in self._changes.follow(parent.project_id, request.cursor):
            yield response

    async def AcknowledgeInsight(
        self, request: pb.AcknowledgeInsightRequest, context: Any
    ) -> pb.AcknowledgeInsightResponse:
        """Somebody has seen an insight."""
        parent, insight_id = await named(request.name, "insights")
        return pb.AcknowledgeInsightResponse(insight=await self._store.acknowledge(parent, insight_id))

    async def GiveFeedback(self, request: pb.GiveFeedbackRequest, context: Any) -> pb.GiveFeedbackResponse:
        """Says what an insight was worth."""
        parent, insight_id = await named(request.name, "insights")
        given = read.feedback(request)
        found = await self._store.judge(parent, insight_id, given, request.comment, caller().name)
        return pb.GiveFeedbackResponse(insight=found)

    async def ExplainChange(self, request: pb.ExplainChangeRequest, context: Any) -> pb.ExplainChangeResponse:
        """Says where a change of a series comes from."""
        parent = await project(request.project)
        change = asked(request, parent.time_zone, datetime.now(UTC))
        found = await explain(self._query, parent.name, change)
        return pb.ExplainChangeResponse(
            before=found.before,
            after=found.after,
            contributions=found.contributions,
            facts=found.facts,
            cause=found.cause,
        )

    async def RunDetector(self, request: pb.RunDetectorRequest, context: Any) -> pb.RunDetectorResponse:
        """Runs a detector over the series of a question."""
        parent = await project(request.project)
        async with self._turns:
            return await source.run_detector(self._query, parent, request, datetime.now(UTC))

    async def ListDetectors(self, request: pb.ListDetectorsRequest, context: Any) -> pb.ListDetectorsResponse:
        """Lists the detectors."""
        parent = await parent_of(request.parent)
        judged = await self._store.judged(parent.project_id)
        run_at = await self._work.run_at(parent.project_id)
        return pb.ListDetectorsResponse(
            detectors=record.detectors(judged, dict(run_at)),
            series_count=await self._work.count(parent.project_id),
            false_discovery_rate=self._rate,
        )

    async def ListBaselines(self, request: pb.ListBaselinesRequest, context: Any) -> pb.ListBaselinesResponse:
        """Lists the series watched by the minute, the least expected first."""
        parent = await parent_of(request.parent)
        rows = list((await self._work.known(parent.project_id, BASELINES)).values())
        types = [row for row in rows if row.series.startswith(_TYPE)]
        found = await source.figures(self._query, parent.name, types[0].until) if types else {}
        response = pb.ListBaselinesResponse()
        for row in sorted(rows, key=lambda each: (each.p_value, each.series)):
            baseline = _baseline(row)
            if row.series.startswith(_TYPE):
                name = row.series.removeprefix(_TYPE)
                baseline.figures.CopyFrom(found.get(name) or source.nothing(name))
            response.baselines.append(baseline)
        return response

    async def CreateIndicator(
        self, request: pb.CreateIndicatorRequest, context: Any
    ) -> pb.CreateIndicatorResponse:
        """Makes an indicator."""
        parent = await parent_of(request.parent)
        chosen = resource.new_id(request.indicator_id, "indicator_id") if request.indicator_id else ""
        if chosen:
            audit.note(f"{parent.name}/indicators/{chosen}")
        given = indicators.read(request.indicator)
        made = await self._store.create_indicator(
            parent, chosen, given, resource.request_id(request.request_id)
        )
        audit.note(made.name)
        return pb.CreateIndicatorResponse(indicator=made.message())

    async def ListIndicators(
        self, request: pb.ListIndicatorsRequest, context: Any
    ) -> pb.ListIndicatorsResponse:
        """Lists the indicators of a project."""
        parent = await parent_of(request.parent)
        rows = await self._store.indicators(parent.project_id)
        return pb.ListIndicatorsResponse(indicators=[row.message() for row in rows])

    async def DeleteIndicator(
        self, request: pb.DeleteIndicatorRequest, context: Any
    ) -> pb.DeleteIndicatorResponse:
        """Deletes an indicator."""
        parent, indicator_id = await named(request.name, "indicators")
        await self._store.delete_indicator(parent, indicator_id)
        return pb.DeleteIndicatorResponse()


def _baseline(row: Row) -> pb.Baseline:
    shown = judge.recent(row.recent)
    state = State.decode(row.learnt)
    made = pb.Baseline(
        subject=row.subject,
        query=questions.Query.FromString(row.query),
        p_value=row.p_value,
        bucket_count=state.count if state else 0,
    )
    made.query.time_range.last.seconds = 3600
    figures = shown.figures[:, -1] if len(shown.starts) else [float("nan")] * 4
    made.value, made.expected, made.lower, made.upper = (float(each) for each in figures[:4])
    if len(shown.starts):
        made.bucket_start.FromMicroseconds(int(shown.starts[-1]))
    return made


def _number(text: str) -> float:
    """A place in a list; tokens can be forged."""
    try:
        return float(text)
    except ValueError as error:
        raise Invalid(
            "page_token", "is not a token that this server gave; begin at the first page"
        ) from error

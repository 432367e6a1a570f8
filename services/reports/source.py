"""Query and insights, as reports read them: all that a report says comes in here, by the RPCs that everybody has.

Errors of theirs come out as our own. Next: `build` makes documents of the answers.
"""

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

from services.kit.peer import Peer
from services.kit.service import Pool
from services.kit.servicekey import ServiceKey, place
from services.kit.settings import Settings
from tidemark.v1 import (
    forecast_pb2,
    forecast_pb2_grpc,
    insight_pb2,
    insight_pb2_grpc,
    pipeline_pb2,
    pipeline_pb2_grpc,
    query_pb2,
    query_pb2_grpc,
    question_pb2,
)

SECONDS = 30.0
"""How long an answer may take."""
EXPORT_SECONDS = 600.0


class Sources:
    """The targets query and insights."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        key = ServiceKey(pool, place("reports", settings.reports_port))
        self._query = Peer("query", settings.query_address, settings.query_port, settings, key)
        self._insights = Peer("insights", settings.insights_address, settings.insights_port, settings, key)

    async def run(
        self,
        project: str,
        query: question_pb2.Query,
        *,
        as_of: str = "",
        page_size: int = 0,
        page_token: str = "",
    ) -> query_pb2.RunQueryResponse:
        """The answer to a question; `project` is `projects/{project}`."""
        request = query_pb2.RunQueryRequest(
            project=project, query=query, as_of=as_of, page_size=page_size, page_token=page_token
        )
        return await self._query.call(_query, lambda stub: stub.RunQuery, request, SECONDS)

    async def export(
        self, project: str, query: question_pb2.Query, *, as_of: str = ""
    ) -> AsyncIterator[query_pb2.ExportResponse]:
        """The rows of an answer as an Arrow IPC stream, piece by piece; the last piece holds the metadata."""
        request = query_pb2.ExportRequest(
            project=project, query=query, format=query_pb2.ExportRequest.FORMAT_ARROW, as_of=as_of
        )
        stub = _query(self._query.channel())
        try:
            async for answer in stub.Export(
                request, metadata=await self._query.bearer(), timeout=EXPORT_SECONDS
            ):
                yield answer
        except grpc.aio.AioRpcError as error:
            raise self._query.failed(error) from error

    async def explain(self, project: str, query: question_pb2.Query) -> query_pb2.ExplainQueryResponse:
        """How a question would be answered, without answering it; an error where it could not be."""
        request = query_pb2.ExplainQueryRequest(project=project, query=query)
        return await self._query.call(_query, lambda stub: stub.ExplainQuery, request, SECONDS)

    async def ledger(self, project: str, **chosen: Any) -> query_pb2.GetLedgerResponse:
        """The account of what was received; `chosen` are fields of `GetLedgerRequest`."""
        request = query_pb2.GetLedgerRequest(project=project, **chosen)
        return await self._query.call(_query, lambda stub: stub.GetLedger, request, SECONDS)

    async def quality(self, project: str, **chosen: Any) -> pipeline_pb2.ListEventQualityResponse:
        """Events with their volume and quality, the most frequent first; one page of them."""
        request = pipeline_pb2.ListEventQualityRequest(project=project, **chosen)
        return await self._query.call(_pipeline, lambda stub: stub.ListEventQuality, request, SECONDS)

    async def producers(self, project: str, **chosen: Any) -> pipeline_pb2.ListProducersResponse:
        """Who sends; one page of them."""
        request = pipeline_pb2.ListProducersRequest(project=project, **chosen)
        return await self._query.call(_pipeline, lambda stub: stub.ListProducers, request, SECONDS)

    async def insights(self, parent: str, **chosen: Any) -> insight_pb2.ListInsightsResponse:
        """What was found; `chosen` are fields of `ListInsightsRequest`."""
        request = insight_pb2.ListInsightsRequest(parent=parent, **chosen)
        return await self._insights.call(_insights, lambda stub: stub.ListInsights, request, SECONDS)

    async def forecast(
        self, project: str, query: question_pb2.Query, **chosen: Any
    ) -> forecast_pb2.ForecastResponse:
        """How the series of a question go on; `chosen` are fields of `ForecastRequest`."""
        request = forecast_pb2.ForecastRequest(project=project, query=query, **chosen)
        return await self._insights.call(_forecasts, lambda stub: stub.Forecast, request, SECONDS)


def _query(channel: grpc.aio.Channel) -> Any:
    return query_pb2_grpc.QueryServiceStub(channel)  # type: ignore[no-untyped-call]


def _pipeline(channel: grpc.aio.Channel) -> Any:
    return pipeline_pb2_grpc.PipelineServiceStub(channel)  # type: ignore[no-untyped-call]


def _insights(channel: grpc.aio.Channel) -> Any:
    return insight_pb2_grpc.InsightServiceStub(channel)  # type: ignore[no-untyped-call]


def _forecasts(channel: grpc.aio.Channel) -> Any:
    return forecast_pb2_grpc.ForecastServiceStub(channel)  # type: ignore[no-untyped-call]

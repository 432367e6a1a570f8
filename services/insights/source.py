"""Query, as insights reads it: all data of projects comes in here, by the RPCs that everybody has.

Calls carry the key that this process has made for itself, so whoever asks insights for something is checked by the servicer
first. Errors of query come out as our own. Next: `series.py` makes arrays of answers.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import grpc
import grpc.aio
import pyarrow as pa
from google.protobuf.duration_pb2 import Duration

from services.kit.peer import Peer, Stub
from services.kit.service import Pool
from services.kit.servicekey import ServiceKey, place
from services.kit.settings import Settings
from tidemark import errors as told
from tidemark.v1 import (
    feature_pb2,
    feature_pb2_grpc,
    pipeline_pb2,
    pipeline_pb2_grpc,
    query_pb2,
    query_pb2_grpc,
    question_pb2,
)

SECONDS = 30.0
"""How long a question may take where the caller says nothing."""
FEATURE_SECONDS = 600.0
CRITICAL_SINCE = timedelta(minutes=5)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Features:
    """What people did up to points in time: the columns of docs/features.md."""

    table: pa.Table
    metadata: feature_pb2.FeatureMetadata


class Query:
    """The target query."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        key = ServiceKey(pool, place("insights", settings.insights_port))
        self._peer = Peer("query", settings.query_address, settings.query_port, settings, key)

    async def run(
        self,
        project: str,
        query: question_pb2.Query,
        *,
        page_size: int = 0,
        page_token: str = "",
        max_staleness: timedelta | None = None,
        as_of: str = "",
        timeout: float = SECONDS,
    ) -> query_pb2.RunQueryResponse:
        """The answer to a question; `project` is `projects/{project}`."""
        request = query_pb2.RunQueryRequest(
            project=project, query=query, page_size=page_size, page_token=page_token, as_of=as_of
        )
        if max_staleness is not None:
            request.max_staleness.FromTimedelta(max_staleness)
        return await self._call(lambda stub: stub.RunQuery, request, timeout)

    async def suggest(self, project: str, kind: int, **chosen: Any) -> list[query_pb2.Suggestion]:
        """Names, fields or values of a project, the most frequent first; `chosen` are fields of `SuggestRequest`."""
        request = query_pb2.SuggestRequest(project=project, kind=kind, **chosen)  # type: ignore[arg-type]
        return list((await self._call(lambda stub: stub.Suggest, request, SECONDS)).suggestions)

    async def ledger(self, project: str, **chosen: Any) -> query_pb2.GetLedgerResponse:
        """The account of what was received; `chosen` are fields of `GetLedgerRequest`."""
        request = query_pb2.GetLedgerRequest(project=project, **chosen)
        return await self._call(lambda stub: stub.GetLedger, request, SECONDS)

    async def analytics(
        self, project: str, received_since: datetime | None = None
    ) -> query_pb2.GetPlatformAnalyticsResponse:
        """How the platform is doing; for all projects, `projects/-`, also what came in since then."""
        request = query_pb2.GetPlatformAnalyticsRequest(project=project)
        if received_since is not None:
            request.received_since.FromDatetime(received_since)
        return await self._call(lambda stub: stub.GetPlatformAnalytics, request, SECONDS)

    async def quality(
        self, project: str, time_range: question_pb2.TimeRange | None = None, **chosen: Any
    ) -> list[pipeline_pb2.EventQuality]:
        """Events with their volume and quality, the most frequent first; one page of them."""
        request = pipeline_pb2.ListEventQualityRequest(project=project, time_range=time_range, **chosen)
        answer = await self._call(lambda stub: stub.ListEventQuality, request, SECONDS, _pipeline)
        return list(answer.events)

    async def properties(
        self, project: str, event_name: str, time_range: question_pb2.TimeRange | None = None
    ) -> pipeline_pb2.GetEventQualityResponse:
        """The properties of an event's sample."""
        request = pipeline_pb2.GetEventQualityRequest(
            project=project, event_name=event_name, time_range=time_range
        )
        return await self._call(lambda stub: stub.GetEventQuality, request, SECONDS, _pipeline)

    async def lineage(self, project: str, **chosen: Any) -> pipeline_pb2.GetLineageResponse:
        """Where an event or a bucket comes from; `chosen` are fields of `GetLineageRequest`."""
        request = pipeline_pb2.GetLineageRequest(project=project, **chosen)
        return await self._call(lambda stub: stub.GetLineage, request, SECONDS, _pipeline)

    async def producers(self, project: str, **chosen: Any) -> pipeline_pb2.ListProducersResponse:
        """Who sends; one page of them."""
        request = pipeline_pb2.ListProducersRequest(project=project, **chosen)
        return await self._call(lambda stub: stub.ListProducers, request, SECONDS, _pipeline)

    async def features(
        self,
        project: str,
        spec: feature_pb2.FeatureSpec,
        user_ids: Sequence[str] = (),
        max_rows: int = 0,
        timeout: float = FEATURE_SECONDS,
    ) -> Features:
        """The table of features that a spec asks for."""
        request = feature_pb2.ReadFeaturesRequest(
            project=project, spec=spec, user_ids=user_ids, max_rows=max_rows
        )
        parts: list[bytes] = []
        metadata = feature_pb2.FeatureMetadata()

        async def read(stub: Any, bearer: Any) -> None:
            parts.clear()
            try:
                async for answer in stub.ReadFeatures(request, metadata=bearer, timeout=timeout):
                    parts.append(answer.chunk)
                    if answer.HasField("metadata"):
                        metadata.CopyFrom(answer.metadata)
            except grpc.aio.AioRpcError as error:
                raise told.from_rpc(error) from error

        await self._peer.tried(_features, read)
        # In a thread: a table of a million rows takes a while to read.
        return Features(await asyncio.to_thread(_table, parts), metadata)

    async def watch_critical(
        self, project: str, cursor: str = ""
    ) -> AsyncIterator[query_pb2.WatchCriticalResponse]:
        """Errors and security events as they are received, from the cursor on; ends with `Unavailable` when query does."""
        since = Duration()
        since.FromTimedelta(CRITICAL_SINCE)
        request = query_pb2.WatchCriticalRequest(
            project=project, cursor=cursor, since=None if cursor else since
        )
        stub = _query(self._peer.channel())
        try:
            async for answer in stub.WatchCritical(request, metadata=await self._peer.bearer()):
                yield answer
        except grpc.aio.AioRpcError as error:
            raise self._peer.failed(error) from error

    async def _call(
        self,
        method: Callable[[Any], Callable[..., Awaitable[T]]],
        request: Any,
        timeout: float,
        stub: Stub | None = None,
    ) -> T:
        return await self._peer.call(stub or _query, method, request, timeout)


def _query(channel: grpc.aio.Channel) -> Any:
    return query_pb2_grpc.QueryServiceStub(channel)  # type: ignore[no-untyped-call]


def _pipeline(channel: grpc.aio.Channel) -> Any:
    return pipeline_pb2_grpc.PipelineServiceStub(channel)  # type: ignore[no-untyped-call]


def _features(channel: grpc.aio.Channel) -> Any:
    return feature_pb2_grpc.FeatureServiceStub(channel)  # type: ignore[no-untyped-call]


def _table(parts: list[bytes]) -> pa.Table:
    return pa.ipc.open_stream(pa.BufferReader(b"".join(parts))).read_all()
